import assert from "node:assert/strict";
import { test } from "node:test";
import { Live } from "../../src/pulse_events/web/static/inspector/live.js";
import { NOT_IN_FORCE, startHistory } from "./historyserver.mjs";
import { StreamServer, soon, until } from "./streamserver.mjs";

const bindingsOf = (...patterns) =>
  patterns.map((routingKeyPattern) => ({ exchange: "e", routingKeyPattern }));

/** What the page listens to, and what it was told, in order. */
function scene(t, server) {
  const told = [];
  const cursors = [];
  const live = new Live({ url: server.url }, null, {
    onMessage: ({ routingKey }, _text, cursor) => {
      told.push(`message ${routingKey}`);
      cursors.push(cursor);
    },
    onGap: ({ reason }) => told.push(`gap: ${reason}`),
    onPing: () => {},
    onState: ({ phase }) => phase === "waiting" && told.push("waiting"),
    onReady: (isPast) => told.push(isPast ? "ready, past" : "ready"),
    onTaken: (bindings) =>
      told.push(`taken ${bindings.map(({ routingKeyPattern }) => routingKeyPattern).join()}`),
    onRefused: ({ message }) => told.push(`refused: ${message}`),
  });
  t.after(() => live.stop());
  const isTold = (what) => until(() => told.includes(what), what);
  return { live, told, cursors, isTold };
}

test("bindings are taken when they are in force, those that replace them too", async (t) => {
  const server = await StreamServer.start(t);
  const { live, told, isTold } = scene(t, server);
  live.listenTo(bindingsOf("a"));
  assert.ok(live.isRunning);
  (await server.next()).ready().message("e", "a");
  await isTold("message a");
  live.listenTo(bindingsOf("a", "b"));
  assert.deepEqual(live.bindings, bindingsOf("a"));
  (await server.next()).ready().message("e", "b");
  await isTold("taken a,b");
  assert.deepEqual(live.bindings, bindingsOf("a", "b"));
  assert.deepEqual(told, ["taken a", "ready", "message a", "message b", "taken a,b", "ready"]);
});

test("refused ones are not taken, and what runs goes on", async (t) => {
  const server = await StreamServer.start(t);
  const { live, told, isTold } = scene(t, server);
  live.listenTo(bindingsOf("a"));
  const first = (await server.next()).ready();
  await isTold("ready");
  live.listenTo(bindingsOf("bad"));
  (await server.next()).answer(404, { message: "no bad" });
  await isTold("refused: no bad");
  first.message("e", "a");
  await isTold("message a");
  assert.deepEqual([live.isRunning, live.bindings], [true, bindingsOf("a")]);
  assert.deepEqual(told, ["taken a", "ready", "refused: no bad", "message a"]);
});

test("if the first ones are refused nothing runs, and others may be listened to", async (t) => {
  const server = await StreamServer.start(t);
  const { live, told, isTold } = scene(t, server);
  live.listenTo(bindingsOf("bad"));
  (await server.next()).answer(400, { message: "bindings[0]: no" });
  await isTold("refused: bindings[0]: no");
  assert.deepEqual([live.isRunning, live.bindings], [false, []]);
  live.listenTo(bindingsOf("a"));
  (await server.next()).ready();
  await isTold("ready");
  assert.deepEqual(told, ["refused: bindings[0]: no", "taken a", "ready"]);
});

test("bindings are taken while the server is away, which may refuse them yet", async (t) => {
  const server = await StreamServer.start(t);
  const { live, told, isTold } = scene(t, server);
  live.listenTo(bindingsOf("a"));
  (await server.next()).ready();
  await isTold("ready");
  live.listenTo(bindingsOf("bad"));
  (await server.next()).answer(503, { message: "full" }, { "Retry-After": "0" });
  await isTold("taken bad");
  (await server.next()).answer(404, { message: "no bad" });
  await isTold("refused: no bad");
  assert.deepEqual(live.bindings, bindingsOf("a"));
  assert.deepEqual(told, ["taken a", "ready", "waiting", "taken bad", "refused: no bad"]);
});

test("of two changes the last is told of, and a stop is the end of both", async (t) => {
  const server = await StreamServer.start(t);
  const { live, told, isTold } = scene(t, server);
  live.listenTo(bindingsOf("a"));
  const first = (await server.next()).ready();
  await isTold("ready");
  live.listenTo(bindingsOf("b"));
  live.listenTo(bindingsOf("c"));
  (await server.next()).ready();
  await isTold("taken c");
  live.listenTo(bindingsOf("d"));
  live.stop();
  await soon(first.closed, "the stream's end");
  await until(() => server.open.length === 0, "no stream");
  assert.deepEqual([live.isRunning, live.bindings], [false, []]);
  assert.deepEqual(told, ["taken a", "ready", "taken c", "ready"]);
});

test("it begins in the past, and after a stop it goes on where it was", async (t) => {
  const server = await startHistory(t);
  const { live, told, cursors, isTold } = scene(t, server);
  for (const key of ["1", "2", "3"]) server.publish(key);
  live.listenTo(bindingsOf("#"), { last: 2 });
  await isTold("message 3");
  live.stop();
  await until(() => server.open.length === 0, "no stream");
  assert.ok(live.goesOn);
  server.publish("4");
  live.listenTo(bindingsOf("#"), { last: 2 });
  await isTold("message 4");
  assert.deepEqual(told, [
    ...["taken #", "ready, past", "message 2", "message 3"],
    ...["taken #", "ready, past", "message 4"],
  ]);
  assert.equal(new Set(cursors).size, 3);
});

test("forgotten, it begins where it is told to", async (t) => {
  const server = await startHistory(t);
  const { live, told, isTold } = scene(t, server);
  server.publish("1");
  live.listenTo(bindingsOf("#"), { last: 2 });
  await isTold("message 1");
  live.forget();
  assert.deepEqual([live.goesOn, live.isRunning], [false, false]);
  told.length = 0;
  live.listenTo(bindingsOf("#"), { since: "10m" });
  await isTold("message 1");
  live.forget();
  live.listenTo(bindingsOf("#"));
  await isTold("ready");
  const anew = ["taken #", "ready, past", "message 1", "taken #", "ready"];
  assert.deepEqual(told, anew);
});

test("a stream that is lost goes on, and there are only the gaps that the server tells", async (t) => {
  const server = await startHistory(t);
  const { live, told, isTold } = scene(t, server);
  live.listenTo(bindingsOf("a"), { last: 5 });
  await isTold("ready, past");
  server.dropAll();
  server.publish("a");
  await isTold("message a");
  live.stop();
  live.listenTo(bindingsOf("a", "b"));
  await isTold("taken a,b");
  await until(() => told.some((each) => each.startsWith("gap")), "a gap");
  assert.deepEqual(told.slice(2), [
    ...["waiting", "ready, past", "message a"],
    ...["taken a,b", "ready, past", `gap: ${NOT_IN_FORCE}`],
  ]);
});
