// @ts-check
/**
 * A connection and the listeners it carries: routes what comes to those it is for.
 */
import { Connection } from "./connection.js";
import { Router } from "./topics.js";

/** @import { Binding, Gap, Message } from "../pulse-events.d.ts" */
/** @import { Sink } from "./connection.js" */
/** @import { PulseEventsError } from "./errors.js" */
/** @import { Member } from "./switchboard.js" */
/** @typedef {{ text: string, message: Message }} Heard */

/** @implements {Sink} */
export class Link {
  /** Why the connection was lost last. */
  reason = "";
  /** @type {Set<Member>} */
  carries = new Set();

  // What the group does about it.
  onReady = () => {};
  onReadyAgain = () => {};
  onDown = () => {};
  onFailed = (/** @type {PulseEventsError} */ _error) => {};
  onGap = (/** @type {Gap} */ _gap) => {};
  onMessage = (/** @type {Heard} */ _heard) => {};
  onNews = (/** @type {(sink: Sink) => void} */ _tell) => {};

  /** @type {Router<Member>} */
  #router = new Router();
  /** @type {Heard[] | null} */
  #recorded = null;

  /**
   * @param {{
   *   endpoint: URL, bindings: readonly Binding[], pingInterval?: number,
   *   fetch: import("./requests.js").Fetch,
   * }} options
   * @param {string} key of the union of the listeners' bindings
   * @param {Iterable<Member>} members
   */
  constructor(options, key, members) {
    this.key = key;
    this.connection = new Connection(options, this);
    this.carry(members);
  }

  /** @param {Iterable<Member>} members whose bindings are among those of this stream */
  carry(members) {
    for (const member of members) {
      this.carries.add(member);
      this.#router.add(member.bindings, member);
    }
  }

  /**
   * @param {Message} message
   * @returns {Set<Member>} whom it is for
   */
  match(message) {
    return this.#router.match(message);
  }

  /** Keeps what comes from now on, until `stopRecording`. */
  record() {
    this.#recorded = [];
  }

  /** @returns {Heard[]} what was kept */
  stopRecording() {
    const recorded = this.#recorded ?? [];
    this.#recorded = null;
    return recorded;
  }

  close() {
    this.connection.close();
  }

  // What the connection says.

  /** @param {{ first: boolean }} event */
  ready({ first }) {
    if (first) this.onReady();
    else this.onReadyAgain();
  }

  /** @param {string} text */
  message(text) {
    const heard = { text, message: JSON.parse(text) };
    this.#recorded?.push(heard);
    this.onMessage(heard);
  }

  /** @param {Gap} gap */
  gap(gap) {
    this.onGap(gap);
  }

  /** @param {PulseEventsError} error */
  error(error) {
    this.reason = error.message;
    this.onNews((sink) => sink.error(error));
    this.onDown();
  }

  /** @param {PulseEventsError | null} error */
  end(error) {
    if (!error) return;
    this.reason = error.message;
    this.onFailed(error);
  }

  /** @param {{ time: string }} ping */
  ping(ping) {
    this.onNews((sink) => sink.ping(ping));
  }

  /** @param {{ silentMs: number, intervalMs: number }} stale */
  stale(stale) {
    this.onNews((sink) => sink.stale(stale));
  }

  /** @param {import("../pulse-events.d.ts").State} state */
  state(state) {
    // Its end matters to the listeners only if they are at fault; they hear that from the group.
    if (state.phase !== "closed") this.onNews((sink) => sink.state({ ...state, shared: true }));
  }
}
