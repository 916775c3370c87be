// @ts-check
/**
 * How the connection is, in words: on the page, in the tab's title, and for screen readers.
 *
 * Changes are announced, messages and seconds are not.
 */
import { byId, say } from "./dom.js";

/** @import { State } from "../pulse-events.d.ts" */
/** @typedef {State["phase"] | "behind" | "stopped" | "refused" | "file"} Phase */

const WORDS = {
  connecting: "connecting",
  open: "listening",
  behind: "catching up",
  waiting: "waiting",
  paused: "paused",
  closed: "stopped",
  stopped: "stopped",
  refused: "refused",
  file: "looking at a file",
};
const NAME = "pulse-events";

export class Status {
  /** @type {{ phase: Phase, reason: string, retryAt: number | null }} */
  #state = { phase: "stopped", reason: "", retryAt: null };
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
    this.#line.dataset.phase = phase;
    say(this.#phase, WORDS[phase]);
    this.tick(Date.now());
    const isRetry = phase === "connecting" && reason !== ""; // of what was announced as waiting
    if (!isRetry) this.#announce(reason ? `${WORDS[phase]}: ${reason}` : WORDS[phase]);
  }

  /** @param {number} nowMs */
  tick(nowMs) {
    const { reason, retryAt } = this.#state;
    const seconds = retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - nowMs) / 1000));
    const again = retryAt === null ? "" : `again in ${seconds} s`;
    say(this.#reason, [reason, again].filter(Boolean).join(" · "));
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
