/** A server whose answers the test writes: every request to the stream is one `Caller`. */

import { once } from "node:events";
import { createServer } from "node:http";

export const LIMIT_MS = 10_000; // all files run side by side, perhaps on a machine that is busy

/** Fails when `promise` takes too long. */
export async function soon(promise, what, limitMs = LIMIT_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${limitMs} ms: ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Polls until `condition()` is true. */
export async function until(condition, what, limitMs = LIMIT_MS) {
  const deadline = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A test's message, as JSON text in the wire's order of keys. */
export function messageText(exchange, routingKey, payload = {}, cc = []) {
  return JSON.stringify({ payload, exchange, routingKey, redelivered: false, routes: [], cc });
}

class Caller {
  constructor(request, response, body) {
    this.request = request;
    this.response = response;
    this.url = new URL(request.url, "http://test");
    this.body = body;
    this.closed = once(response, "close");
  }

  get bindings() {
    return JSON.parse(this.url.searchParams.get("bindings")).bindings;
  }

  get isOpen() {
    return !this.response.destroyed;
  }

  event(kind, value, id = "-") {
    if (!this.response.headersSent) {
      this.response.writeHead(200, { "Content-Type": "text/event-stream" });
    }
    const data = typeof value === "string" && kind === "message" ? value : JSON.stringify(value);
    this.response.write(`event: ${kind}\ndata: ${data}\nid: ${id}\n\n`);
    return this;
  }

  ready(id) {
    return this.event("ready", {}, id);
  }

  ping(time = new Date().toISOString(), id = "-") {
    return this.event("ping", { time }, id);
  }

  message(...parts) {
    return this.event("message", messageText(...parts));
  }

  /** Ends it as the server does: the reason, then close. */
  fail(reason) {
    this.event("error", reason).response.end();
  }

  answer(status, document, headers = {}) {
    this.response.writeHead(status, { "Content-Type": "application/json", ...headers });
    this.response.end(JSON.stringify(document));
  }

  /** Breaks the connection. */
  drop() {
    this.response.destroy();
  }
}

export class StreamServer {
  config = { pingInterval: 20, maxBindings: 100 };
  /** How often the configuration was asked for. */
  configsAsked = 0;
  callers = [];
  posted = [];
  /** The headers `Authorization` of what was posted. */
  authorizations = [];
  #taken = 0;

  static async start(t, server = new StreamServer()) {
    server.http = createServer((request, response) => server.answer(request, response));
    server.http.listen(0, "127.0.0.1");
    await once(server.http, "listening");
    server.url = `http://127.0.0.1:${server.http.address().port}/`;
    t.after(() => server.stop());
    return server;
  }

  stop() {
    this.http.closeAllConnections();
    this.http.close();
  }

  get open() {
    return this.callers.filter((caller) => caller.isOpen);
  }

  async answer(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const caller = new Caller(request, response, Buffer.concat(chunks).toString());
    if (caller.url.pathname.endsWith("/config")) {
      this.configsAsked += 1;
      return caller.answer(200, this.config);
    }
    if (caller.url.pathname.endsWith("/bindings")) return this.token(caller);
    this.callers.push(caller);
    this.took(caller);
  }

  /** What is done with a request for a stream before the test does something. */
  took(_caller) {}

  token(caller) {
    this.posted.push(JSON.parse(caller.body).bindings);
    this.authorizations.push(caller.request.headers.authorization);
    caller.answer(200, { token: `token-${this.posted.length}`, expires: 60 });
  }

  /** The next request for a stream. */
  async next() {
    const at = this.#taken++;
    await until(() => this.callers.length > at, `request ${at + 1} for a stream`);
    return this.callers[at];
  }
}
