// @ts-check
/**
 * One stream kept alive: opened, watched, and opened anew when it ends, for as long as that may
 * help.
 *
 * Where the server keeps a history, a new stream goes on behind the last event of the old one, and
 * the server says what is missing.  Else it starts at its `ready`; what was published between the
 * old one's last sign of life and that moment may be missing, which `gap` says.  Knows neither
 * listeners nor tabs.
 */
import { delays } from "./backoff.js";
import { PulseEventsError } from "./errors.js";
import { Position } from "./position.js";
import { configOf, openStream } from "./requests.js";
import { Decoder } from "./sse.js";
import { Watch } from "./watch.js";

/** @import { Staleness } from "./watch.js" */
/** @import { Token } from "./tokens.js" */
/** @import { Binding, BrokerStatus, Gap, State } from "../pulse-events.d.ts" */
/** @import { Fetch, Place } from "./requests.js" */
/** @import { ServerEvent } from "./sse.js" */
/**
 * `resumed`: the stream goes on behind the cursor that it was asked for with.  `isTold`: whatever
 * is missing before it is told by a gap of the server's.
 * @typedef {{ first: boolean, resumed: boolean, isTold: boolean }} Ready
 */

/**
 * What a source of messages calls.  `at` comes before what it is the place of, if that has changed:
 * a stream that begins behind this cursor goes on there.  `end` comes last, with the error if it was
 * not wanted.
 * @typedef {{
 *   at(cursor: string): void,
 *   ready(event: Ready): void,
 *   message(text: string): void,
 *   gap(gap: Gap): void,
 *   ping(ping: { time: string }): void,
 *   status(status: BrokerStatus): void,
 *   stale(stale: { silentMs: number, intervalMs: number }): void,
 *   error(error: PulseEventsError): void,
 *   state(state: State): void,
 *   end(error: PulseEventsError | null): void,
 * }} Sink
 */

/** A stream that held this long starts the backoff from its beginning. */
const STEADY_MS = 10_000;
const LOST = "the connection was lost";

/** @param {number} ms */
const iso = (ms) => new Date(ms).toISOString();

export class Connection {
  /** Milliseconds since the epoch of the last event; 0 before the first. */
  #heardAt = 0;
  #isReady = false;
  #wasReady = false;
  #readyAt = 0;
  #closed = false;
  #paused = false;
  #attempt = 0;
  /** Why there is no stream now, for the gap and the state. */
  #reason = "";
  #abort = new AbortController();
  #wake = () => {};
  #watch = new Watch();
  #position;
  #sink;
  #options;
  #delays;

  /**
   * @param {{
   *   endpoint: URL, bindings: readonly Binding[], pingInterval?: number,
   *   resume?: boolean, place?: Place | null, status?: boolean, token?: Token,
   *   fetch?: Fetch, random?: () => number,
   * }} options `resume`, `place`: see `Position`; `status`: whether to ask how the broker is;
   *   `token`: asked for each stream
   * @param {Sink} sink
   */
  constructor(options, sink) {
    this.#options = { fetch: globalThis.fetch.bind(globalThis), random: Math.random, ...options };
    this.#position = new Position(this.#options);
    this.#delays = delays(this.#options.random);
    this.#sink = sink;
    if (options.pingInterval) this.#watch.suggest(options.pingInterval * 1000);
  }

  start() {
    void this.#run();
  }

  /** Ends it, without another word. */
  close() {
    this.#closed = true;
    this.#abort.abort();
    this.#wake();
  }

  /** The network came back or the page woke up: do not wait out the delay, doubt the stream. */
  wake() {
    this.#watch.suspect();
    this.#wake();
  }

  /**
   * Lets go of the connection until `resume`.
   * @param {string} reason
   */
  pause(reason) {
    this.#paused = true;
    this.#abort.abort(new PulseEventsError(reason));
  }

  resume() {
    this.#paused = false;
    this.#wake();
  }

  async #run() {
    while (!this.#closed) {
      const failure = await this.#listenOnce();
      this.#isReady = false;
      if (this.#closed) return;
      this.#reason = failure.message;
      failure.permanent &&= !(await this.#position.isLost());
      if (this.#closed) return;
      if (failure.permanent) return this.#end(failure);
      await this.#rest(failure);
    }
  }

  /** @returns {Promise<PulseEventsError>} why the stream ended */
  async #listenOnce() {
    const abort = new AbortController(); // one an attempt: what is aborted stays so
    this.#abort = abort;
    const { endpoint, bindings, token, fetch, status } = this.#options;
    this.#attempt += 1;
    this.#say("connecting");
    this.#watch.begin();
    const ticking = this.#tick(abort);
    try {
      this.#learnInterval();
      const place = await this.#position.next();
      if (place && Object.keys(place).length) this.#watch.expectEarlyPing();
      const means = { token, fetch, signal: abort.signal };
      const body = await openStream(endpoint, bindings, { place, status }, means);
      await this.#read(body.getReader(), abort.signal);
      return new PulseEventsError(LOST); // a server that means to end a stream says why
    } catch (error) {
      return asFailure(abort.signal.aborted ? abort.signal.reason : error);
    } finally {
      ticking.stop();
      abort.abort(); // after an `error` event nobody reads on, and the connection would stay
    }
  }

  /**
   * @param {ReadableStreamDefaultReader<Uint8Array>} reader
   * @param {AbortSignal} signal
   */
  async #read(reader, signal) {
    const decoder = new Decoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const event of decoder.feed(value)) {
        if (signal.aborted) return; // by who was told of the event before, in the same chunk
        this.#hear(event);
      }
    }
  }

  /** @param {ServerEvent} event */
  #hear({ kind, data, id }) {
    this.#watch.heard();
    // It may come before `ready`: neither a place to go on from, nor what a gap begins with.
    if (kind === "status") return this.#sink.status(JSON.parse(data));
    if (this.#position.moveTo(kind, id)) this.#sink.at(id);
    if (kind === "message") this.#sink.message(data);
    else if (kind === "ready") this.#ready(id);
    else if (kind === "ping") this.#ping(JSON.parse(data));
    else if (kind === "gap") this.#sink.gap(JSON.parse(data));
    else if (kind === "error") throw new PulseEventsError(JSON.parse(data));
    // Other kinds are for later versions.  Noted last: a gap begins with what came before `ready`.
    this.#heardAt = Date.now();
  }

  /** @param {string} id */
  #ready(id) {
    const now = Date.now();
    const first = !this.#wasReady;
    const { isTold, resumed } = this.#position.answered(id);
    this.#isReady = this.#wasReady = true;
    this.#readyAt = now;
    this.#say("open");
    if (!first && !isTold) {
      this.#sink.gap({ reason: this.#reason, from: iso(this.#heardAt), to: iso(now) });
    }
    this.#reason = "";
    this.#sink.ready({ first, resumed, isTold });
  }

  /** @param {{ time: string }} ping */
  #ping(ping) {
    this.#watch.ping(ping.time);
    this.#sink.ping(ping);
  }

  #learnInterval() {
    if (this.#options.pingInterval) return;
    void configOf(this.#options.endpoint, this.#options.fetch).then(({ pingInterval }) => {
      if (pingInterval) this.#watch.suggest(pingInterval * 1000);
    });
  }

  /**
   * Looks after the stream until it is stale.
   * @param {AbortController} abort
   */
  #tick(abort) {
    const look = () => {
      const stale = this.#watch.check();
      if (stale) this.#giveUp(abort, stale);
      // No setInterval: the tick changes when the server's ping interval is known.
      else timer = setTimeout(look, this.#watch.tickMs);
    };
    let timer = setTimeout(look, this.#watch.tickMs);
    return { stop: () => clearTimeout(timer) };
  }

  /**
   * @param {AbortController} abort
   * @param {Staleness} stale
   */
  #giveUp(abort, { silentMs, intervalMs, slept }) {
    const silence = `nothing came for ${Math.round(silentMs / 100) / 10} s`;
    const reason = slept ? `${silence}: the computer slept or the page was frozen` : silence;
    if (this.#isReady) this.#sink.stale({ silentMs, intervalMs });
    abort.abort(new PulseEventsError(reason));
  }

  /**
   * Waits before the next attempt.
   * @param {PulseEventsError} failure
   */
  async #rest(failure) {
    if (this.#paused) return this.#restWhilePaused();
    if (this.#readyAt && Date.now() - this.#readyAt > STEADY_MS) this.#startBackoff();
    this.#readyAt = 0;
    failure.retryInMs ??= this.#delays.next().value; // the server's Retry-After goes first
    this.#sink.error(failure);
    if (this.#closed) return; // by who was told
    this.#say("waiting", Date.now() + failure.retryInMs);
    await this.#sleep(failure.retryInMs);
    if (this.#paused) await this.#restWhilePaused();
  }

  async #restWhilePaused() {
    this.#say("paused");
    while (this.#paused && !this.#closed) await this.#sleep(null);
    this.#startBackoff();
  }

  #startBackoff() {
    this.#delays = delays(this.#options.random);
    this.#attempt = 0;
  }

  /**
   * Sleeps until woken, or for a time.
   * @param {number | null} ms
   */
  async #sleep(ms) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    await new Promise((resolve) => {
      this.#wake = () => resolve(undefined);
      if (ms !== null) timer = setTimeout(this.#wake, ms);
      if (this.#closed) resolve(undefined); // before there was somebody to wake
    });
    clearTimeout(timer);
    this.#wake = () => {};
  }

  /** @param {PulseEventsError} failure */
  #end(failure) {
    this.#closed = true;
    this.#say("closed");
    this.#sink.end(failure);
  }

  /**
   * @param {State["phase"]} phase
   * @param {number | null} retryAt
   */
  #say(phase, retryAt = null) {
    const reason = phase === "open" ? "" : this.#reason;
    this.#sink.state({ phase, reason, retryAt, attempt: this.#attempt, shared: false });
  }
}

/**
 * @param {unknown} error
 * @returns {PulseEventsError}
 */
function asFailure(error) {
  if (error instanceof PulseEventsError) return error;
  if (error instanceof TypeError) return new PulseEventsError(LOST);
  return new PulseEventsError(error instanceof Error ? error.message : String(error));
}
