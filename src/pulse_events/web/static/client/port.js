// @ts-check
/**
 * A switchboard's side of a port: the listeners of the page at its other end.
 */

import { PulseEventsError } from "./errors.js";
import { PROTOCOL } from "./protocol.js";
import { Deferred } from "./queue.js";
import { knowConfig } from "./requests.js";

/** @import { BrokerStatus, Gap, State } from "../pulse-events.d.ts" */
/** @import { Ready } from "./connection.js" */
/** @import { Wanted } from "./shared.js" */
/** @import { Member, Switchboard } from "./switchboard.js" */
/** @import { Port, Said } from "./line.js" */

/**
 * Browsers slow the timers of hidden tabs down to one call a minute; a page speaks every 20 s else.
 */
const SILENT_LIMIT_MS = 200_000;
const LEFT = "the page that has the token was left";

/**
 * Serves the page until it says good-bye, or nothing for too long (it crashed).
 * @param {Port} port
 * @param {Switchboard} switchboard
 * @param {string | null} lock that is free when this end is gone
 */
export function serve(port, switchboard, lock = null) {
  const listeners = new Listeners(port, switchboard);
  /** @type {ReturnType<typeof setTimeout>} */
  let silence;
  const end = () => {
    clearTimeout(silence);
    listeners.clear();
    port.close?.();
  };
  const await_ = () => {
    clearTimeout(silence);
    silence = setTimeout(end, SILENT_LIMIT_MS);
  };
  port.addEventListener("message", ({ data }) => {
    await_();
    if (data.kind === "bye") end();
    else listeners.hear(data);
  });
  port.addEventListener("close", end); // few browsers tell; the others are silent
  port.start?.();
  port.postMessage({ kind: "hello", content: { lock, protocol: PROTOCOL } });
  await_();
}

class Listeners {
  /** @type {Map<number, Member>} */
  #members = new Map();
  /** Who is asked for a token. @type {Map<number, Deferred>} */
  #asked = new Map();
  #port;
  #switchboard;

  /**
   * @param {Port} port
   * @param {Switchboard} switchboard
   */
  constructor(port, switchboard) {
    this.#port = port;
    this.#switchboard = switchboard;
  }

  /** @param {Said} said */
  hear({ kind, id = 0, content }) {
    if (kind === "listen") this.#listen(id, content);
    else if (kind === "leave") this.#leave(id);
    else if (kind === "token") this.#answered(id, content);
    else if (kind === "wake") this.#switchboard.wake();
    else if (kind === "beat") this.#port.postMessage({ kind: "beat" });
  }

  clear() {
    for (const id of [...this.#members.keys()]) this.#leave(id);
  }

  /**
   * @param {number} id
   * @param {Wanted} wanted
   */
  #listen(id, { endpoint: href, follows, token, config, ...wanted }) {
    const sink = new PortSink(id, this.#port);
    const endpoint = new URL(href);
    if (config) knowConfig(endpoint, config);
    /** @type {Member} */
    const member = { ...wanted, endpoint, sink };
    member.token = token === true ? () => this.#ask(id) : token;
    if (follows !== null) member.follows = this.#members.get(follows);
    this.#members.set(id, member);
    void this.#switchboard.add(member);
  }

  /**
   * Asks the page for a listener's token.
   * @param {number} id
   */
  #ask(id) {
    if (!this.#members.has(id)) throw new PulseEventsError(LEFT);
    const before = this.#asked.get(id);
    if (before) return before.promise;
    const answer = new Deferred();
    this.#asked.set(id, answer);
    this.#port.postMessage({ kind: "token", id });
    return answer.promise;
  }

  /**
   * @param {number} id
   * @param {{ token?: string | null, error?: { message: string } }} answer
   */
  #answered(id, { token = null, error }) {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (error) asked?.reject(PulseEventsError.from(error));
    else asked?.resolve(token);
  }

  /** @param {number} id */
  #leave(id) {
    const member = this.#members.get(id);
    this.#members.delete(id);
    this.#answered(id, { error: { message: LEFT } });
    if (member) this.#switchboard.remove(member);
  }
}

/**
 * Sends what a listener is to hear through a port; messages as text, all of a loop turn at once.
 * @implements {Sink}
 * @typedef {import("./connection.js").Sink} Sink
 */
class PortSink {
  /** Texts and the cursors of their places. @type {[string, string | null][]} */
  #messages = [];
  /** @type {string | null} */
  #cursor = null;
  /** What the page knows of it. @type {string | null} */
  #toldCursor = null;
  #isDue = false;
  #id;
  #port;

  /**
   * @param {number} id
   * @param {Port} port
   */
  constructor(id, port) {
    this.#id = id;
    this.#port = port;
  }

  /** @param {string} cursor */
  at(cursor) {
    this.#cursor = cursor;
    this.#flushSoon();
  }

  /** @param {string} text */
  message(text) {
    this.#messages.push([text, this.#cursor]);
    this.#flushSoon();
  }

  /** @param {Ready} event */
  ready(event) {
    this.#say("ready", event);
  }

  /** @param {Gap} gap */
  gap(gap) {
    this.#say("gap", gap);
  }

  /** @param {{ time: string }} ping */
  ping(ping) {
    this.#say("ping", ping);
  }

  /** @param {BrokerStatus} status */
  status(status) {
    this.#say("status", status);
  }

  /** @param {{ silentMs: number, intervalMs: number }} stale */
  stale(stale) {
    this.#say("stale", stale);
  }

  /** @param {PulseEventsError} error */
  error(error) {
    this.#say("error", error.toJSON());
  }

  /** @param {State} state */
  state(state) {
    this.#say("state", state);
  }

  /** @param {PulseEventsError | null} error */
  end(error) {
    if (error) this.#say("end", error.toJSON());
  }

  #flushSoon() {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#flush();
      if (this.#cursor !== this.#toldCursor) this.#post("at", null);
    });
  }

  #flush() {
    const content = this.#messages;
    this.#messages = [];
    if (content.length) this.#post("messages", content);
  }

  /**
   * @param {string} kind
   * @param {unknown} content
   */
  #say(kind, content) {
    this.#flush(); // what came before stays before
    this.#post(kind, content);
  }

  /**
   * @param {string} kind
   * @param {unknown} content
   */
  #post(kind, content) {
    this.#toldCursor = this.#cursor;
    this.#port.postMessage({ id: this.#id, kind, content, cursor: this.#cursor });
  }
}
