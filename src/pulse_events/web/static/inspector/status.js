// @ts-check
/**
 * How the connection is, in words: on the page, in the tab's title, and for screen readers.
 *
 * Changes are announced, messages and seconds are not.
 */
import { byId, say } from "./dom.js";
import { relative, zonedTime } from "./times.js";

/** @import { BrokerStatus, State } from "../pulse-events.d.ts" */
/** @typedef {State["phase"] | "behind" | "idle" | "stopped" | "refused" | "file"} Phase */

const WORDS = {
  connecting: "connecting",
  open: "listening",
  behind: "catching up",
  waiting: "waiting",
  paused: "paused",
  closed: "stopped",
  idle: "not listening",
  stopped: "stopped",
  refused: "refused",
  file: "looking at a file",
};
const LOST = "broker lost";
const NAME = "pulse-events";

/** With these there is a stream, or soon is one: what its server said of the broker holds. */
const WITH_STREAM = new Set(["connecting", "open", "behind"]);

export class Status {
  /** @type {{ phase: Phase, reason: string, retryAt: number | null }} */
  #state = { phase: "idle", reason: "", retryAt: null };
  /** What the server said of its broker. @type {BrokerStatus | null} */
  #broker = null;
  /** Whether other bindings were asked for and not taken yet. */
  #isAsked = false;
  /** How far the stream is behind at least. */
  #lagMs = 0;
  #announced = "";
  #line = byId("state");
  #phase = byId("phase");
  #reason = byId("reason");

  /**
   * @param {Phase} phase
   * @param {string} [reason]
   * @param {number | null} [retryAt]
   */
  show(phase, reason = "", retryAt = null) {
    this.#state = { phase, reason, retryAt };
    if (!WITH_STREAM.has(phase)) this.#broker = null;
    this.#draw();
  }

  /** @param {BrokerStatus} broker */
  tellBroker(broker) {
    this.#broker = broker;
    this.#draw();
  }

  /** @param {boolean} isAsked whether the bindings that were applied are still waited for */
  tellAsked(isAsked) {
    if (isAsked === this.#isAsked) return;
    this.#isAsked = isAsked;
    this.#draw();
  }

  /** @param {number} lagMs at least so far the stream is behind; 0 if that is little */
  tellLag(lagMs) {
    const wasLate = this.#isLate;
    this.#lagMs = lagMs;
    if (this.#isLate !== wasLate) this.#draw();
  }

  /** @param {number} nowMs */
  tick(nowMs) {
    const { retryAt } = this.#state;
    const seconds = retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - nowMs) / 1000));
    const again = retryAt === null ? "" : `again in ${seconds} s`;
    const late = this.#isLate ? `at least ${relative(0, this.#lagMs)} behind` : "";
    say(this.#reason, [this.#why, late, again].filter(Boolean).join(" · "));
  }

  #draw() {
    const { phase, reason } = this.#state;
    this.#line.dataset.phase = this.#isLost ? "lost" : this.#isLate ? "late" : phase;
    const words = this.#isLost ? LOST : WORDS[phase];
    const late = this.#isLate ? "what comes is late" : "";
    say(this.#phase, words);
    this.tick(Date.now());
    const isRetry = !this.#isLost && phase === "connecting" && reason !== ""; // was announced
    if (!isRetry) this.#announce([words, this.#why, late].filter(Boolean).join(": "));
  }

  /** Whether there is a stream, but nothing that it could bring. */
  get #isLost() {
    return this.#broker?.broker === "lost";
  }

  get #isLate() {
    return this.#lagMs > 0 && this.#state.phase === "open" && !this.#isLost;
  }

  get #why() {
    const { reason } = this.#state;
    if (!this.#broker) return reason;
    const since = this.#isLost ? `since ${zonedTime(Date.parse(this.#broker.since))}` : "";
    const waits = this.#isLost && this.#isAsked ? "what was applied waits for it" : "";
    return [reason, this.#broker.reason, since, waits].filter(Boolean).join(" · ");
  }

  /**
   * @param {number} count messages that came
   */
  count(count) {
    const title = count ? `(${count}) ${NAME}` : NAME;
    if (document.title !== title) document.title = title;
  }

  /** @param {string} words */
  #announce(words) {
    if (words === this.#announced) return;
    this.#announced = words;
    byId("announcements").textContent = words;
  }
}
