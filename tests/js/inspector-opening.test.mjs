import assert from "node:assert/strict";
import { test } from "node:test";
import { Later } from "../../src/pulse_events/web/static/inspector/later.js";
import { Live } from "../../src/pulse_events/web/static/inspector/live.js";
import { firstBindings, Opening } from "../../src/pulse_events/web/static/inspector/opening.js";
import { StreamServer, until } from "./streamserver.mjs";

const HASH = "#b=e=a";
const BOUND = [{ exchange: "e", routingKeyPattern: "a" }];
const REAL = { isDemo: false, keepsHistory: false };

/** A page whose stream was begun before it was there. */
async function begin(t, { hash = HASH, server = REAL } = {}) {
  const streams = await StreamServer.start(t);
  const source = { url: streams.url, config: { pingInterval: 20 } };
  const opening = new Opening();
  opening.begin(source, hash, server);
  const told = [];
  const live = new Live(source, opening, {
    onMessage: ({ routingKey }) => told.push(`message ${routingKey}`),
    onGap: () => {},
    onPing: () => {},
    onStatus: ({ broker }) => told.push(`broker ${broker}`),
    onState: ({ phase }) => told.push(phase),
    onReady: () => told.push("ready"),
    onTaken: () => told.push("taken"),
    onRefused: ({ message }) => told.push(`refused: ${message}`),
  });
  t.after(() => live.stop());
  return { streams, opening, live, told };
}

test("what came before the page was there comes in its order, and then the rest", async (t) => {
  const { streams, opening, live, told } = await begin(t);
  const caller = await streams.next();
  caller.event("status", { broker: "ok" }).ready().message("e", "a").message("e", "b");
  await until(() => opening.length === 6, "two states and these four");
  assert.deepEqual(told, []);
  live.listenTo(BOUND);
  const before = ["broker ok", "taken", "ready", "message a", "message b"];
  assert.deepEqual(
    told.filter((each) => !["connecting", "open"].includes(each)),
    before,
  );
  assert.deepEqual(live.bindings, BOUND);
  caller.message("e", "c");
  await until(() => told.at(-1) === "message c", "what comes then");
  assert.equal(streams.callers.length, 1);
});

test("a refusal waits, too", async (t) => {
  const { streams, opening, live, told } = await begin(t);
  (await streams.next()).answer(404, { message: "no e" });
  await until(() => opening.length === 3, "two states and the error");
  live.listenTo(BOUND);
  assert.equal(told.at(-1), "refused: no e");
  assert.ok(!live.isRunning);
});

for (const [what, bindings, place] of [
  ["bindings", [{ exchange: "other", routingKeyPattern: "#" }], {}],
  ["a place", BOUND, { last: 5 }],
]) {
  test(`a page that listens to other ${what} begins anew, and ends what was begun`, async (t) => {
    const { streams, opening, live, told } = await begin(t);
    const first = (await streams.next()).ready().message("e", "a");
    await until(() => opening.length === 4, "two states and these two");
    live.listenTo(bindings, place);
    (await streams.next()).ready("1").message("other", "x");
    await until(() => told.at(-1) === "message x", "the message of the new one");
    await until(() => !first.isOpen, "the first has ended");
    assert.ok(!told.includes("message a"));
  });
}

test("nothing is begun where the page would listen to nothing", async (t) => {
  for (const hash of ["", "#run=0&b=e=a", "#f=x"]) {
    const { opening, live } = await begin(t, { hash });
    await new Promise(setImmediate);
    assert.equal(opening.length, 0); // not even that it connects
    assert.ok(!live.isRunning);
  }
});

test("the demo has something to listen to, unless the URL says what", () => {
  assert.equal(firstBindings("", true).length, 4);
  assert.deepEqual(firstBindings("", false), []);
  assert.deepEqual(firstBindings(HASH, true), BOUND);
});

test("it begins where the URL says, if there is a history", async (t) => {
  for (const [hash, keepsHistory, last, since] of [
    [HASH, false, null, null],
    [HASH, true, "100", null],
    [`${HASH}&t=7`, true, "7", null],
    [`${HASH}&t=10m`, true, null, "10m"],
    [`${HASH}&t=now`, true, null, null],
  ]) {
    const server = { isDemo: false, keepsHistory };
    const { streams, opening } = await begin(t, { hash, server });
    const { searchParams } = (await streams.next()).url;
    assert.deepEqual([searchParams.get("last"), searchParams.get("since")], [last, since]);
    opening.end();
  }
});

test("more than the page could show is not kept: it begins anew", async (t) => {
  const { streams, live, told } = await begin(t);
  const first = (await streams.next()).ready();
  for (let i = 0; i < 10_100; i++) first.message("e", "a");
  await until(() => !first.isOpen, "it has been given up");
  live.listenTo(BOUND);
  (await streams.next()).ready().message("e", "b");
  await until(() => told.at(-1) === "message b", "a new one");
  assert.ok(!told.includes("message a"));
});

test("what is asked of something that is loaded waits for it, in order", async () => {
  const { promise, resolve } = deferred();
  const done = [];
  const later = new Later(
    () => promise,
    () => assert.fail(),
  );
  later.do((it) => done.push(`${it} 1`));
  later.do((it) => done.push(`${it} 2`));
  await new Promise(setImmediate);
  assert.deepEqual([done, later.now], [[], null]);
  resolve("it");
  await until(() => later.now === "it", "it is there");
  later.do((it) => done.push(`${it} 3`));
  assert.deepEqual(done, ["it 1", "it 2", "it 3"]);
});

test("that it cannot be loaded is told once", async () => {
  let loads = 0;
  const failures = [];
  const load = async () => {
    loads += 1;
    throw new Error("no");
  };
  const later = new Later(load, () => failures.push("failed"));
  later.do(() => assert.fail());
  await later.load();
  later.do(() => assert.fail());
  await new Promise(setImmediate);
  assert.deepEqual([loads, failures], [1, ["failed"]]);
});

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => {
    made.resolve = resolve;
  });
  return made;
}
