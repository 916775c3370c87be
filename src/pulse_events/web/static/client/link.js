// @ts-check
/**
 * A source of messages as its owner sees it: what it says, and how it is.
 *
 * The source is a connection, or the worker's end of one.  The owner has one object for all links
 * that follow each other; each call names the link, and whether that one leads is the owner's to
 * know.
 */

/** @import { BrokerStatus, Gap, Message, State } from "../pulse-events.d.ts" */
/** @import { Ready, Sink } from "./connection.js" */
/** @import { PulseEventsError } from "./errors.js" */
/**
 * `cursor`: the place behind the message; `null` if the stream has none.
 * @typedef {{ text: string, message: Message, cursor: string | null }} Heard
 */
/**
 * @typedef {{
 *   start(): void, close(): void, wake(): void, pause(reason: string): void, resume(): void,
 * }} Source
 */
/**
 * Whom the messages of a link are for.
 * @template T
 * @typedef {{
 *   carries: ReadonlySet<T>, match(message: Message): ReadonlySet<T>,
 *   brings(message: Message): boolean,
 * }} Routing
 */
/**
 * @template T
 * @template {Routing<T>} R
 * @typedef {{
 *   onReady(link: Link<T, R>, event: Ready): void,
 *   onMessage(link: Link<T, R>, heard: Heard): void,
 *   onGap(link: Link<T, R>, gap: Gap): void,
 *   onDown(link: Link<T, R>): void,
 *   onEnd(link: Link<T, R>, error: PulseEventsError): void,
 *   onPing(link: Link<T, R>, ping: { time: string }): void,
 *   onStatus(link: Link<T, R>, status: BrokerStatus): void,
 *   onStale(link: Link<T, R>, stale: { silentMs: number, intervalMs: number }): void,
 *   onError(link: Link<T, R>, error: PulseEventsError): void,
 *   onState(link: Link<T, R>, state: State): void,
 * }} LinkListener
 */

/**
 * @template T
 * @template {Routing<T>} R
 * @implements {Sink}
 */
export class Link {
  /** Milliseconds since the epoch of the last event; 0 before the first. */
  heardAt = 0;
  hasFailed = false;
  /** Of the last event. @type {string | null} */
  cursor = null;
  /** @type {State} */
  lastState = { phase: "connecting", reason: "", retryAt: null, attempt: 0, shared: false };
  /** What the server said last of its broker. @type {BrokerStatus | null} */
  lastStatus = null;
  source;
  #listener;

  /**
   * @param {(sink: Sink) => Source} open
   * @param {R} routes
   * @param {LinkListener<T, R>} listener
   */
  constructor(open, routes, listener) {
    this.routes = routes;
    this.#listener = listener;
    this.source = open(this);
  }

  get isReady() {
    return this.lastState.phase === "open";
  }

  /** Why there is no stream, in words. */
  get reason() {
    return this.lastState.reason;
  }

  start() {
    this.source.start();
  }

  close() {
    this.source.close();
  }

  wake() {
    this.source.wake();
  }

  /** @param {string} reason */
  pause(reason) {
    this.source.pause(reason);
  }

  resume() {
    this.source.resume();
  }

  // What the source says.

  /** @param {string} cursor */
  at(cursor) {
    this.cursor = cursor;
  }

  /** @param {Ready} event */
  ready(event) {
    this.heardAt = Date.now();
    this.#listener.onReady(this, event);
  }

  /** @param {string} text */
  message(text) {
    this.heardAt = Date.now();
    const { cursor } = this;
    this.#listener.onMessage(this, { text, message: JSON.parse(text), cursor });
  }

  /** @param {Gap} gap */
  gap(gap) {
    this.heardAt = Date.now();
    this.#listener.onGap(this, gap);
  }

  /** @param {{ time: string }} ping */
  ping(ping) {
    this.heardAt = Date.now();
    this.#listener.onPing(this, ping);
  }

  /** @param {BrokerStatus} status */
  status(status) {
    this.lastStatus = status;
    this.#listener.onStatus(this, status);
  }

  /** @param {{ silentMs: number, intervalMs: number }} stale */
  stale(stale) {
    this.#listener.onStale(this, stale);
  }

  /** @param {PulseEventsError} error */
  error(error) {
    this.hasFailed = true;
    this.#listener.onError(this, error);
  }

  /** @param {State} state */
  state(state) {
    const wasReady = this.isReady;
    this.lastState = state;
    if (state.phase === "waiting") this.lastStatus = null; // nobody knows any more
    if (wasReady && !this.isReady) this.#listener.onDown(this);
    this.#listener.onState(this, state);
  }

  /** @param {PulseEventsError | null} error */
  end(error) {
    if (!error) return;
    this.state({ ...this.lastState, phase: "closed", reason: error.message, retryAt: null });
    this.#listener.onEnd(this, error);
  }
}
