// @ts-check
/**
 * The port that all listeners of this page use: to the SharedWorker, which is replaced if it ends.
 *
 * Where there is no SharedWorker, or its script does not start, the same switchboard runs in the
 * page: then it is one connection per tab.
 */
import { serve } from "./port.js";
import { watchLock } from "./presence.js";
import { Switchboard } from "./switchboard.js";

/** @import { SharedListener } from "./shared.js" */
/** @typedef {{ id?: number, kind: string, content?: any, cursor?: string | null }} Said */

const STARTED_WITHIN_MS = 5000;
/**
 * The worker counts a page as gone after several of these without a word, and the other way round.
 */
const BEAT_MS = 20_000;
const BEATS_MISSED = 3;
/**
 * A tab with an older script must not meet a worker that speaks otherwise: count up on a change.
 */
const WORKER_NAME = "pulse-events 3";
const WORKER_GONE = "the worker that shares the connection ended";

/** @type {Map<string, Line>} */
const lines = new Map();

/** @param {string} workerUrl */
export function lineTo(workerUrl) {
  let line = lines.get(workerUrl);
  if (!line) {
    line = new Line(workerUrl);
    lines.set(workerUrl, line);
  }
  return line;
}

class Line {
  /** @type {Map<number, SharedListener>} */
  #listeners = new Map();
  /** @type {MessagePort | null} */
  #port = null;
  #workerUrl;
  #worksAlone = typeof SharedWorker === "undefined";
  #paused = false;
  #unanswered = 0;
  #hungUp = new AbortController();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #beating;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #starting;

  /** @param {string} workerUrl */
  constructor(workerUrl) {
    this.#workerUrl = workerUrl;
  }

  /** @param {SharedListener} listener */
  add(listener) {
    this.#listeners.set(listener.id, listener);
    if (this.#paused) return;
    if (this.#port) this.#ask(listener);
    else this.#open();
  }

  /** @param {SharedListener} listener */
  remove(listener) {
    if (!this.#listeners.delete(listener.id)) return;
    this.#post({ kind: "leave", id: listener.id });
    if (!this.#listeners.size) this.#hangUp();
  }

  wake() {
    this.#post({ kind: "wake" });
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
    if (this.#worksAlone) this.#use(portToOwnSwitchboard());
    else this.#callWorker();
    for (const listener of this.#listeners.values()) this.#ask(listener);
    this.#unanswered = 0;
    this.#beating = setInterval(() => this.#beat(), BEAT_MS);
  }

  #callWorker() {
    try {
      const worker = new SharedWorker(this.#workerUrl, { type: "module", name: WORKER_NAME });
      worker.addEventListener("error", () => this.#workAlone(worker.port));
      this.#starting = setTimeout(() => this.#workAlone(worker.port), STARTED_WITHIN_MS);
      this.#use(worker.port);
    } catch {
      this.#worksAlone = true; // refused: another origin, or a policy
      this.#use(portToOwnSwitchboard());
    }
  }

  /** @param {MessagePort} port */
  #use(port) {
    this.#port = port;
    // What a port had under way when it was given up is still delivered.
    port.addEventListener("message", ({ data }) => this.#port === port && this.#hear(data));
    port.start();
  }

  /** @param {Said} said */
  #hear(said) {
    clearTimeout(this.#starting);
    this.#unanswered = 0;
    if (said.kind === "hello") this.#watchWorker(said.content.lock);
    if (said.id !== undefined) this.#listeners.get(said.id)?.hear(said);
  }

  /** @param {string | null} lock */
  #watchWorker(lock) {
    const port = this.#port;
    if (lock) watchLock(lock, this.#hungUp.signal, () => this.#lose(port));
  }

  /** @param {SharedListener} listener */
  #ask({ id, wanted }) {
    this.#post({ kind: "listen", id, content: wanted });
  }

  /** @param {Said} said */
  #post(said) {
    this.#port?.postMessage(said);
  }

  #beat() {
    if (this.#unanswered >= BEATS_MISSED) return this.#lose(this.#port);
    this.#unanswered += 1;
    this.#post({ kind: "beat" });
  }

  /**
   * The worker does not start: do its work here.
   * @param {MessagePort} port
   */
  #workAlone(port) {
    if (this.#port !== port) return;
    this.#worksAlone = true;
    this.#lose(port);
  }

  /** @param {MessagePort | null} port */
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
    this.#post({ kind: "bye" });
    this.#port?.close();
    this.#port = null;
  }
}

/** @returns {MessagePort} */
function portToOwnSwitchboard() {
  const { port1, port2 } = new MessageChannel();
  serve(port2, new Switchboard());
  return port1;
}
