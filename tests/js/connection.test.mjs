import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointOf } from "../../src/pulse_events/web/static/client/requests.js";
import {
  listen,
  matchesMessage,
  PulseEventsError,
} from "../../src/pulse_events/web/static/pulse-events.js";
import { StreamServer, soon, until } from "./streamserver.mjs";

const BINDINGS = [{ exchange: "e", routingKeyPattern: "#" }];

/** Listens and keeps what it was told. */
function begin(t, server, options = {}, bindings = BINDINGS) {
  const told = {
    messages: [],
    readies: [],
    gaps: [],
    errors: [],
    stales: [],
    states: [],
    pings: [],
  };
  const listening = listen(bindings, {
    url: server.url,
    onMessage: (message) => told.messages.push(message),
    onReady: (event) => told.readies.push(event),
    onGap: (gap) => told.gaps.push(gap),
    onError: (error) => told.errors.push(error),
    onStale: (stale) => told.stales.push(stale),
    onState: ({ phase }) => told.states.push(phase),
    onPing: (ping) => told.pings.push(ping),
    ...options,
  });
  t.after(() => listening.close());
  return { listening, told };
}

test("an endpoint is made of a server, or taken as it is", () => {
  const of = (url, base) => endpointOf(url, base).href;
  assert.equal(of("http://h"), "http://h/events/v1/connect/");
  assert.equal(of("http://h/sub/"), "http://h/sub/events/v1/connect/");
  assert.equal(of("http://h/v1/connect?x=1"), "http://h/v1/connect?x=1");
  assert.equal(of("/a/#b", "https://h/c"), "https://h/a/events/v1/connect/");
  assert.throws(() => of("ftp://h/"), TypeError);
});

test("bindings are asked for, and ready and messages come", async (t) => {
  const server = await StreamServer.start(t);
  const { listening, told } = begin(t, server);
  const caller = await server.next();
  assert.deepEqual(caller.bindings, BINDINGS);
  assert.equal(caller.url.searchParams.get("errors"), "http");
  assert.equal(caller.url.searchParams.get("compression"), "gzip");
  assert.equal(caller.request.headers["last-event-id"], undefined);
  caller.ready().message("e", "a.b", { big: 1 });
  await soon(listening.ready, "ready");
  await until(() => told.messages.length === 1, "a message");
  assert.deepEqual(told.messages[0].payload, { big: 1 });
  assert.deepEqual(told.readies, [{ first: true, resumed: false }]);
  assert.deepEqual(told.states, ["connecting", "open"]);
});

test("the exact text comes with a message", async (t) => {
  const server = await StreamServer.start(t);
  const texts = [];
  begin(t, server, { onMessage: (_, text) => texts.push(text) });
  const text =
    '{"payload":12345678901234567890,"exchange":"e","routingKey":"","redelivered":false,"routes":[],"cc":[]}';
  (await server.next()).ready().event("message", text);
  await until(() => texts.length, "a message");
  assert.deepEqual(texts, [text]);
});

for (const status of [400, 404]) {
  test(`${status} ends the listening with the server's reason`, async (t) => {
    const server = await StreamServer.start(t);
    const { listening, told } = begin(t, server);
    const reading = listening[Symbol.asyncIterator]().next();
    (await server.next()).answer(status, { code: "InputError", message: "bindings[0]: no" });
    await assert.rejects(soon(reading, "an end"), {
      message: "bindings[0]: no",
      permanent: true,
      status,
    });
    await assert.rejects(listening.ready, PulseEventsError);
    await soon(listening.closed, "closed");
    assert.equal(told.errors.length, 1);
    assert.equal(listening.state.phase, "closed");
    assert.equal(server.callers.length, 1);
  });
}

test("an answer that is no stream ends the listening", async (t) => {
  const server = await StreamServer.start(t);
  const { told } = begin(t, server);
  (await server.next()).answer(200, {});
  await until(() => told.errors.length, "an error");
  assert.match(told.errors[0].message, /not a stream/);
});

test("503 is tried again, when the server says", async (t) => {
  const server = await StreamServer.start(t);
  const { told } = begin(t, server);
  (await server.next()).answer(503, { message: "full" }, { "Retry-After": "0" });
  (await server.next()).ready();
  await until(() => told.readies.length, "ready");
  assert.equal(told.errors[0].permanent, false);
  assert.equal(told.errors[0].retryInMs, 0);
  assert.deepEqual(told.readies, [{ first: true, resumed: false }]);
  assert.deepEqual(told.gaps, []);
});

test("an error event tells its reason; a fresh stream and a gap follow", async (t) => {
  const server = await StreamServer.start(t);
  const { told } = begin(t, server);
  (await server.next()).ready().fail("slow reader: read faster");
  const second = await server.next();
  assert.equal(second.request.headers["last-event-id"], undefined);
  second.ready().message("e", "");
  await until(() => told.messages.length, "a message");
  assert.equal(told.errors[0].message, "slow reader: read faster");
  assert.ok(told.errors[0].retryInMs >= 500 && told.errors[0].retryInMs <= 1000);
  assert.equal(told.gaps.length, 1);
  assert.equal(told.gaps[0].reason, "slow reader: read faster");
  assert.ok(told.gaps[0].from < told.gaps[0].to);
  assert.deepEqual(told.readies, [
    { first: true, resumed: false },
    { first: false, resumed: false },
  ]);
  assert.deepEqual(told.states, ["connecting", "open", "waiting", "connecting", "open"]);
});

test("a broken connection, a closed one and an absent server are lost streams", async (t) => {
  const server = await StreamServer.start(t);
  const { told } = begin(t, server);
  (await server.next()).ready().drop();
  (await server.next()).ready().response.end();
  await until(() => told.errors.length === 2, "two losses");
  server.stop();
  await until(() => told.errors.length === 3, "a third");
  assert.match(told.errors[2].message, /cannot reach http/);
  assert.deepEqual(
    told.errors.map(({ permanent }) => permanent),
    [false, false, false],
  );
});

test("a silent stream is stale after two and a half intervals, and replaced", async (t) => {
  const server = await StreamServer.start(t);
  const { told } = begin(t, server, { pingInterval: 0.1 });
  const first = (await server.next()).ready();
  await soon(first.closed, "the stale stream's end");
  (await server.next()).ready();
  await until(() => told.readies.length === 2, "ready again");
  assert.equal(told.stales.length, 1);
  assert.ok(told.stales[0].silentMs > 250);
  assert.match(told.gaps[0].reason, /nothing came for/);
});

test("the server says its ping interval", async (t) => {
  const server = await StreamServer.start(t);
  server.config = { pingInterval: 0.1 };
  const { told } = begin(t, server);
  (await server.next()).ready();
  await until(() => told.stales.length, "staleness");
  assert.equal(told.stales[0].intervalMs, 100);
});

test("a configuration that the page has is not asked for", async (t) => {
  const server = await StreamServer.start(t);
  const { told } = begin(t, server, { config: { pingInterval: 0.1, history: "off" } });
  (await server.next()).ready();
  await until(() => told.stales.length, "staleness");
  assert.equal(told.stales[0].intervalMs, 100);
  assert.equal(server.configsAsked, 0);
});

test("a request that is never answered is given up", async (t) => {
  const server = await StreamServer.start(t);
  const { told } = begin(t, server, { pingInterval: 0.1 });
  await server.next();
  (await server.next()).ready();
  await until(() => told.readies.length, "ready");
  assert.deepEqual(told.stales, []); // there was nothing to go stale
});

test("pings keep a stream", async (t) => {
  const server = await StreamServer.start(t);
  const { told } = begin(t, server, { pingInterval: 1 });
  const caller = (await server.next()).ready();
  let saidMs = Date.now();
  const ping = () => {
    saidMs += 1000;
    caller.ping(new Date(saidMs).toISOString());
  };
  const pinging = setInterval(ping, 100); // ten times as fast as is said: pauses are no silence
  t.after(() => clearInterval(pinging));
  await until(() => told.pings.length >= 30, "pings for longer than a silence may last");
  assert.equal(server.callers.length, 1);
});

test("a long list goes by a token, a new one for each stream", async (t) => {
  const server = await StreamServer.start(t);
  const many = Array.from({ length: 10_000 }, (_, i) => ({
    exchange: "e",
    routingKeyPattern: `a.${i}.#`,
  }));
  const { told } = begin(t, server, {}, many);
  const first = await server.next();
  assert.equal(first.url.searchParams.get("token"), "token-1");
  assert.equal(first.url.searchParams.get("bindings"), null);
  assert.deepEqual(server.posted[0], many);
  first.ready().drop();
  const second = await server.next();
  assert.equal(second.url.searchParams.get("token"), "token-2");
  second.answer(410, { code: "TokenExpired", message: "expired" });
  assert.equal((await server.next()).url.searchParams.get("token"), "token-3");
  assert.equal(told.errors.at(-1).permanent, false);
});

test("abort ends it quietly, loop included", async (t) => {
  const server = await StreamServer.start(t);
  const abort = new AbortController();
  const { listening, told } = begin(t, server, { signal: abort.signal });
  const caller = (await server.next()).ready().message("e", "1");
  const read = [];
  const loop = (async () => {
    for await (const message of listening) {
      read.push(message.routingKey);
      abort.abort();
    }
  })();
  await soon(loop, "the loop's end");
  await soon(caller.closed, "the stream's end");
  assert.deepEqual([read, told.errors], [["1"], []]);
});

test("a signal that is aborted already asks for nothing", async (t) => {
  const server = await StreamServer.start(t);
  const { listening } = begin(t, server, { signal: AbortSignal.abort() });
  await soon(listening.closed, "closed");
  assert.equal((await listening[Symbol.asyncIterator]().next()).done, true);
  assert.equal(server.callers.length, 0);
});

test("break closes the stream", async (t) => {
  const server = await StreamServer.start(t);
  const { listening } = begin(t, server);
  const asked = server.next().then((caller) => caller.ready().message("e", "1").message("e", "2"));
  for await (const message of listening) {
    assert.equal(message.routingKey, "1");
    break;
  }
  await soon((await asked).closed, "the stream's end");
  assert.equal(listening.state.phase, "closed");
});

test("a gap event of the server is passed on", async (t) => {
  const server = await StreamServer.start(t);
  const { told } = begin(t, server);
  const gap = { reason: "not held", from: "a", to: "b" };
  (await server.next()).ready().event("gap", gap);
  await until(() => told.gaps.length, "a gap");
  assert.deepEqual(told.gaps, [gap]);
});

test("what is no binding or no URL is refused at once", () => {
  assert.throws(() => listen([], { url: "http://h/" }), TypeError);
  assert.throws(() => listen([{ exchange: "e" }], { url: "http://h/" }), TypeError);
  assert.throws(() => listen(BINDINGS, { url: "mailto:x" }), TypeError);
  const noList = { name: "TypeError", message: /^bindings is not a list of \{ exchange, / };
  const message = { exchange: "e", routingKey: "a" };
  for (const wrong of [undefined, null, "e=#", BINDINGS[0]]) {
    assert.throws(() => listen(wrong, { url: "http://h/" }), noList);
    assert.throws(() => matchesMessage(wrong, message), noList);
  }
  const noBinding = { name: "TypeError", message: /^a binding is \{ exchange, / };
  for (const wrong of [[null], [undefined], ["e=#"], [["e", "#"]]]) {
    assert.throws(() => listen(wrong, { url: "http://h/" }), noBinding);
    assert.throws(() => matchesMessage(wrong, message), noBinding);
  }
  const noOptions = { name: "TypeError", message: /^the options are not an object, / };
  for (const wrong of [null, "http://h/", 5]) {
    assert.throws(() => listen(BINDINGS, wrong), noOptions);
  }
});

test("a message matches one of the bindings, and none of none", () => {
  assert.equal(matchesMessage(BINDINGS, { exchange: "e", routingKey: "a" }), true);
  assert.equal(matchesMessage(BINDINGS, { exchange: "f", routingKey: "a" }), false);
  assert.equal(matchesMessage([], { exchange: "e", routingKey: "a" }), false);
});

test("how the broker is, is asked for and told only where somebody wants to know", async (t) => {
  const server = await StreamServer.start(t);
  const statuses = [];
  begin(t, server, { onStatus: (status) => statuses.push(status) });
  const caller = await server.next();
  assert.equal(caller.url.searchParams.get("status"), "true");
  const lost = { broker: "lost", reason: "no broker", since: "2026-11-24T01:02:03.456Z" };
  caller.event("status", lost);
  await until(() => statuses.length, "the status, before the stream is ready");
  assert.deepEqual(statuses, [lost]);
  begin(t, server);
  assert.equal((await server.next()).url.searchParams.get("status"), null);
});

test("a status is no place to go on from, and no gap begins with it", async (t) => {
  const server = await StreamServer.start(t);
  let statuses = 0;
  const onStatus = () => (statuses += 1);
  const { told } = begin(t, server, { resume: true, onStatus });
  const first = (await server.next()).event("status", { broker: "lost" }, "1mAAAAAAAAAAA5");
  await until(() => statuses, "the status");
  first.drop();
  const again = await server.next();
  assert.equal(again.url.searchParams.get("lastEventId"), null);
  assert.deepEqual(told.gaps, []);
});
