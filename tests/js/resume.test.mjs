import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { listen } from "../../src/pulse_events/web/static/pulse-events.js";
import {
  begin,
  beginReady,
  bindingsOf,
  OTHER_PROCESS,
  range,
  startHistory,
} from "./historyserver.mjs";
import { StreamServer, soon, until } from "./streamserver.mjs";

const queryOf = (caller, ...names) => names.map((name) => caller.url.searchParams.get(name));

const cases = [];
const aside = (title, act) => cases.push([title, act]);

/** The same for a stream of its own and for a shared one. */
function both(title, act) {
  for (const share of [false, true]) {
    aside(`${share ? "shared" : "alone"}: ${title}`, (t) => act(t, share));
  }
}

both("a stream that was lost goes on behind its last event, without a gap", async (t, share) => {
  const server = await startHistory(t);
  const { told, listening } = await beginReady(t, server, ["a"], { share });
  const first = await server.next();
  assert.deepEqual(queryOf(first, "resume", "lastEventId"), ["true", null]);
  server.publish("a", 1);
  server.publish("other", "x");
  server.ping(); // a place behind the last message
  await until(() => listening.cursor === server.process.cursor(), "the place of the ping");
  const { cursor } = listening;
  first.drop();
  server.publish("a", 2);
  const second = await server.next();
  assert.deepEqual(queryOf(second, "resume", "lastEventId"), ["true", cursor]);
  assert.equal(second.request.headers["last-event-id"], undefined);
  await until(() => told.payloads.length === 2, "what was missed");
  server.publish("a", 3);
  await until(() => told.payloads.length === 3, "what followed");
  assert.deepEqual(told.payloads, [1, 2, 3]);
  assert.deepEqual(told.readies, [
    { first: true, resumed: false },
    { first: false, resumed: true },
  ]);
  assert.deepEqual(told.gaps, []);
});

both(
  "what another process of the server does not have is a gap, in its words",
  async (t, share) => {
    const server = await startHistory(t);
    const { told } = await beginReady(t, server, ["a"], { share });
    server.publish("a", 1);
    await until(() => told.payloads.length === 1, "a message");
    server.replaceProcess();
    server.dropAll();
    await until(() => told.readies.length === 2, "ready again");
    server.publish("a", 2);
    await until(() => told.payloads.length === 2, "a message of the new one");
    assert.deepEqual([told.payloads, told.gaps], [[1, 2], [OTHER_PROCESS]]);
    assert.deepEqual(told.readies[1], { first: false, resumed: false });
    server.dropAll(); // now it has a cursor of the new one
    await until(() => told.readies.length === 3, "ready once more");
    assert.deepEqual([told.readies[2].resumed, told.gaps.length], [true, 1]);
  },
);

aside("a gap that was not read is asked for again", async (t) => {
  const server = await StreamServer.start(t);
  const { told } = begin(t, server, ["a"], { resume: true });
  const first = (await server.next()).ready("1mOLD");
  await until(() => told.readies.length === 1, "ready");
  first.drop();
  const second = await server.next();
  assert.deepEqual(queryOf(second, "lastEventId"), ["1mOLD"]);
  second.ready("1mNEW");
  await until(() => told.readies.length === 2, "ready again");
  second.drop(); // before the gap came
  const third = await server.next();
  assert.deepEqual(queryOf(third, "lastEventId"), ["1mOLD"]);
  const gap = { reason: "it is gone", from: null, to: "b" };
  third.ready("1mNEWER").event("gap", gap, "1mNEWER");
  await until(() => told.gaps.length, "the gap");
  third.drop();
  assert.deepEqual(queryOf(await server.next(), "lastEventId"), ["1mNEWER"]);
  assert.deepEqual(told.gaps, ["it is gone"]);
});

aside("an error event's cursor counts", async (t) => {
  const server = await StreamServer.start(t);
  begin(t, server, ["a"], { resume: true });
  const first = (await server.next()).ready("1m1");
  first.event("error", "the server is stopping", "1m5").response.end();
  assert.deepEqual(queryOf(await server.next(), "lastEventId"), ["1m5"]);
});

both("without a history everything is as it was", async (t, share) => {
  const server = await startHistory(t);
  server.config = { ...server.config, history: "off" };
  const { told, listening } = await beginReady(t, server, ["a"], { share });
  const first = await server.next();
  assert.deepEqual(queryOf(first, "resume"), [null]);
  first.drop();
  assert.deepEqual(queryOf(await server.next(), "resume", "lastEventId"), [null, null]);
  await until(() => told.readies.length === 2, "ready again");
  assert.deepEqual(told.gaps, ["the connection was lost"]);
  assert.deepEqual(told.readies[1], { first: false, resumed: false });
  assert.equal(listening.cursor, null);
});

aside("resume: false asks for none, resume: true does not ask first", async (t) => {
  const server = await startHistory(t);
  await beginReady(t, server, ["a"], { resume: false });
  assert.deepEqual(queryOf(await server.next(), "resume"), [null]);
  server.config = {};
  await beginReady(t, server, ["a"], { resume: true });
  assert.deepEqual(queryOf(await server.next(), "resume"), ["true"]);
});

aside("a server that does not say what it is set to is not waited for", async (t) => {
  const server = await startHistory(t);
  const slow = (input, init) => (/config/.test(input) ? new Promise(() => {}) : fetch(input, init));
  await beginReady(t, server, ["a"], { fetch: slow });
  assert.deepEqual(queryOf(await server.next(), "resume"), [null]);
});

aside("a server that keeps no history any more is listened to without", async (t) => {
  const server = await startHistory(t);
  const { told } = await beginReady(t, server, ["a"]);
  const first = await server.next();
  server.config = { ...server.config, history: "off" };
  server.isHolding = true;
  first.drop();
  const second = await server.next();
  assert.deepEqual(queryOf(second, "resume"), ["true"]);
  second.answer(400, { code: "InputError", message: "this server keeps no history" });
  const third = await server.next();
  assert.deepEqual(queryOf(third, "resume", "lastEventId"), [null, null]);
  server.answerAll();
  await until(() => told.readies.length === 2, "ready again");
  assert.ok(told.errors.every(({ permanent }) => !permanent));
  assert.equal(told.gaps.length, 1);
});

both("it begins where it is wanted", async (t, share) => {
  const server = await startHistory(t);
  const cursors = range(0, 5).map((n) => {
    server.publish("a", n);
    return server.process.cursor();
  });
  const since = new Date("2026-01-02T03:04:05Z");
  const starts = [{ last: 2 }, { since }, { since: "10m" }, { cursor: cursors[2] }];
  for (const [start, query, payloads] of [
    [starts[0], ["2", null, null], [3, 4]],
    [starts[1], [null, "2026-01-02T03:04:05.000Z", null], [0, 1, 2, 3, 4]],
    [starts[2], [null, "10m", null], [0, 1, 2, 3, 4]],
    [starts[3], [null, null, cursors[2]], [3, 4]],
  ]) {
    const { told, listening } = await beginReady(t, server, ["a"], { share, ...start });
    assert.deepEqual(queryOf(await server.next(), "last", "since", "lastEventId"), query);
    await until(() => told.payloads.length >= payloads.length, "what is held");
    assert.deepEqual(told.payloads, payloads);
    assert.equal(listening.cursor, cursors[4]);
    assert.equal(told.readies[0].resumed, "cursor" in start);
    listening.close();
    await until(() => !server.open.length, "its end");
  }
});

aside("what contradicts is refused at once", async (t) => {
  const server = await StreamServer.start(t);
  for (const options of [
    { since: "1m", last: 1 },
    { resume: false, since: "1m" },
  ]) {
    assert.throws(() => listen(bindingsOf(["a"]), { url: server.url, ...options }), TypeError);
  }
});

aside("a stream that begins in the past goes on there if it is lost at once", async (t) => {
  const server = await StreamServer.start(t);
  const { told } = begin(t, server, ["a"], { since: "10m" });
  const first = (await server.next()).ready("1m0"); // where it begins
  await until(() => told.readies.length === 1, "ready");
  first.drop();
  const second = await server.next();
  assert.deepEqual(queryOf(second, "since", "lastEventId"), [null, "1m0"]);
  second.ready("1m0").event("message", '{"payload":1}', "1m3");
  await until(() => told.payloads.length === 1, "a message");
  second.drop();
  assert.deepEqual(queryOf(await server.next(), "since", "lastEventId"), [null, "1m3"]);
  assert.deepEqual([told.payloads, told.gaps], [[1], []]);
});

both("the cursor of each message comes with it", async (t, share) => {
  const server = await startHistory(t);
  const { told, listening } = await beginReady(t, server, ["a"], { share });
  const seen = [];
  const loop = (async () => {
    for await (const { payload } of listening) {
      await new Promise((resolve) => setTimeout(resolve, 5)); // slower than the stream
      seen.push([payload, listening.cursor]);
      if (payload === 3) break;
    }
  })();
  for (const n of [1, 2, 3]) server.publish("a", n);
  await soon(loop, "the loop's end");
  const cursors = [1, 2, 3].map((n) => server.process.cursor(n));
  assert.deepEqual(told.cursors, cursors);
  assert.deepEqual(
    seen,
    [1, 2, 3].map((n, i) => [n, cursors[i]]),
  );
});

both("under load nothing is lost or repeated, whatever is cut and changed", async (t, share) => {
  const server = await startHistory(t);
  const { told, rebind } = await beginReady(t, server, ["n.#"], { share });
  let sent = 0;
  const publishing = setInterval(() => {
    server.publish("n.x", sent++);
    server.publish("m.x", "m");
    if (sent % 150 === 0) server.open.at(-1)?.drop();
  }, 2);
  t.after(() => clearInterval(publishing));
  for (const letters of [["m.#"], ["o.#"], ["m.#", "o.#"], []]) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    server.isHolding = true;
    const done = rebind("n.#", ...letters);
    done.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50)); // the old stream brings more meanwhile
    server.answerAll();
    await soon(done, "the new bindings");
  }
  clearInterval(publishing);
  await until(() => told.payloads.includes(sent - 1), "the last message");
  assert.deepEqual(
    told.payloads.filter((payload) => payload !== "m"),
    range(0, sent),
  );
  assert.deepEqual(told.gaps, []);
  await until(() => server.open.length === 1, "one stream");
});

both(
  "the old stream ends as soon as the new one is ready, which goes on there",
  async (t, share) => {
    const server = await startHistory(t);
    const { told, rebind, listening } = await beginReady(t, server, ["a"], { share });
    server.publish("a", 1);
    await until(() => told.payloads.length === 1, "a message");
    const { cursor } = listening;
    server.isHolding = true;
    const done = rebind("a", "b");
    await server.next();
    const second = await server.next();
    assert.deepEqual(queryOf(second, "lastEventId"), [cursor]);
    server.publish("a", 2);
    await until(() => told.payloads.length === 2, "a message of the old stream");
    server.answerAll();
    await soon(done, "the new bindings");
    server.publish("b", 3);
    await until(() => told.payloads.length === 3, "a message of the new stream");
    assert.deepEqual([told.payloads, told.gaps], [[1, 2, 3], []]);
    assert.equal(told.readies.length, 1);
    await until(() => server.open.length === 1, "one stream");
    assert.equal(server.callers.length, 2);
  },
);

both("a stream that is lost while another is waited for loses nothing", async (t, share) => {
  const server = await startHistory(t);
  const { told, rebind } = await beginReady(t, server, ["a"], { share });
  server.publish("a", 1);
  await until(() => told.payloads.length === 1, "a message");
  server.process.inForce.add("b");
  server.isHolding = true;
  const first = await server.next();
  const done = rebind("a", "b");
  await server.next();
  first.drop();
  server.publish("a", 2);
  await until(() => told.errors.length, "the loss");
  server.answerAll();
  await soon(done, "the new bindings");
  await until(() => told.payloads.length === 2, "what was missed");
  server.publish("a", 3);
  await until(() => told.payloads.length === 3, "what followed");
  assert.deepEqual([told.payloads, told.gaps], [[1, 2, 3], []]);
});

both("bindings that are changed while the stream is lost lose nothing", async (t, share) => {
  const server = await startHistory(t);
  const { told, rebind } = await beginReady(t, server, ["a"], { share });
  for (const key of ["a", "b"]) server.process.inForce.add(key);
  server.publish("a", 1);
  await until(() => told.payloads.length === 1, "a message");
  server.isHolding = true;
  (await server.next()).drop();
  await until(() => told.errors.length, "the loss");
  const done = rebind("b", "a");
  await server.next();
  server.publish("a", 2);
  server.answerAll();
  await soon(done, "the new bindings");
  server.publish("a", 3);
  await until(() => told.payloads.length === 3, "what was missed, and what followed");
  assert.deepEqual([told.payloads, told.gaps], [[1, 2, 3], []]);
});

both("what only new bindings match does not set the place back", async (t, share) => {
  const server = await startHistory(t);
  for (const key of ["a", "b"]) server.process.inForce.add(key);
  const { told, rebind, listening } = await beginReady(t, server, ["a"], { share });
  server.publish("a", 1);
  await until(() => told.payloads.length === 1, "a message");
  server.isHolding = true;
  const done = rebind("a", "b");
  await server.next();
  await server.next();
  server.publish("b", 2);
  server.publish("a", 3); // by the old stream
  await until(() => told.payloads.length === 2, "a message of the old bindings");
  server.answerAll();
  await soon(done, "the new bindings");
  await until(() => told.payloads.length === 3, "the older one of the new bindings");
  assert.deepEqual(told.payloads, [1, 3, 2]);
  assert.deepEqual(told.cursors.slice(1), [server.process.cursor(3), server.process.cursor(3)]);
  assert.equal(listening.cursor, server.process.cursor(3));
  server.publish("b", 4);
  await until(() => told.payloads.length === 4, "a newer one");
  assert.equal(listening.cursor, server.process.cursor(4));
});

both("to another process of the server texts are compared", async (t, share) => {
  const server = await startHistory(t);
  const { told, rebind } = await beginReady(t, server, ["n.#"], { share });
  let sent = 0;
  const publishing = setInterval(() => server.publish("n.x", sent++), 2);
  t.after(() => clearInterval(publishing));
  await until(() => told.payloads.length > 20, "messages");
  server.replaceProcess();
  await soon(rebind("n.#", "m.#"), "the new bindings");
  await until(() => server.open.length === 1, "one stream");
  clearInterval(publishing);
  await until(() => told.payloads.includes(sent - 1), "the last message");
  assert.deepEqual([told.payloads, told.gaps], [range(0, sent), []]);
});

describe("with a history", { concurrency: true }, () => {
  for (const [title, act] of cases) test(title, act);
});
