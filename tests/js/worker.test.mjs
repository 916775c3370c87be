import assert from "node:assert/strict";
import { test } from "node:test";
import { PROTOCOL, WORKER_NAME } from "../../src/pulse_events/web/static/client/protocol.js";
import { listen } from "../../src/pulse_events/web/static/pulse-events.js";
import { StreamServer, soon, until } from "./streamserver.mjs";
import { worker } from "./worker.mjs";

const bindings = (pattern) => [{ exchange: "e", routingKeyPattern: pattern }];

function begin(t, server, options) {
  const told = { errors: [], keys: [], readies: [], gaps: [] };
  const listening = listen(bindings("a.#"), {
    url: server.url,
    share: true,
    onError: (error) => told.errors.push(error),
    onGap: ({ reason }) => told.gaps.push(reason),
    onMessage: ({ routingKey }) => told.keys.push(routingKey),
    onReady: ({ first }) => told.readies.push(first),
    ...options,
  });
  t.after(() => listening.close());
  return { listening, told };
}

/** A worker whose script does not load. */
function broken() {
  const { port1 } = new MessageChannel();
  const found = Object.assign(new EventTarget(), { port: port1 });
  queueMicrotask(() => found.dispatchEvent(new Event("error")));
  return found;
}

/** A worker that says something else than this version's. */
function older() {
  const { port1, port2 } = new MessageChannel();
  port2.postMessage({ kind: "hello", content: { lock: null } });
  return Object.assign(new EventTarget(), { port: port1 });
}

function forbidden() {
  throw new Error("a policy forbids it");
}

test("a configuration that the page has is not asked for by its worker", async (t) => {
  const server = await StreamServer.start(t);
  server.config = { pingInterval: 20, maxBindings: 100, history: "memory" };
  const { listening } = begin(t, server, { worker, config: server.config });
  const caller = await server.next();
  assert.equal(caller.url.searchParams.get("resume"), "true"); // as the configuration says
  caller.ready();
  await soon(listening.ready, "ready");
  assert.equal(server.configsAsked, 0);
});

for (const [start, why] of [
  [broken, "its script cannot be loaded, or fails"],
  [older, "it is of another version of pulse-events"],
  [forbidden, "a policy forbids it"],
]) {
  test(`${start.name}: it is told once, and each listener has its own stream`, async (t) => {
    const server = await StreamServer.start(t);
    const { listening, told } = begin(t, server, { worker: start });
    const first = (await server.next()).ready();
    await soon(listening.ready, "ready");
    assert.equal(listening.state.shared, false);
    assert.equal(listening.state.phase, "open");
    first.message("e", "a.1");
    await until(() => told.keys.length, "the message");
    const change = listening.rebind(bindings("b.#"));
    (await server.next()).ready();
    await soon(change, "the change");
    const [error, ...more] = told.errors;
    assert.deepEqual(more, []);
    assert.equal(error.code, "WorkerFailed");
    assert.equal(error.permanent, false);
    assert.ok(error.message.includes(`does not work: ${why}; give as \`worker\``), error.message);
    assert.deepEqual([told.readies, told.gaps], [[true], []]);
    const later = begin(t, server, { worker: start });
    (await server.next()).ready();
    await soon(later.listening.ready, "ready");
    assert.deepEqual(later.told.errors, [error]);
    later.listening.close();
    await soon(server.callers[2].closed, "the end of the later one's");
  });
}

test("a worker that does not come back is told, and what may be missing, too", async (t) => {
  const server = await StreamServer.start(t);
  const ports = [];
  const start = () => {
    if (ports.length) throw new Error("no second one");
    ports.push(worker());
    return ports[0];
  };
  const { listening, told } = begin(t, server, { worker: start });
  (await server.next()).ready();
  await soon(listening.ready, "ready");
  assert.equal(listening.state.shared, true);
  ports[0].dispatchEvent(new Event("error"));
  (await server.next()).ready();
  await until(() => told.readies.length === 2, "ready again");
  assert.deepEqual(told.readies, [true, false]);
  assert.match(told.gaps[0], /^the worker that shares the connection does not work/);
  assert.equal(listening.state.shared, false);
});

test("who is closed when it is told, or before, opens nothing", async (t) => {
  const server = await StreamServer.start(t);
  const start = () => broken();
  const others = [];
  const closeAll = () => {
    for (const { listening } of others) listening.close();
  };
  others.push(begin(t, server, { worker: start, onError: closeAll }));
  others.push(begin(t, server, { worker: start, onError: closeAll }));
  await soon(Promise.all(others.map(({ listening }) => listening.closed)), "the end");
  const { listening } = begin(t, server, { worker: start });
  await server.next();
  assert.equal(server.callers.length, 1);
  listening.close();
});

test("with a function each gives to another listener, they share", async (t) => {
  const server = await StreamServer.start(t);
  const one = begin(t, server, { worker });
  const stream = (await server.next()).ready();
  await soon(one.listening.ready, "ready");
  const two = begin(t, server, { worker });
  await soon(two.listening.ready, "ready on the same stream");
  stream.message("e", "a.1");
  for (const { told, listening } of [one, two]) {
    await until(() => told.keys.length, "the message");
    assert.equal(listening.state.shared, true);
  }
  assert.equal(server.callers.length, 1);
});

test("where there can be no worker nothing is said, and nothing shared", async (t) => {
  const server = await StreamServer.start(t);
  const { listening, told } = begin(t, server, {});
  (await server.next()).ready();
  await soon(listening.ready, "ready");
  assert.equal(listening.state.shared, false);
  assert.deepEqual(told.errors, []);
});

test("the name that bundlers must see written out is the one of the version", () => {
  assert.equal(WORKER_NAME, `pulse-events-${PROTOCOL}`);
});

test("without a page the url must be there, and whole", () => {
  const start = /^the option url is missing, and there is no page to go by: give that of a server/;
  assert.throws(() => listen(bindings("#")), { name: "TypeError", message: start });
  for (const url of ["/events", "example.com"]) {
    const wanted = { name: "TypeError", message: /^the option url is "/ };
    assert.throws(() => listen(bindings("#"), { url }), wanted);
  }
});
