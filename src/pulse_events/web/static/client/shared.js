// @ts-check
/**
 * A listener of this page that shares: its end of the line to the switchboard.
 */
import { PulseEventsError } from "./errors.js";
import { lineTo } from "./line.js";

/** @import { Ready, Sink } from "./connection.js" */
/** @import { Binding } from "../pulse-events.d.ts" */
/** @import { Said } from "./line.js" */
/** @import { Place } from "./requests.js" */
/**
 * `follows`: the listener that this one is to replace.
 * @typedef {{
 *   endpoint: URL, bindings: readonly Binding[], pingInterval?: number, worker?: string | URL,
 *   resume?: boolean, place?: Place | null, follows?: SharedListener | null,
 * }} Options
 */
/**
 * @typedef {{
 *   endpoint: string, bindings: readonly Binding[], pingInterval?: number, resume?: boolean,
 *   place: Place | null, follows: number | null,
 * }} Wanted
 */

let lastId = 0;

/** The same shape as a `Connection`. */
export class SharedListener {
  /** When something came last, milliseconds since the epoch. */
  #heardAt = 0;
  #wasReady = false;
  /** Of the last event. @type {string | null} */
  #cursor = null;
  /** @type {string | null} */
  #broken = null;
  #sink;
  #line;

  /**
   * @param {Options} options
   * @param {Sink} sink
   */
  constructor(options, sink) {
    this.id = ++lastId;
    this.options = options;
    this.#sink = sink;
    const besideThis = new URL("../pulse-events-worker.js", import.meta.url);
    this.#line = lineTo(String(options.worker ?? besideThis));
  }

  start() {
    this.#line.add(this);
  }

  close() {
    this.#line.remove(this);
  }

  wake() {
    this.#line.wake();
  }

  /** @param {string} reason */
  pause(reason) {
    this.interrupted(reason);
    this.#line.pause();
    this.#sink.state({ phase: "paused", reason, retryAt: null, attempt: 0, shared: true });
  }

  resume() {
    this.#line.resume();
  }

  /** @param {string} reason why messages may be missing when it is ready again */
  interrupted(reason) {
    this.#broken ??= reason;
  }

  /** What the switchboard is to be asked for. @returns {Wanted} */
  get wanted() {
    const { endpoint, bindings, pingInterval, resume, place = null, follows } = this.options;
    return {
      endpoint: endpoint.href,
      bindings,
      pingInterval,
      resume,
      place: this.#cursor === null ? place : { cursor: this.#cursor },
      follows: this.#wasReady ? null : (follows?.id ?? null),
    };
  }

  /** @param {Said} said */
  hear({ kind, content, cursor = null }) {
    if (kind === "messages") this.#messages(content);
    this.#moveTo(cursor); // which is all of "at"
    if (kind === "ready") this.#ready(content);
    else if (kind === "error") this.#sink.error(PulseEventsError.from(content));
    else if (kind === "end") this.#end(PulseEventsError.from(content));
    else if (kind === "gap") this.#sink.gap(content);
    else if (kind === "ping") this.#sink.ping(content);
    else if (kind === "stale") this.#sink.stale(content);
    else if (kind === "state") this.#sink.state(content);
    this.#heardAt = Date.now();
  }

  /** @param {[string, string | null][]} messages */
  #messages(messages) {
    for (const [text, cursor] of messages) {
      this.#moveTo(cursor);
      this.#sink.message(text);
    }
  }

  /** @param {string | null} cursor */
  #moveTo(cursor) {
    if (cursor === null || cursor === this.#cursor) return;
    this.#cursor = cursor;
    this.#sink.at(cursor);
  }

  /** @param {Ready} event */
  #ready({ first, resumed, isTold }) {
    if (this.#wasReady && first && this.#broken !== null && !isTold) {
      const [from, to] = [this.#heardAt, Date.now()].map((ms) => new Date(ms).toISOString());
      this.#sink.gap({ reason: this.#broken, from, to });
    }
    this.#sink.ready({ first: !this.#wasReady, resumed, isTold });
    this.#wasReady = true;
    this.#broken = null;
  }

  /** @param {PulseEventsError} error */
  #end(error) {
    this.#line.remove(this);
    this.#sink.end(error);
  }
}
