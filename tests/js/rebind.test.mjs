import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Connection } from "../../src/pulse_events/web/static/client/connection.js";
import { Subscription } from "../../src/pulse_events/web/static/client/subscription.js";
import { listen, PulseEventsError } from "../../src/pulse_events/web/static/pulse-events.js";
import { StreamServer, soon, until } from "./streamserver.mjs";
import { worker } from "./worker.mjs";

const bindingsOf = (patterns) =>
  patterns.map((routingKeyPattern) => ({ exchange: "e", routingKeyPattern }));
const patternsOf = (caller) =>
  caller.bindings.map(({ routingKeyPattern }) => routingKeyPattern).sort();

/** Listens to patterns of one exchange, and keeps what it was told. */
function begin(t, server, share, ...patterns) {
  const told = { keys: [], readies: [], gaps: [], errors: [], phases: [] };
  const listening = listen(bindingsOf(patterns), {
    url: server.url,
    share,
    worker,
    onMessage: ({ routingKey }) => told.keys.push(routingKey),
    onReady: ({ first }) => told.readies.push(first),
    onGap: (gap) => told.gaps.push(gap),
    onError: (error) => told.errors.push(error),
    onState: ({ phase }) => told.phases.push(phase),
  });
  t.after(() => listening.close());
  const rebind = (...wanted) => listening.rebind(bindingsOf(wanted));
  return { listening, told, rebind };
}

/** The same, when it is ready. */
async function beginReady(t, server, share, ...patterns) {
  const one = begin(t, server, share, ...patterns);
  const first = (await server.next()).ready();
  await soon(one.listening.ready, "ready");
  return { ...one, first };
}

/** Tests that mostly wait: they run side by side. */
const cases = [];
const aside = (title, act) => cases.push([title, act]);

/** The same for a stream of its own and for a shared one. */
function both(title, act) {
  for (const share of [false, true]) {
    aside(`${share ? "shared" : "alone"}: ${title}`, (t) => act(t, share));
  }
}

/** Publishes to all open streams, as the server does: to each from its `ready` on what it asked for. */
class Feed {
  /** The keys that must arrive: what the bindings in force match, and those that follow. */
  due = [];
  #letters = "";
  #count = 0;
  #begun = new Set();

  constructor(t, server) {
    const publishing = setInterval(() => this.#publish(server), 2);
    this.stop = () => clearInterval(publishing);
    t.after(this.stop);
  }

  #publish(server) {
    const letter = "abc"[this.#count % 3];
    const key = `${letter}.${this.#count++}`;
    for (const caller of server.open) {
      if (!this.#begun.has(caller)) this.#begun.add(caller.ready());
      if (patternsOf(caller).includes(`${letter}.#`)) caller.message("e", key);
    }
    if (this.#letters.includes(letter)) this.due.push(key);
  }

  /** @param letters of what must arrive from now on; while it changes, what both lists match */
  async demand(letters, change) {
    this.#letters = [...this.#letters].filter((letter) => letters.includes(letter)).join("");
    await soon(change, letters);
    this.#letters = letters;
    const enough = this.due.length + 30;
    await until(() => this.due.length > enough, "messages");
  }
}

test("what arrived while the page was stuck is read before anything is concluded", async (t) => {
  const server = await StreamServer.start(t);
  const { told, rebind, first } = await beginReady(t, server, false, "a");
  const done = rebind("b");
  const second = await server.next();
  told.phases.length = 0;
  second.ready();
  await until(() => told.phases.includes("open"), "the hand-over");
  first.message("e", "a");
  for (const end = Date.now() + 400; Date.now() < end; );
  await soon(done, "the new bindings");
  assert.deepEqual(told.keys, ["a"]);
});

for (const share of [false, true]) {
  const how = share ? "shared" : "alone";
  test(`${how}: under load nothing is lost, repeated or out of order`, async (t) => {
    const server = await StreamServer.start(t);
    const { listening, told, rebind } = begin(t, server, share, "a.#");
    const feed = new Feed(t, server);
    await feed.demand("a", listening.ready);
    for (const letters of ["ab", "abc", "bc", "c", "ac"]) {
      await feed.demand(letters, rebind(...[...letters].map((letter) => `${letter}.#`)));
    }
    feed.stop();
    await until(() => told.keys.includes(feed.due.at(-1)), "the last message");
    const numbers = told.keys.map((key) => Number(key.slice(2)));
    const inOrder = [...new Set(numbers)].sort((one, other) => one - other);
    assert.deepEqual(numbers, inOrder);
    const got = new Set(told.keys);
    assert.deepEqual(
      feed.due.filter((key) => !got.has(key)),
      [],
    );
    assert.deepEqual([told.gaps, told.readies], [[], [true]]);
  });
}

both("other bindings are listened to beside the old ones, which end then", async (t, share) => {
  const server = await StreamServer.start(t);
  const { listening, told, rebind, first } = await beginReady(t, server, share, "a.#");
  const done = rebind("a.#", "b.#");
  const second = await server.next();
  assert.deepEqual(patternsOf(second), ["a.#", "b.#"]);
  first.message("e", "a.1");
  await until(() => told.keys.length === 1, "a message of the old stream");
  second.ready().message("e", "b.1").message("e", "a.2");
  first.message("e", "a.2"); // both bring it
  await soon(done, "the new bindings");
  await soon(first.closed, "the old stream's end");
  second.message("e", "a.3");
  await until(() => told.keys.length === 4, "the messages");
  assert.deepEqual(told.keys, ["a.1", "b.1", "a.2", "a.3"]);
  assert.deepEqual([told.gaps, told.errors, told.readies], [[], [], [true]]);
  assert.equal(listening.state.phase, "open");
});

both("bindings with nothing in common follow each other", async (t, share) => {
  const server = await StreamServer.start(t);
  const { told, rebind, first } = await beginReady(t, server, share, "a.#");
  const done = rebind("b.#");
  const second = await server.next();
  second.ready().message("e", "b.1");
  first.message("e", "a.1");
  await soon(done, "the new bindings");
  second.message("e", "b.2");
  if (share) {
    const third = await server.next(); // nobody wants the old ones any more
    assert.deepEqual(patternsOf(third), ["b.#"]);
    third.ready();
  }
  await soon(first.closed, "the old stream's end");
  await until(() => told.keys.length === 3, "the messages");
  assert.deepEqual(told.keys.toSorted?.() ?? [...told.keys].sort(), ["a.1", "b.1", "b.2"]);
  assert.ok(told.keys.indexOf("b.1") < told.keys.indexOf("b.2"));
  assert.deepEqual(told.gaps, []);
});

both("if the server refuses, its words come and the old bindings go on", async (t, share) => {
  const server = await StreamServer.start(t);
  const { listening, told, rebind, first } = await beginReady(t, server, share, "b", "z");
  const done = rebind("a", "z", "bad", "b");
  const second = await server.next();
  const place = second.bindings.findIndex(({ routingKeyPattern }) => routingKeyPattern === "bad");
  const message = `bindings[${place}]: routingKeyPattern is bad`;
  second.answer(400, { code: "InputError", message });
  await assert.rejects(soon(done, "the refusal"), (error) => {
    assert.ok(error instanceof PulseEventsError);
    assert.equal(error.message, "bindings[2]: routingKeyPattern is bad"); // in its own list
    assert.deepEqual([error.status, error.code, error.permanent], [400, "InputError", true]);
    return true;
  });
  first.message("e", "b");
  await until(() => told.keys.length, "a message of the old stream");
  assert.ok(first.isOpen);
  assert.equal(listening.state.phase, "open");
  assert.deepEqual([told.errors, told.gaps, told.readies], [[], [], [true]]);
  const again = rebind("b", "good");
  const third = await server.next();
  third.ready();
  await soon(again, "good bindings after bad ones");
});

both("why new bindings are not in force is told, and the old ones go on", async (t, share) => {
  const server = await StreamServer.start(t);
  const { listening, told, rebind, first } = await beginReady(t, server, share, "a");
  const done = rebind("b");
  (await server.next()).answer(503, { message: "full" }, { "Retry-After": "0" });
  await until(() => told.phases.includes("waiting"), "the reason");
  assert.deepEqual(
    told.errors.map(({ message, permanent }) => [message, permanent]),
    [["full", false]],
  );
  first.message("e", "a");
  await until(() => told.keys.length, "a message of the old stream");
  (await server.next()).ready();
  await soon(done, "the new bindings");
  assert.deepEqual([listening.state.phase, told.gaps, told.readies], ["open", [], [true]]);
});

both("of two changes before the first is ready the second counts", async (t, share) => {
  const server = await StreamServer.start(t);
  const { told, rebind, first } = await beginReady(t, server, share, "a");
  const replaced = rebind("b");
  const second = share ? null : await server.next();
  const done = rebind("a", "c");
  await assert.rejects(soon(replaced, "its end"), { code: "Replaced", permanent: false });
  if (second) await soon(second.closed, "the end of what is not wanted any more");
  const third = await server.next();
  assert.deepEqual(patternsOf(third), ["a", "c"]);
  third.ready();
  await soon(done, "the new bindings");
  await soon(first.closed, "the old stream's end");
  assert.deepEqual([told.gaps, told.errors, server.open.length], [[], [], 1]);
});

both("a change that is asked for during the hand-over follows it", async (t, share) => {
  const server = await StreamServer.start(t);
  const { listening, told, rebind } = await beginReady(t, server, share, "a");
  const one = rebind("a", "b");
  const second = await server.next();
  told.phases.length = 0;
  second.ready();
  await until(() => told.phases.includes("open"), "the hand-over");
  const last = rebind("a", "b", "c");
  await soon(one, "the first change");
  (await server.next()).ready();
  await soon(last, "the second");
  await until(() => server.open.length === 1, "one stream");
  assert.deepEqual(patternsOf(server.open[0]), ["a", "b", "c"]);
  assert.deepEqual([told.gaps, listening.state.phase], [[], "open"]);
});

both("before the first list is ready another may take its place", async (t, share) => {
  const server = await StreamServer.start(t);
  const { listening, told, rebind } = begin(t, server, share, "a");
  await server.next();
  const done = rebind("b");
  const second = await server.next();
  assert.ok(patternsOf(second).includes("b"));
  second.ready();
  await soon(Promise.all([done, listening.ready]), "ready");
  assert.deepEqual(told.readies, [true]);
});

both("if that one is refused, the first list is asked for again", async (t, share) => {
  const server = await StreamServer.start(t);
  const { listening, told, rebind } = begin(t, server, share, "a");
  await server.next();
  const done = rebind("bad");
  (await server.next()).answer(404, { message: "no bad" });
  await assert.rejects(soon(done, "the refusal"), { message: "no bad" });
  const third = await server.next();
  assert.deepEqual(patternsOf(third), ["a"]);
  third.ready();
  await soon(listening.ready, "ready");
  assert.deepEqual(told.errors, []);
});

both("a stream lost before the new one is ready is a gap, told once", async (t, share) => {
  const server = await StreamServer.start(t);
  const { told, rebind, first } = await beginReady(t, server, share, "a");
  first.message("e", "a");
  await until(() => told.keys.length, "a message");
  const done = rebind("a", "b");
  const second = await server.next();
  first.fail("slow reader");
  await until(() => told.errors.length, "the loss");
  second.ready().message("e", "b");
  await soon(done, "the new bindings");
  await until(() => told.keys.length === 2, "a message of the new stream");
  assert.deepEqual(
    told.gaps.map(({ reason }) => reason),
    ["slow reader"],
  );
  assert.deepEqual(told.readies, [true, false]);
  await until(() => server.open.length === 1, "one stream");
});

both(
  "a stream that breaks before it has brought what the new one has is a gap",
  async (t, share) => {
    const server = await StreamServer.start(t);
    const { told, rebind, first } = await beginReady(t, server, share, "a");
    const done = rebind("a", "b");
    const second = await server.next();
    told.phases.length = 0;
    second.ready().message("e", "a");
    await until(() => told.phases.includes("open"), "the hand-over");
    first.fail("slow reader");
    await soon(done, "the new bindings");
    await until(() => told.keys.length, "the message of the new stream");
    second.message("e", "b");
    await until(() => told.keys.length === 2, "another");
    assert.deepEqual(
      told.gaps.map(({ reason }) => reason),
      ["slow reader"],
    );
    assert.deepEqual(told.keys, ["a", "b"]);
    await until(() => server.open.length === 1, "one stream");
  },
);

both("after a reconnect it works as before", async (t, share) => {
  const server = await StreamServer.start(t);
  const { told, rebind, first } = await beginReady(t, server, share, "a");
  first.drop();
  const again = (await server.next()).ready();
  await until(() => told.readies.length === 2, "ready again");
  const done = rebind("a", "b");
  const next = await server.next();
  next.ready().message("e", "b");
  await soon(done, "the new bindings");
  await soon(again.closed, "the old stream's end");
  next.drop();
  const last = await server.next();
  assert.deepEqual(patternsOf(last), ["a", "b"]); // it stays with the new ones
  last.ready();
  await until(() => told.readies.length === 3, "ready once more");
  assert.deepEqual([told.keys, told.gaps.length], [["b"], 2]);
});

both("closing it during a change leaves nothing open", async (t, share) => {
  const server = await StreamServer.start(t);
  const { listening, told, rebind, first } = await beginReady(t, server, share, "a");
  const done = rebind("b");
  const second = await server.next();
  listening.close();
  await assert.rejects(soon(done, "its end"), { code: "Closed" });
  await soon(Promise.all([first.closed, second.closed]), "both ends");
  await assert.rejects(rebind("c"), { code: "Closed" });
  assert.deepEqual([server.open.length, told.errors], [0, []]);
  assert.equal(server.callers.length, 2);
});

both("closing it during the hand-over leaves nothing open", async (t, share) => {
  const server = await StreamServer.start(t);
  const { listening, told, rebind, first } = await beginReady(t, server, share, "a");
  const done = rebind("a", "b");
  const second = (await server.next()).ready().message("e", "b");
  first.message("e", "a");
  await until(() => told.keys.length, "the hand-over");
  listening.close();
  const told1 = [...told.keys];
  await assert.rejects(soon(done, "its end"), { code: "Closed" });
  await soon(Promise.all([first.closed, second.closed]), "both ends");
  assert.deepEqual(told.keys, told1);
});

both("what is no binding is refused at once, and nothing is touched", async (t, share) => {
  const server = await StreamServer.start(t);
  const { listening, rebind } = await beginReady(t, server, share, "a");
  await assert.rejects(rebind(), TypeError);
  await assert.rejects(listening.rebind(undefined), { message: /^bindings is not a list/ });
  await assert.rejects(listening.rebind([{ exchange: "e" }]), TypeError);
  assert.equal(server.callers.length, 1);
});

both("a loop goes on through a change", async (t, share) => {
  const server = await StreamServer.start(t);
  const { listening, rebind, first } = await beginReady(t, server, share, "a");
  const messages = listening[Symbol.asyncIterator]();
  first.message("e", "a");
  assert.equal((await soon(messages.next(), "a message")).value.routingKey, "a");
  const done = rebind("b");
  const second = (await server.next()).ready();
  await soon(done, "the new bindings");
  second.message("e", "b");
  assert.equal((await soon(messages.next(), "another")).value.routingKey, "b");
});

aside(
  "alone: an exchange that is gone ends nothing if other bindings were asked for",
  async (t) => {
    const server = await StreamServer.start(t);
    const { told, rebind, first, listening } = await beginReady(t, server, false, "a");
    first.fail("exchange 'e': gone");
    const lost = await server.next();
    const done = rebind("b");
    const second = await server.next();
    lost.answer(404, { message: "exchange 'e': gone" });
    await soon(lost.closed, "the refusal");
    second.ready();
    await soon(done, "the new bindings");
    assert.equal(listening.state.phase, "open");
    assert.deepEqual(
      told.gaps.map(({ reason }) => reason),
      ["exchange 'e': gone"],
    );
    const bad = rebind("bad");
    (await server.next()).answer(404, { message: "no bad" });
    await assert.rejects(soon(bad, "the refusal"), { message: "no bad" });
    assert.equal(listening.state.phase, "open");
  },
);

aside("alone: if those are refused too, it ends for the first reason", async (t) => {
  const server = await StreamServer.start(t);
  const { told, rebind, first, listening } = await beginReady(t, server, false, "a");
  first.fail("gone");
  const lost = await server.next();
  const done = rebind("b");
  const second = await server.next();
  lost.answer(404, { message: "exchange 'a': gone" });
  await soon(lost.closed, "the refusal");
  second.answer(404, { message: "exchange 'b': gone" });
  await assert.rejects(soon(done, "the refusal"), { message: "exchange 'b': gone" });
  await soon(listening.closed, "the end");
  assert.equal(told.errors.at(-1).message, "exchange 'a': gone");
});

aside("shared: an exchange that is gone ends nothing there either", async (t) => {
  const server = await StreamServer.start(t);
  const { told, rebind, first, listening } = await beginReady(t, server, true, "a");
  const answering = setInterval(() => {
    for (const caller of server.open.filter(({ response }) => !response.headersSent)) {
      if (patternsOf(caller).includes("a")) caller.answer(404, { message: "a is gone" });
      else caller.ready();
    }
  }, 5);
  t.after(() => clearInterval(answering));
  first.fail("a is gone");
  await until(() => told.errors.length, "the loss");
  await soon(rebind("b"), "the new bindings");
  await until(() => server.open.length === 1, "one stream");
  assert.deepEqual(
    told.gaps.map(({ reason }) => reason),
    ["a is gone"],
  );
  assert.deepEqual([listening.state.phase, told.readies], ["open", [true, false]]);
});

aside("a page in the cache asks for nothing until it is back", async (t) => {
  const server = await StreamServer.start(t);
  const told = { readies: 0, gaps: [] };
  const ignore = () => {};
  const subscription = new Subscription(
    (bindings, sink) =>
      new Connection({ endpoint: new URL(`${server.url}connect`), bindings }, sink),
    bindingsOf(["a"]),
    {
      ready: () => (told.readies += 1),
      gap: ({ reason }) => told.gaps.push(reason),
      ...{
        message: ignore,
        ping: ignore,
        stale: ignore,
        error: ignore,
        state: ignore,
        end: ignore,
      },
    },
  );
  t.after(() => subscription.close());
  subscription.start();
  const first = (await server.next()).ready();
  await until(() => told.readies, "ready");
  subscription.pause("it was left");
  const done = subscription.rebind(bindingsOf(["b"]));
  await soon(first.closed, "the stream's end");
  assert.equal(server.callers.length, 1);
  subscription.resume();
  for (const caller of [await server.next(), await server.next()]) caller.ready();
  await soon(done, "the new bindings");
  await until(() => server.open.length === 1, "one stream");
  assert.deepEqual(patternsOf(server.open[0]), ["b"]);
  assert.deepEqual(told.gaps, ["it was left"]);
});

aside("shared: the others of the stream notice nothing", async (t) => {
  const server = await StreamServer.start(t);
  const [one, other] = [begin(t, server, true, "a"), begin(t, server, true, "b")];
  const first = (await server.next()).ready();
  await soon(Promise.all([one.listening.ready, other.listening.ready]), "both ready");
  const done = one.rebind("c");
  const second = await server.next();
  assert.deepEqual(patternsOf(second), ["a", "b", "c"]);
  second.ready();
  first.message("e", "b");
  second.message("e", "b").message("e", "c");
  await soon(done, "the new bindings");
  const third = await server.next();
  assert.deepEqual(patternsOf(third), ["b", "c"]);
  third.ready();
  await until(() => server.open.length === 1, "one stream");
  assert.deepEqual([one.told.keys, other.told.keys], [["c"], ["b"]]);
  assert.deepEqual([other.told.gaps, other.told.errors, other.told.readies], [[], [], [true]]);
  const refused = one.rebind("bad");
  (await server.next()).answer(404, { message: "no bad" });
  await assert.rejects(soon(refused, "the refusal"), { message: "no bad" });
  assert.deepEqual([other.told.errors, other.listening.state.phase], [[], "open"]);
});

aside(
  "shared: a list that does not fit beside the others' takes a stream of its own",
  async (t) => {
    const server = await StreamServer.start(t);
    server.config = { pingInterval: 20, maxBindings: 3 };
    const [one, other] = [begin(t, server, true, "a", "b"), begin(t, server, true, "c")];
    const first = (await server.next()).ready();
    await soon(Promise.all([one.listening.ready, other.listening.ready]), "both ready");
    const done = one.rebind("a", "b", "d");
    const second = await server.next();
    assert.deepEqual(patternsOf(second), ["a", "b", "d"]);
    second.ready();
    first.message("e", "a");
    second.message("e", "a").message("e", "d");
    await soon(done, "the new bindings");
    const third = await server.next();
    assert.deepEqual(patternsOf(third), ["c"]);
    third.ready();
    await soon(first.closed, "the first stream's end");
    assert.deepEqual([one.told.keys, one.told.gaps, other.told.gaps], [["a", "d"], [], []]);
  },
);

describe("a change of bindings", { concurrency: true }, () => {
  for (const [title, act] of cases) test(title, act);
});
