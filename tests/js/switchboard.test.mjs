import assert from "node:assert/strict";
import { test } from "node:test";
import { listen } from "../../src/pulse_events/web/static/pulse-events.js";
import { messageText, StreamServer, soon, until } from "./streamserver.mjs";
import { worker } from "./worker.mjs";

// There is no SharedWorker in Node: the switchboard runs in the page, behind a MessagePort as always.

/** Listens with `share`, and keeps what it was told. */
function begin(t, server, ...patterns) {
  const told = { keys: [], readies: [], gaps: [], errors: [], phases: [] };
  const bindings = patterns.map((routingKeyPattern) => ({ exchange: "e", routingKeyPattern }));
  const listening = listen(bindings, {
    url: server.url,
    share: true,
    worker,
    onMessage: ({ routingKey }) => told.keys.push(routingKey),
    onReady: (event) => told.readies.push(event),
    onGap: (gap) => told.gaps.push(gap),
    onError: (error) => told.errors.push(error),
    onState: ({ phase, shared }) => told.phases.push([phase, shared]),
  });
  t.after(() => listening.close());
  return { listening, told };
}

const patternsOf = (caller) =>
  caller.bindings.map(({ routingKeyPattern }) => routingKeyPattern).sort();

test("many listeners share one stream, and each gets its own messages", async (t) => {
  const server = await StreamServer.start(t);
  const all = ["a.#", "b.#", "a.#", "#"].map((pattern) => begin(t, server, pattern));
  const caller = await server.next();
  assert.deepEqual(patternsOf(caller), ["#", "a.#", "b.#"]);
  caller.ready().message("e", "a.1").message("e", "b.1").message("e", "c", {}, ["b.2"]);
  await until(() => all[3].told.keys.length === 3, "the messages");
  assert.deepEqual(
    all.map(({ told }) => told.keys),
    [["a.1"], ["b.1", "c"], ["a.1"], ["a.1", "b.1", "c"]],
  );
  assert.ok(all.every(({ told }) => told.readies.length === 1 && told.readies[0].first));
  assert.equal(server.callers.length, 1);
});

test("a listener that comes later widens the stream without a gap", async (t) => {
  const server = await StreamServer.start(t);
  const one = begin(t, server, "a.#");
  const first = (await server.next()).ready();
  await soon(one.listening.ready, "ready");
  const two = begin(t, server, "b.#");
  const second = await server.next();
  assert.deepEqual(patternsOf(second), ["a.#", "b.#"]);
  first.message("e", "a.1");
  second.ready().message("e", "b.1").message("e", "a.2");
  await soon(two.listening.ready, "ready");
  first.message("e", "a.2"); // both bring it
  await soon(first.closed, "the first stream's end");
  second.message("e", "a.3");
  await until(() => one.told.keys.length === 3, "the messages");
  assert.deepEqual([one.told.keys, two.told.keys], [["a.1", "a.2", "a.3"], ["b.1"]]);
  assert.deepEqual(
    [one.told.gaps, one.told.readies, two.told.gaps],
    [[], [{ first: true, resumed: false }], []],
  );
});

test("nothing is lost or repeated while listeners come and go under load", async (t) => {
  const server = await StreamServer.start(t);
  const steady = begin(t, server, "n.#");
  (await server.next()).ready();
  await soon(steady.listening.ready, "ready");
  let sent = 0;
  const ready = new Set([server.callers[0]]);
  // As the server does: each open stream gets each message from its `ready` on, in the same order.
  const publish = () => {
    for (const caller of server.open) if (!ready.has(caller)) ready.add(caller.ready());
    const text = messageText("e", `n.${sent++}`);
    for (const caller of server.open) caller.event("message", text);
  };
  const publishing = setInterval(publish, 2);
  t.after(() => clearInterval(publishing));
  for (let i = 0; i < 5; i += 1) {
    const passing = begin(t, server, `n.#`, `other.${i}`);
    await soon(passing.listening.ready, "ready");
    const seen = passing.told.keys.length;
    await until(() => passing.told.keys.length > seen + 20, "messages");
    passing.listening.close();
  }
  clearInterval(publishing);
  await until(() => steady.told.keys.length >= sent, "the last message");
  assert.deepEqual(
    steady.told.keys,
    Array.from({ length: sent }, (_, i) => `n.${i}`),
  );
  assert.deepEqual(steady.told.gaps, []);
  assert.ok(server.callers.length > 5);
});

test("bindings that are there already need no new stream", async (t) => {
  const server = await StreamServer.start(t);
  const one = begin(t, server, "a.#", "b.#");
  (await server.next()).ready();
  await soon(one.listening.ready, "ready");
  const two = begin(t, server, "b.#");
  await soon(two.listening.ready, "ready");
  assert.equal(server.callers.length, 1);
});

test("a refused listener does not disturb the others", async (t) => {
  const server = await StreamServer.start(t);
  const one = begin(t, server, "a.#");
  const first = (await server.next()).ready();
  await soon(one.listening.ready, "ready");
  const [bad, good] = [begin(t, server, "bad"), begin(t, server, "good")];
  const refuse = (caller) => caller.answer(404, { code: "ResourceNotFound", message: "no bad" });
  refuse(await server.next()); // both at once, then one by one
  const alone = await server.next();
  assert.deepEqual(patternsOf(alone), ["a.#", "bad"]);
  refuse(alone);
  const last = await server.next();
  assert.deepEqual(patternsOf(last), ["a.#", "good"]);
  last.ready();
  await soon(good.listening.ready, "ready");
  await assert.rejects(bad.listening.ready, { message: "no bad", permanent: true, status: 404 });
  await soon(first.closed, "the first stream's end");
  assert.deepEqual([one.told.errors, one.told.gaps, good.told.errors], [[], [], []]);
});

test("a fault in a list is told by its place there, though all share one list", async (t) => {
  const server = await StreamServer.start(t);
  const one = begin(t, server, "z", "a");
  (await server.next()).ready();
  await soon(one.listening.ready, "ready");
  const bad = begin(t, server, "y", "zz bad", "b");
  const caller = await server.next();
  const at = caller.bindings.findIndex(({ routingKeyPattern }) => routingKeyPattern === "zz bad");
  assert.notEqual(at, 1);
  caller.answer(400, { message: `bindings[${at}]: it is bad` });
  await assert.rejects(soon(bad.listening.ready, "the refusal"), {
    message: "bindings[1]: it is bad",
  });
});

test("a listener is not refused for what another one asked for before", async (t) => {
  const server = await StreamServer.start(t);
  const gone = begin(t, server, "gone");
  (await server.next()).ready().fail("it is gone");
  await until(() => gone.told.errors.length, "the loss");
  const other = begin(t, server, "b"); // while the first one's stream waits to be tried again
  const answering = setInterval(() => {
    for (const caller of server.open.filter(({ response }) => !response.headersSent)) {
      if (patternsOf(caller).includes("gone")) caller.answer(404, { message: "it is gone" });
      else caller.ready();
    }
  }, 5);
  t.after(() => clearInterval(answering));
  await soon(other.listening.ready, "the other one's ready");
  await soon(gone.listening.closed, "the end of what is gone");
});

test("a stream that nobody waits for any more holds up nobody", async (t) => {
  const [server, elsewhere] = [await StreamServer.start(t), await StreamServer.start(t)];
  begin(t, elsewhere, "x"); // so that the switchboard stays
  const one = begin(t, server, "a");
  const first = await server.next(); // never answered
  const two = begin(t, server, "b");
  one.listening.close();
  const second = await server.next();
  assert.deepEqual(patternsOf(second), ["b"]);
  second.ready();
  await soon(Promise.all([two.listening.ready, first.closed]), "ready");
});

test("a lost stream is a gap for all its listeners, and they are ready again", async (t) => {
  const server = await StreamServer.start(t);
  const both = [begin(t, server, "a.#"), begin(t, server, "b.#")];
  (await server.next()).ready().message("e", "a.1").fail("the server is stopping");
  (await server.next()).ready();
  for (const { told } of both) {
    await until(() => told.readies.length === 2, "ready again");
    assert.equal(told.gaps.length, 1);
    assert.equal(told.gaps[0].reason, "the server is stopping");
    assert.deepEqual(told.readies, [
      { first: true, resumed: false },
      { first: false, resumed: false },
    ]);
    assert.ok(told.phases.every(([phase, shared]) => phase === "connecting" || shared));
  }
});

test("an exchange that vanishes ends only its own listeners", async (t) => {
  const server = await StreamServer.start(t);
  const [a, b] = [begin(t, server, "a"), begin(t, server, "b")];
  const answer = (caller) =>
    patternsOf(caller).includes("b")
      ? caller.answer(404, { message: "b is gone" })
      : caller.ready();
  (await server.next()).ready().fail("b is gone");
  const answering = setInterval(
    () => server.open.filter((c) => !c.response.headersSent).forEach(answer),
    5,
  );
  t.after(() => clearInterval(answering));
  await soon(b.listening.closed, "b's end");
  await until(() => a.told.readies.length === 2, "a is ready again");
  assert.equal(a.told.gaps.length, 1);
  assert.equal(a.told.errors.filter(({ permanent }) => permanent).length, 0);
});

test("a union over the server's limit takes a second stream", async (t) => {
  const server = await StreamServer.start(t);
  server.config = { pingInterval: 20, maxBindings: 3 };
  const all = [begin(t, server, "a", "b"), begin(t, server, "c", "d"), begin(t, server, "e")];
  const [first, second] = [await server.next(), await server.next()];
  const unions = [patternsOf(first), patternsOf(second)].sort();
  assert.deepEqual(unions, [
    ["a", "b", "e"],
    ["c", "d"],
  ]);
  for (const caller of [first, second]) caller.ready();
  for (const { listening } of all) await soon(listening.ready, "ready");
});

test("the last listener's end closes the stream", async (t) => {
  const server = await StreamServer.start(t);
  const { listening } = begin(t, server, "a");
  const caller = (await server.next()).ready();
  await soon(listening.ready, "ready");
  listening.close();
  await soon(caller.closed, "the stream's end");
});

test("a listener that comes while the server is away is served when it is back", async (t) => {
  const server = await StreamServer.start(t);
  const one = begin(t, server, "a");
  (await server.next()).answer(503, { message: "away" });
  await until(() => one.told.errors.length, "an error");
  const two = begin(t, server, "b");
  const caller = await server.next();
  assert.deepEqual(patternsOf(caller), ["a", "b"]);
  caller.ready();
  await soon(Promise.all([one.listening.ready, two.listening.ready]), "both ready");
});

test("each listener knows how the broker is, whenever it came", async (t) => {
  const server = await StreamServer.start(t);
  server.config = { ...server.config, history: "memory" };
  const told = new Map();
  const listenTo = (name, options = {}) => {
    told.set(name, []);
    const onStatus = ({ broker }) => told.get(name).push(broker);
    const bindings = [{ exchange: "e", routingKeyPattern: "a.#" }];
    const common = { url: server.url, share: true, worker, onStatus };
    const listening = listen(bindings, { ...common, ...options });
    t.after(() => listening.close());
    return listening;
  };
  begin(t, server, "a.#"); // which does not ask for it
  const caller = (await server.next()).event("status", { broker: "ok" }).ready("1mAAAAAAAAAAA5");
  const joining = listenTo("joining");
  await soon(joining.ready, "ready");
  listenTo("behind", { last: 5 });
  await server.next(); // of its own for a while, which is not ready
  caller.event("status", { broker: "lost" });
  await until(() => told.get("behind").length === 2, "the loss");
  listenTo("late");
  await until(() => told.get("late").length, "the loss again");
  assert.deepEqual(Object.fromEntries(told), {
    joining: ["ok", "lost"],
    behind: ["ok", "lost"],
    late: ["lost"],
  });
  caller.drop();
  const again = await server.next();
  listenTo("later");
  again.event("status", { broker: "ok" });
  await until(() => told.get("later").length, "what the next stream says");
  assert.deepEqual(told.get("later"), ["ok"]);
});
