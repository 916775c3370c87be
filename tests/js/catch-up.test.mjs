import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { begin, beginReady, range, startHistory } from "./historyserver.mjs";
import { soon, until } from "./streamserver.mjs";
import { worker } from "./worker.mjs";

const cases = [];
const aside = (title, act) => cases.push([title, act]);

/** Time enough for what was sent to arrive. */
const rest = () => new Promise((resolve) => setTimeout(resolve, 100));

/** A server that holds one message; a listener that is live on its stream. */
async function scene(t) {
  const server = await startHistory(t);
  for (const key of ["a", "b"]) server.process.inForce.add(key);
  server.publish("a", 0);
  const live = await beginReady(t, server, ["a"], { share: true, worker });
  const stream = await server.next();
  return { server, live, stream };
}

/** Has what comes for a stream wait; returns what lets so many of it go on, or all and what follows. */
function hold(stream) {
  const held = [];
  stream.event = (...event) => {
    held.push(event);
    return stream;
  };
  const { event } = Object.getPrototypeOf(stream);
  return (count = null) => {
    if (count === null) delete stream.event;
    for (const each of held.splice(0, count ?? held.length)) event.apply(stream, each);
  };
}

aside("who comes gets nothing older than its ready", async (t) => {
  const server = await startHistory(t);
  const one = await beginReady(t, server, ["a"], { share: true, worker });
  server.process.inForce.add("b"); // somebody else listens to it
  server.publish("b", "old");
  server.isHolding = true;
  const two = begin(t, server, ["b"], { share: true, worker });
  await server.next();
  await server.next();
  server.publish("b", "older than ready");
  server.publish("a", 1);
  server.answerAll();
  await soon(two.listening.ready, "ready");
  server.publish("b", "new");
  server.publish("a", 2);
  await until(() => two.told.payloads.length && one.told.payloads.length === 2, "messages");
  assert.deepEqual([one.told.payloads, two.told.payloads], [[1, 2], ["new"]]);
  await until(() => server.open.length === 1, "one stream");
  server.publish("b", "newer");
  await until(() => two.told.payloads.length === 2, "another");
  assert.deepEqual([one.told.gaps, two.told.gaps], [[], []]);
});

aside("listeners with places of their own come to one stream", async (t) => {
  const server = await startHistory(t);
  for (const n of range(0, 5)) server.publish("a", n);
  const live = await beginReady(t, server, ["a"], { share: true, worker });
  const others = [{ last: 2 }, { since: "10m" }, { cursor: server.process.cursor(4) }].map(
    (start) => begin(t, server, ["a"], { share: true, worker, ...start }),
  );
  for (const { listening } of others) await soon(listening.ready, "ready");
  let sent = 5;
  const publishing = setInterval(() => server.publish("a", sent++), 2);
  t.after(() => clearInterval(publishing));
  await until(() => server.open.length === 1, "one stream");
  await until(() => live.told.payloads.length > 30, "messages");
  clearInterval(publishing);
  for (const { told } of [live, ...others]) {
    await until(() => told.payloads.at(-1) === sent - 1, "the last message");
  }
  const firsts = [5, 3, 0, 4];
  assert.deepEqual(
    [live, ...others].map(({ told }) => told.payloads),
    firsts.map((first) => range(first, sent)),
  );
});

aside("if nothing comes, pings are enough for that", async (t) => {
  const server = await startHistory(t);
  server.publish("a", 1);
  await beginReady(t, server, ["a"], { share: true, worker });
  const { told } = await beginReady(t, server, ["a"], { share: true, worker, last: 1 });
  await until(() => told.payloads.length === 1, "what is held");
  assert.equal(server.open.length, 2);
  const pinging = setInterval(() => server.ping(), 100);
  t.after(() => clearInterval(pinging));
  await until(() => server.open.length === 1, "one stream");
  server.publish("a", 2);
  await until(() => told.payloads.length === 2, "a message");
  assert.deepEqual(told.payloads, [1, 2]);
});

aside("an exchange that vanishes costs the others nothing", async (t) => {
  const server = await startHistory(t);
  const [a, b, c] = ["a", "b", "c"].map((key) => begin(t, server, [key], { share: true, worker }));
  for (const { listening } of [a, b, c]) await soon(listening.ready, "ready");
  server.publish("a", 1);
  await until(() => a.told.payloads.length, "a message");
  const serve = server.process.serve.bind(server.process);
  server.process.serve = (caller) => {
    const isBad = caller.bindings.some(({ routingKeyPattern }) => routingKeyPattern === "b");
    if (isBad) caller.answer(404, { message: "b is gone" });
    else serve(caller);
  };
  (await server.next()).event("error", "b is gone", server.process.cursor()).response.end();
  server.publish("a", 2);
  server.publish("c", 3);
  await soon(b.listening.closed, "b's end");
  await until(() => a.told.payloads.length === 2 && c.told.payloads.length, "what was missed");
  server.publish("a", 4);
  server.publish("c", 5);
  await until(() => a.told.payloads.length === 3 && c.told.payloads.length === 2, "more");
  assert.deepEqual(
    [a.told.payloads, c.told.payloads],
    [
      [1, 2, 4],
      [3, 5],
    ],
  );
  assert.deepEqual([a.told.gaps, c.told.gaps], [[], []]);
});

aside("a silence means nothing while the shared stream is lost", async (t) => {
  const { server, stream } = await scene(t);
  const { told } = await beginReady(t, server, ["a"], { share: true, worker, last: 1 });
  await until(() => told.payloads.length === 1, "what is held");
  const own = await server.next();
  server.isHolding = true;
  stream.drop();
  const pinging = setInterval(() => server.ping(), 100);
  t.after(() => clearInterval(pinging));
  await server.next(); // the shared one is asked for again
  assert.ok(own.isOpen);
  server.publish("a", 1);
  server.answerAll();
  await until(() => server.open.length === 1, "one stream");
  server.publish("a", 2);
  await until(() => told.payloads.length >= 3, "a message");
  assert.deepEqual(told.payloads, [0, 1, 2]);
});

aside("what a stream repeats for some is new for who joins it", async (t) => {
  const { server, live } = await scene(t);
  server.isHolding = true;
  const two = begin(t, server, ["a", "b"], { share: true, worker, last: 5 });
  await server.next();
  server.publish("b", 1);
  server.publish("a", 2); // the live one has this from its old stream
  await until(() => live.told.payloads.includes(2), "a message");
  server.answerAll();
  await until(() => two.told.payloads.includes(1), "what is held");
  await until(() => server.open.length === 1, "one stream");
  server.publish("a", 3);
  await until(() => two.told.payloads.includes(3), "a message");
  assert.deepEqual([...live.told.payloads, ...two.told.payloads], [2, 3, 0, 1, 2, 3]);
});

aside("a shared stream that is behind the own one repeats nothing", async (t) => {
  const { server, live, stream } = await scene(t);
  const release = hold(stream);
  const { told } = await beginReady(t, server, ["a"], { share: true, worker, last: 1 });
  for (const n of [1, 2, 3]) server.publish("a", n);
  await until(() => told.payloads.length === 4, "the messages");
  release();
  server.publish("a", 4);
  await until(() => live.told.payloads.includes(4), "the last for both");
  assert.deepEqual([told.payloads, live.told.payloads], [range(0, 5), range(1, 5)]);
});

aside("pings of the own stream that are read together are no silence", async (t) => {
  const { server, live, stream } = await scene(t);
  const release = hold(stream);
  const { told } = await beginReady(t, server, ["a"], { share: true, worker, last: 1 });
  server.publish("a", 1);
  for (const _ of [1, 2]) server.ping();
  await until(() => told.payloads.includes(1), "a message");
  const own = await server.next();
  own.ping(new Date().toISOString(), server.process.cursor());
  await rest();
  assert.ok(own.isOpen);
  release();
  server.publish("a", 2);
  await until(() => live.told.payloads.includes(2) && told.payloads.includes(2), "the last");
  assert.deepEqual([told.payloads, live.told.payloads], [range(0, 3), [1, 2]]);
});

aside("who changes its bindings when it has just come gets nothing twice", async (t) => {
  const { server, live, stream } = await scene(t);
  const release = hold(stream);
  const { told, rebind } = await beginReady(t, server, ["a"], { share: true, worker, last: 1 });
  for (const n of [1, 2, 3]) server.publish("a", n);
  await until(() => told.payloads.length === 4, "the messages");
  release(1);
  await until(() => server.open.length === 1, "one stream");
  const done = rebind("a", "a");
  await rest(); // it asks the shared stream
  release();
  await soon(done, "the same bindings");
  server.publish("a", 4);
  await until(() => live.told.payloads.includes(4) && told.payloads.includes(4), "the last");
  assert.deepEqual([told.payloads, live.told.payloads], [range(0, 5), range(1, 5)]);
});

aside("who changes its bindings while a stream repeats gets nothing twice", async (t) => {
  const { server, live } = await scene(t);
  server.isHolding = true;
  begin(t, server, ["b"], { share: true, worker });
  const next = await server.next(); // of the union
  const release = hold(next);
  server.publish("a", 1);
  server.publish("a", 2);
  await until(() => live.told.payloads.length === 2, "the messages");
  server.answerAll();
  release(1); // its `ready`
  await until(() => server.open.length === 2, "the new stream alone, and one that catches up");
  for (const _ of [1, 2, 3]) {
    await soon(live.rebind("a"), "the same bindings");
    live.rebind("a", "b").catch(() => {});
  }
  release();
  server.publish("a", 3);
  await until(() => live.told.payloads.includes(3), "the last");
  assert.deepEqual(live.told.payloads, range(1, 4));
  assert.deepEqual(live.told.gaps, []);
});

aside("a stream that is for nobody any more does not stand in the way", async (t) => {
  const { server, live, stream } = await scene(t);
  live.listening.close();
  const { told } = await beginReady(t, server, ["b", "a"], { share: true, worker, last: 1 });
  await until(() => told.payloads.length === 1, "what is held");
  await soon(stream.closed, "the end of the stream before");
  assert.equal(server.callers.length, 2);
});

aside("who comes hears by a ping that it has had all there was", async (t) => {
  const { server } = await scene(t);
  const pings = [];
  const onPing = (ping) => pings.push(ping);
  const { told } = await beginReady(t, server, ["a"], { share: true, worker, last: 1, onPing });
  await until(() => pings.length, "a ping");
  assert.deepEqual(told.payloads, [0]);
  assert.ok(Date.now() - Date.parse(pings[0].time) < 10_000);
});

aside("who comes hears that too if the shared stream has brought what follows", async (t) => {
  const { server, live } = await scene(t);
  const pings = [];
  const onPing = (ping) => pings.push(ping);
  server.isHolding = true;
  const { told } = begin(t, server, ["a"], { share: true, worker, last: 5, onPing });
  await server.next();
  server.publish("a", 1);
  await until(() => live.told.payloads.includes(1), "what waits for the own stream");
  server.answerAll();
  await until(() => pings.length, "a ping");
  await until(() => server.open.length === 1, "one stream");
  server.publish("a", 2);
  await until(() => told.payloads.includes(2), "a message");
  assert.deepEqual(told.payloads, [0, 1, 2]);
});

aside("an own stream that ends behind what it had to bring is not opened again", async (t) => {
  const { server, live } = await scene(t);
  server.isHolding = true;
  const { told } = begin(t, server, ["a"], { share: true, worker, last: 5 });
  const own = await server.next();
  own.ping = () => own.response.end(); // all but its ping
  server.publish("a", 1);
  await until(() => live.told.payloads.includes(1), "what waits for the own stream");
  server.answerAll();
  await until(() => server.open.length === 1, "one stream");
  server.publish("a", 2);
  await until(() => told.payloads.includes(2), "a message");
  await rest();
  assert.deepEqual([told.payloads, told.errors, server.callers.length], [[0, 1, 2], [], 2]);
});

describe("to a shared stream", { concurrency: true }, () => {
  for (const [title, act] of cases) test(title, act);
});
