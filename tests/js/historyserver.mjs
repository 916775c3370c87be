/**
 * A server with a history, which answers streams by itself as the real one does with `resume=true`;
 * and who listens to it.
 */

import { listen, matchesMessage } from "../../src/pulse_events/web/static/pulse-events.js";
import { messageText, StreamServer, soon } from "./streamserver.mjs";

export const NOT_IN_FORCE = "these bindings were not all in force before";
export const OTHER_PROCESS = "the history was another process'";

/** What a process of the server has: records, and the streams that are live. */
class Process {
  records = [];
  inForce = new Set();
  live = new Map();

  constructor(name) {
    this.name = name;
  }

  cursor(position = this.records.length) {
    return `1m${this.name}${position.toString(16)}`;
  }

  /** The position of a cursor; `null` if it is of another process. */
  position(cursor) {
    return cursor.startsWith(`1m${this.name}`) ? parseInt(cursor.slice(13), 16) : null;
  }

  publish(key, payload) {
    const message = { exchange: "e", routingKey: key, cc: [] };
    this.records.push({ message, text: messageText("e", key, payload) });
    const position = this.records.length;
    for (const caller of this.live.keys()) this.send(caller, position);
  }

  send(caller, position) {
    const { message, text } = this.records[position - 1];
    if (caller.response.writableEnded || !matchesMessage(caller.bindings, message)) return;
    caller.event("message", text, this.cursor(position));
  }

  serve(caller) {
    const query = caller.url.searchParams;
    if (query.get("resume") !== "true") {
      if (query.has("lastEventId")) return caller.response.writeHead(204).end();
      return this.live.set(caller.ready(), true);
    }
    const asked = query.get("lastEventId");
    const place = asked ? this.position(asked) : this.start(query, caller);
    caller.ready(this.cursor(place ?? undefined));
    if (place === null) this.gap(caller, OTHER_PROCESS);
    const held = range((place ?? this.records.length) + 1, this.records.length + 1).filter((at) =>
      matchesMessage(caller.bindings, this.records[at - 1].message),
    );
    const keys = caller.bindings.map((binding) => binding.routingKeyPattern);
    const isCovered = keys.every((key) => this.inForce.has(key));
    for (const key of keys) this.inForce.add(key);
    if (place !== null && asked && !isCovered) {
      this.gap(caller, NOT_IN_FORCE, held.length ? place : undefined);
    }
    for (const at of held) this.send(caller, at);
    if (asked || query.has("since") || query.has("last")) {
      caller.ping(new Date().toISOString(), this.cursor()); // it has had all there was
    }
    this.live.set(caller, true);
    caller.closed.then(() => this.live.delete(caller));
  }

  start(query, caller) {
    if (query.has("since")) return 0;
    if (!query.has("last")) return this.records.length;
    const matching = this.records
      .map(({ message }, at) => (matchesMessage(caller.bindings, message) ? at : -1))
      .filter((at) => at >= 0);
    return matching.at(-Number(query.get("last"))) ?? 0;
  }

  gap(caller, reason, place) {
    const gap = { reason, from: null, to: new Date().toISOString() };
    caller.event("gap", gap, this.cursor(place));
  }

  ping(time) {
    for (const caller of this.live.keys()) caller.ping(time, this.cursor());
  }
}

class HistoryServer extends StreamServer {
  config = { pingInterval: 20, maxBindings: 100, history: "memory" };
  processes = [new Process("AAAAAAAAAAA")];
  /** Streams wait for `answerAll` if set. */
  isHolding = false;
  #waiting = [];
  #pings = 0;

  get process() {
    return this.processes[0];
  }

  /** Its process is another one from now on; streams that are there stay with theirs. */
  replaceProcess() {
    this.processes.unshift(
      new Process(this.process.name[0] === "A" ? "BBBBBBBBBBB" : "AAAAAAAAAAA"),
    );
  }

  publish(key, payload) {
    for (const process of this.processes) process.publish(key, payload);
  }

  /** Pings, as if `pingInterval` had passed: were they said to be fast, a pause would be a loss. */
  ping() {
    this.#pings += 1;
    const passedMs = this.#pings * this.config.pingInterval * 1000;
    const time = new Date(Date.now() + passedMs).toISOString();
    for (const process of this.processes) process.ping(time);
  }

  dropAll() {
    for (const caller of this.open) caller.drop();
  }

  took(caller) {
    if (this.isHolding) this.#waiting.push(caller);
    else this.process.serve(caller);
  }

  answerAll() {
    this.isHolding = false;
    for (const caller of this.#waiting.splice(0)) if (caller.isOpen) this.process.serve(caller);
  }
}

/** @returns {Promise<HistoryServer>} */
export const startHistory = (t) => StreamServer.start(t, new HistoryServer());

export const bindingsOf = (patterns) =>
  patterns.map((routingKeyPattern) => ({ exchange: "e", routingKeyPattern }));
export const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

/** Listens to patterns of one exchange, and keeps what it was told. */
export function begin(t, server, patterns, options = {}) {
  const told = { payloads: [], cursors: [], readies: [], gaps: [], errors: [] };
  const listening = listen(bindingsOf(patterns), {
    url: server.url,
    onMessage: ({ payload }, _, cursor) => {
      told.payloads.push(payload);
      told.cursors.push(cursor);
    },
    onReady: (event) => told.readies.push(event),
    onGap: ({ reason }) => told.gaps.push(reason),
    onError: (error) => told.errors.push(error),
    ...options,
  });
  t.after(() => listening.close());
  const rebind = (...wanted) => listening.rebind(bindingsOf(wanted));
  return { listening, told, rebind };
}

/** The same, when it is ready. */
export async function beginReady(t, server, patterns, options) {
  const one = begin(t, server, patterns, options);
  await soon(one.listening.ready, "ready");
  return one;
}
