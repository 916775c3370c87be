// @ts-check
/**
 * A listener of this page that shares: its end of the line to the switchboard.  Where there is no
 * worker it has a stream of its own instead.
 */
import { Connection } from "./connection.js";
import { PulseEventsError } from "./errors.js";
import { lineTo } from "./line.js";
import { tokenOf } from "./tokens.js";

/** @import { Ready, Sink } from "./connection.js" */
/** @import { Binding } from "../pulse-events.d.ts" */
/** @import { Said } from "./line.js" */
/** @import { Config, Place } from "./requests.js" */
/** @import { Token } from "./tokens.js" */
/**
 * `startWorker`: `null` where there can be no worker.  `follows`: the listener that this one is to
 * replace.
 * @typedef {{
 *   endpoint: URL, bindings: readonly Binding[], pingInterval?: number, resume?: boolean,
 *   token?: Token, status?: boolean, config?: Config, place?: Place | null,
 *   follows?: SharedListener | null,
 *   startWorker: import("./line.js").StartWorker | null,
 * }} Options
 */
/**
 * `token`: `true` if the page is to be asked for it.
 * @typedef {{
 *   endpoint: string, bindings: readonly Binding[], pingInterval?: number, resume?: boolean,
 *   token?: string | true, config?: Config, place: Place | null, follows: number | null,
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
  #isClosed = false;
  /** The stream of its own. @type {Connection | null} */
  #own = null;
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
    this.#line = options.startWorker && lineTo(options.startWorker);
  }

  start() {
    if (this.#line) this.#line.add(this);
    else this.#connect();
  }

  close() {
    this.#isClosed = true;
    this.#own?.close();
    this.#line?.remove(this);
  }

  wake() {
    (this.#own ?? this.#line)?.wake();
  }

  /** @param {string} reason */
  pause(reason) {
    if (this.#own) return this.#own.pause(reason);
    this.interrupted(reason);
    this.#line?.pause();
    this.#sink.state({ phase: "paused", reason, retryAt: null, attempt: 0, shared: true });
  }

  resume() {
    (this.#own ?? this.#line)?.resume();
  }

  /** @param {PulseEventsError} why there is no worker */
  goAlone(why) {
    // Of a listening whose bindings change, the first listener has said it.
    if (!this.#isClosed && !this.options.follows) this.#sink.error(why);
    this.interrupted(why.message);
    if (!this.#isClosed) this.#connect(); // it may have been closed by who was told
  }

  #connect() {
    const { endpoint, bindings, pingInterval, resume, token, status } = this.options;
    const asked = { endpoint, bindings, pingInterval, resume, token, status };
    const options = { ...asked, place: this.#place };
    this.#own = new Connection(options, {
      at: (cursor) => this.#moveTo(cursor),
      ready: (event) => this.#ready(event),
      message: (text) => this.#sink.message(text),
      gap: (gap) => this.#sink.gap(gap),
      ping: (ping) => this.#sink.ping(ping),
      status: (status) => this.#sink.status(status),
      stale: (stale) => this.#sink.stale(stale),
      error: (error) => this.#sink.error(error),
      state: (state) => this.#sink.state(state),
      end: (error) => this.#sink.end(error),
    });
    this.#own.start();
  }

  /** @param {string} reason why messages may be missing when it is ready again */
  interrupted(reason) {
    this.#broken ??= reason;
  }

  /** What the switchboard is to be asked for. @returns {Wanted} */
  get wanted() {
    const { endpoint, bindings, pingInterval, resume, token, config, follows } = this.options;
    return {
      endpoint: endpoint.href,
      bindings,
      pingInterval,
      resume,
      token: typeof token === "function" ? true : token,
      config,
      place: this.#place,
      follows: this.#wasReady ? null : (follows?.id ?? null),
    };
  }

  /** Where it is to begin, or to go on. */
  get #place() {
    return this.#cursor === null ? (this.options.place ?? null) : { cursor: this.#cursor };
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
    else if (kind === "status") this.#sink.status(content);
    else if (kind === "stale") this.#sink.stale(content);
    else if (kind === "state") this.#sink.state(content);
    else if (kind === "token") void this.#answer();
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

  /** The worker asks for a token; it has nothing to ask a page's function with. */
  async #answer() {
    const answer = await tokenOf(this.options.token).then(
      (token) => ({ token }),
      (error) => ({ error: error.toJSON() }),
    );
    this.#line?.post({ kind: "token", id: this.id, content: answer });
  }

  /** @param {PulseEventsError} error */
  #end(error) {
    this.#line?.remove(this);
    this.#sink.end(error);
  }
}
