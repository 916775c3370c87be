// @ts-check
/**
 * The port that all listeners of this page use: to the worker, which is replaced if it ends.
 *
 * Where there is no worker, or it does not start, each listener is left to a stream of its own.
 */
import { PulseEventsError } from "./errors.js";
import { watchLock } from "./presence.js";
import { PROTOCOL, WORKER_NAME } from "./protocol.js";

/** @import { SharedListener } from "./shared.js" */
/** @typedef {{ id?: number, kind: string, content?: any, cursor?: string | null }} Said */
/** @typedef {import("../pulse-events.d.ts").WorkerLike} WorkerLike */
/** @typedef {() => WorkerLike} StartWorker */
/**
 * A `MessagePort`, or the end of a `Worker`.
 * @typedef {{
 *   postMessage(said: Said): void, start?(): void, close?(): void, terminate?(): void,
 *   addEventListener(type: string, hear: (event: any) => void): void,
 * }} Port
 */

const STARTED_WITHIN_MS = 5000;
/**
 * The worker counts a page as gone after several of these without a word, and the other way round.
 */
const BEAT_MS = 20_000;
const BEATS_MISSED = 3;
const WORKER_GONE = "the worker that shares the connection ended";
const HOW_TO =
  "give as `worker` a function that starts it, or the URL of a copy on the page's own origin";
const NOT_LOADED = "its script cannot be loaded, or fails";

/** @type {WeakMap<StartWorker, Line>} */
const lines = new WeakMap();
/** @type {Map<string, StartWorker>} */
const addresses = new Map();

/** @param {StartWorker} startWorker the same for all that share */
export function lineTo(startWorker) {
  let line = lines.get(startWorker);
  if (!line) {
    line = new Line(startWorker);
    lines.set(startWorker, line);
  }
  return line;
}

/**
 * @param {string} url of the worker's script
 * @returns {StartWorker} the same for the same text
 */
export function workerAt(url) {
  let start = addresses.get(url);
  if (!start) {
    start = () =>
      globalThis.SharedWorker ? new SharedWorker(url, { name: WORKER_NAME }) : new Worker(url);
    addresses.set(url, start);
  }
  return start;
}

class Line {
  /** @type {Map<number, SharedListener>} */
  #listeners = new Map();
  /** @type {Port | null} */
  #port = null;
  #startWorker;
  /** Why there is no worker, once it is known that there is none. @type {PulseEventsError | null} */
  #failure = null;
  #paused = false;
  #unanswered = 0;
  #hungUp = new AbortController();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #beating;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #starting;

  /** @param {StartWorker} startWorker */
  constructor(startWorker) {
    this.#startWorker = startWorker;
  }

  /** @param {SharedListener} listener */
  add(listener) {
    if (this.#failure) return listener.goAlone(this.#failure);
    this.#listeners.set(listener.id, listener);
    if (this.#paused) return;
    if (this.#port) this.#ask(listener);
    else this.#open();
  }

  /** @param {SharedListener} listener */
  remove(listener) {
    if (!this.#listeners.delete(listener.id)) return;
    this.post({ kind: "leave", id: listener.id });
    if (!this.#listeners.size) this.#hangUp();
  }

  wake() {
    this.post({ kind: "wake" });
  }

  pause() {
    this.#paused = true;
    this.#hangUp();
  }

  resume() {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#listeners.size) this.#open();
  }

  #open() {
    try {
      this.#use(this.#startWorker());
    } catch (error) {
      return this.#fail(error instanceof Error ? error.message : String(error)); // a policy, another origin
    }
    for (const listener of this.#listeners.values()) this.#ask(listener);
    this.#unanswered = 0;
    this.#beating = setInterval(() => this.#beat(), BEAT_MS);
  }

  /** @param {WorkerLike} worker */
  #use(worker) {
    const port = /** @type {Port} */ (worker.port ?? worker);
    const whileUsed = (/** @type {() => void} */ act) => () => this.#port === port && act();
    worker.addEventListener(
      "error",
      whileUsed(() => this.#fail(NOT_LOADED)),
    );
    const late = `it did not answer within ${STARTED_WITHIN_MS / 1000} s`;
    this.#starting = setTimeout(
      whileUsed(() => this.#fail(late)),
      STARTED_WITHIN_MS,
    );
    this.#port = port;
    // What a port had under way when it was given up is still delivered.
    port.addEventListener("message", ({ data }) => this.#port === port && this.#hear(data));
    port.start?.();
  }

  /** @param {Said} said */
  #hear(said) {
    clearTimeout(this.#starting);
    this.#unanswered = 0;
    if (said.kind === "hello") this.#greet(said.content);
    if (said.id !== undefined) this.#listeners.get(said.id)?.hear(said);
  }

  /** @param {{ protocol?: number, lock: string | null }} worker */
  #greet({ protocol, lock }) {
    if (protocol !== PROTOCOL) return this.#fail("it is of another version of pulse-events");
    const port = this.#port;
    if (lock) watchLock(lock, this.#hungUp.signal, () => this.#lose(port));
  }

  /** @param {SharedListener} listener */
  #ask({ id, wanted }) {
    this.post({ kind: "listen", id, content: wanted });
  }

  /** @param {Said} said to the worker, if there is one */
  post(said) {
    this.#port?.postMessage(said);
  }

  #beat() {
    if (this.#unanswered >= BEATS_MISSED) return this.#lose(this.#port);
    this.#unanswered += 1;
    this.post({ kind: "beat" });
  }

  /**
   * There is no worker, and will be none.
   * @param {string} why
   */
  #fail(why) {
    const message = `the worker that shares the connection does not work: ${why}; ${HOW_TO}`;
    this.#failure = new PulseEventsError(message, { code: "WorkerFailed" });
    const left = [...this.#listeners.values()];
    this.#listeners.clear();
    this.#hangUp();
    for (const listener of left) listener.goAlone(this.#failure);
  }

  /** @param {Port | null} port */
  #lose(port) {
    if (this.#port !== port) return;
    this.#hangUp();
    for (const listener of this.#listeners.values()) listener.interrupted(WORKER_GONE);
    this.#open();
  }

  #hangUp() {
    clearTimeout(this.#starting);
    clearInterval(this.#beating);
    this.#hungUp.abort(); // a page that waits for a lock could not go into the back/forward cache
    this.#hungUp = new AbortController();
    this.post({ kind: "bye" });
    const port = this.#port;
    this.#port = null;
    // A MessagePort is closed; a Worker of this page's own would stay.
    if (port?.terminate) port.terminate();
    else port?.close?.();
  }
}
