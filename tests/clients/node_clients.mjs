// Node's client libraries, each read as its documentation shows, in one process.
//
// Run with `{"name": ["client", "url"], …}`.  Prints one JSON line for each thing that happens:
// `[name, kind, data]` for an event, `[name, "encoding", value]` for the response's
// Content-Encoding where the library shows it, `[name, "end", how]` at the end.

import http from "node:http";
import zlib from "node:zlib";

import { fetchEventSource } from "@microsoft/fetch-event-source";
import { EventSource as EventSource3 } from "eventsource";
import EventSource2 from "eventsource2";
import { EventSource as EventSource4 } from "eventsource4";
import * as undici from "undici";

const CLOSED = 2;
const KINDS = ["ready", "message", "ping", "error"];

/** The kind and data of each complete event in a text stream. */
async function readEvents(texts, say) {
  let unread = "";
  for await (const text of texts) {
    const events = (unread + text).split("\n\n");
    unread = events.pop();
    for (const event of events) {
      const [kind, data] = event.split("\n");
      say(kind.slice("event: ".length), data.slice("data: ".length));
    }
  }
}

const decoded = (body) => body.pipeThrough(new TextDecoderStream());

/** An EventSource tells only "error" without data when a stream ends: close it, or have it retry. */
function listenWith(EventSource, { retries = false } = {}) {
  return (url, say) =>
    new Promise((resolve) => {
      const source = new EventSource(url);
      for (const kind of KINDS) {
        source.addEventListener(kind, (event) => {
          if (event.data !== undefined) return say(kind, event.data);
          if (retries && source.readyState !== CLOSED && event.status !== 204) return;
          source.close();
          resolve();
        });
      }
    });
}

/** fetch-event-source comes back by itself, unless its `onerror` throws. */
function fetchEvents({ retries = false } = {}) {
  return (url, say) =>
    fetchEventSource(url, {
      openWhenHidden: true,
      fetch,
      async onopen({ headers }) {
        say("encoding", headers.get("content-encoding") ?? "identity");
      },
      onmessage: ({ event, data }) => say(event, data),
      onerror(error) {
        if (!retries) throw error;
      },
    });
}

const CLIENTS = {
  "eventsource 2": listenWith(EventSource2),
  "eventsource 3": listenWith(EventSource3),
  "eventsource 4": listenWith(EventSource4),

  async fetch(url, say) {
    const { headers, body } = await fetch(url);
    say("encoding", headers.get("content-encoding") ?? "identity");
    await readEvents(decoded(body), say);
  },

  async "undici fetch"(url, say) {
    const { headers, body } = await undici.fetch(url);
    say("encoding", headers.get("content-encoding") ?? "identity");
    await readEvents(decoded(body), say);
  },

  async "undici request"(url, say) {
    const { headers, body } = await undici.request(url, { bodyTimeout: 45_000 });
    say("encoding", headers["content-encoding"] ?? "identity");
    body.setEncoding("utf8");
    await readEvents(body, say);
  },

  "undici EventSource": listenWith(undici.EventSource),

  "eventsource 2, retrying": listenWith(EventSource2, { retries: true }),
  "eventsource 3, retrying": listenWith(EventSource3, { retries: true }),
  "eventsource 4, retrying": listenWith(EventSource4, { retries: true }),
  "undici EventSource, retrying": listenWith(undici.EventSource, { retries: true }),

  "@microsoft/fetch-event-source": fetchEvents(),
  "@microsoft/fetch-event-source, retrying": fetchEvents({ retries: true }),

  async "node:http"(url, say) {
    const response = await new Promise((resolve, reject) => {
      http.get(url, resolve).on("error", reject);
    });
    const encoding = response.headers["content-encoding"] ?? "identity";
    say("encoding", encoding);
    const flush = { flush: zlib.constants.Z_SYNC_FLUSH, finishFlush: zlib.constants.Z_SYNC_FLUSH };
    const body = encoding === "gzip" ? response.pipe(zlib.createGunzip(flush)) : response;
    body.setEncoding("utf8");
    await readEvents(body, say);
  },
};

// What fetch-event-source takes for granted: it asks whether its page is hidden.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };

const roles = Object.entries(JSON.parse(process.argv[2]));
const alive = setInterval(() => {}, 1000); // undici's EventSource does not keep Node alive meanwhile
await Promise.all(
  roles.map(([name, [client, url]]) => {
    const say = (kind, data) => process.stdout.write(JSON.stringify([name, kind, data]) + "\n");
    return CLIENTS[client](url, say).then(
      () => say("end", "closed"),
      (error) => say("end", `${error.name}: ${error.message} ${error.cause?.code ?? ""}`),
    );
  }),
);
clearInterval(alive);
