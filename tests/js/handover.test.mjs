import assert from "node:assert/strict";
import { test } from "node:test";
import { Handover } from "../../src/pulse_events/web/static/client/handover.js";
import { Routes, SoleRoute, unionOf } from "../../src/pulse_events/web/static/client/routes.js";
import { messageText, soon, until } from "./streamserver.mjs";

const bindingsOf = (patterns) =>
  patterns.map((routingKeyPattern) => ({ exchange: "e", routingKeyPattern }));
const member = (...patterns) => ({ bindings: bindingsOf(patterns) });
const HOLD_MS = 50;
/** The old stream is listened to for 300 ms more. */
const COMPARED_MS = 300;

/** What the hand-over from `old` to `next` gives to each listener, and a voice for either. */
function scene(t, old, next, { before = [], holdMs = 0 } = {}) {
  const heard = { lost: [], led: 0, over: 0, got: new Map() };
  const gotOf = (one) => heard.got.get(one) ?? heard.got.set(one, []).get(one);
  const handover = new Handover(old, next, holdMs, {
    give: ({ message }, to) => [...to].forEach((one) => gotOf(one).push(message.payload)),
    lost: (reason) => heard.lost.push(reason),
    led: () => (heard.led += 1),
    over: () => (heard.over += 1),
  });
  t.after(() => handover.stop());
  const voice =
    (side) =>
    (payload, key = "a.1") => {
      const text = messageText("e", key, payload);
      handover.hear(side, { text, message: JSON.parse(text) });
    };
  const [onOld, onNext] = [voice(old), voice(next)];
  for (const payload of before) onOld(payload);
  const isOver = () =>
    soon(
      until(() => heard.over, "the end"),
      "the end",
    );
  return { handover, heard, gotOf, onOld, onNext, isOver };
}

/** Listeners that stay, and some that the next stream carries too. */
function shared(t, { before, members = [member("a.#")], added = [member("b.#")] } = {}) {
  const routes = (carried) => new Routes(unionOf(carried), carried);
  const [old, next] = [routes(members), routes([...members, ...added])];
  const made = scene(t, old, next, { before });
  made.handover.begin(true);
  const [first, fresh] = [members[0], added[0]];
  return { ...made, got: () => made.gotOf(first), gotFresh: () => made.gotOf(fresh) };
}

/** One listener that changes its bindings. */
function sole(t, from, to, { before, begins = true } = {}) {
  const [old, next] = [from, to].map((patterns) => new SoleRoute(bindingsOf(patterns)));
  const made = scene(t, old, next, { before, holdMs: HOLD_MS });
  if (begins) made.handover.begin(true);
  return { ...made, got: () => made.gotOf(true) };
}

test("what both bring is delivered once, whichever is ahead", async (t) => {
  const { onOld, onNext, got, heard, isOver } = shared(t, { before: [1, 2] });
  onOld(3);
  onNext(4);
  onNext(5); // the next stream is ahead: held
  onOld(4); // the old one has passed its beginning: the next one leads
  onNext(6);
  onOld(5);
  await isOver();
  assert.deepEqual(got(), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual([heard.lost, heard.led, heard.over], [[], 1, 1]);
});

test("what the old one brought before the new one's first message is not repeated", async (t) => {
  const { onOld, onNext, got, isOver } = shared(t, { before: [1, 2, 3] });
  onOld(4);
  onNext(3); // the next one began before 3
  onNext(4);
  onNext(5);
  await isOver();
  assert.deepEqual(got(), [1, 2, 3, 4, 5]);
});

test("a quiet old stream is replaced, and an equal message later is not taken for a repetition", async (t) => {
  const { onNext, got, isOver } = shared(t, { before: [1] });
  await isOver();
  onNext(1);
  assert.deepEqual(got(), [1, 1]);
});

test("a new listener gets its messages at once", (t) => {
  const { onNext, gotFresh } = shared(t);
  onNext(1, "b.1");
  assert.deepEqual(gotFresh(), [1]);
});

test("a message for an old and a new listener reaches each once", async (t) => {
  const { onOld, onNext, got, gotFresh, isOver } = shared(t, { added: [member("#")] });
  for (const payload of [1, 2]) onNext(payload);
  onOld(1);
  onNext(3);
  await isOver();
  assert.deepEqual(
    [got(), gotFresh()],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  );
});

test("the old stream's end before it has passed the new one's beginning is a gap", (t) => {
  const { handover, onNext, got, heard } = shared(t);
  onNext(2);
  handover.breakOff("lost");
  assert.deepEqual([got(), heard.lost], [[2], ["lost"]]);
});

test("what only the old stream's departed listeners wanted does not hold it up", async (t) => {
  const old = new Routes(unionOf([]), [member("#")]);
  const { handover, onOld, heard, isOver } = scene(t, old, new Routes(unionOf([]), []));
  handover.begin(true);
  const busy = setInterval(() => onOld("x", "other.key"), 20);
  t.after(() => clearInterval(busy));
  await isOver();
  assert.deepEqual(heard.lost, []);
});

test("of equal messages each is given, whichever stream is ahead", async (t) => {
  const ahead = shared(t, { before: ["x"] });
  ahead.onNext("x"); // the second, which the old one has not brought yet
  ahead.onOld("x");
  const behind = shared(t);
  behind.onNext("x"); // the second; the old one lags behind with the first
  behind.onOld("x");
  behind.onOld("x");
  await Promise.all([ahead.isOver(), behind.isOver()]);
  assert.deepEqual(
    [ahead.got(), behind.got()],
    [
      ["x", "x"],
      ["x", "x"],
    ],
  );
});

test("what was given before the next one's beginning is not taken for what comes then", async (t) => {
  const { onOld, onNext, got } = shared(t, { before: ["x"] });
  onNext("y");
  onOld("y"); // the next one leads
  onNext("x");
  assert.deepEqual(got(), ["x", "y", "x"]);
});

test("nor is what was given long ago", (t) => {
  const { onOld, onNext, got } = shared(t, { before: ["x"] });
  const [now, later] = [Date.now, Date.now() + 60_000];
  Date.now = () => later;
  try {
    onOld("y");
    onNext("x");
    onOld("x");
  } finally {
    Date.now = now; // at once: other files' tests run in the same process
  }
  assert.deepEqual(got(), ["x", "y", "x"]);
});

test("a message that the next stream leaves out is given late, one that it brings late is not", async (t) => {
  const { onOld, onNext, got, isOver } = shared(t);
  onOld(1);
  onNext(1);
  onOld("left out");
  onOld(2);
  onOld(3);
  await new Promise((resolve) => setTimeout(resolve, COMPARED_MS + 100));
  assert.deepEqual(got(), [1]); // it is waited for
  onNext(2);
  onNext(3);
  await isOver();
  assert.deepEqual(got(), [1, 2, 3, "left out"]);
});

test("what the old bindings bring waits for what the new ones alone match before it", async (t) => {
  const { onOld, onNext, got, isOver } = sole(t, ["a.#"], ["#"]);
  onOld(1); // older than the next one's beginning
  onOld(3);
  onNext(2, "b.1");
  onNext(3);
  onNext(4, "b.1");
  assert.deepEqual(got(), [1, 2, 3, 4]);
  onOld(5);
  onNext(5);
  await isOver();
  assert.deepEqual(got(), [1, 2, 3, 4, 5]);
});

test("it waits from before the next stream is ready, and not for long", async (t) => {
  const { handover, onOld, onNext, got } = sole(t, ["a.#"], ["#"], { begins: false });
  onOld(1);
  await until(() => got().length === 1, "the message");
  onOld(3); // read before the next one's `ready`, which was written before it
  handover.begin(true);
  onNext(2, "b.1");
  onNext(3);
  assert.deepEqual(got(), [1, 2, 3]);
});

test("what only the old bindings match comes until the next stream leads", async (t) => {
  const { onOld, onNext, got, isOver } = sole(t, ["a.#", "c.#"], ["a.#", "b.#"]);
  onOld(1, "c.1");
  onNext(2, "b.1");
  onOld(3);
  onNext(3);
  onOld(4, "c.1");
  await isOver();
  assert.deepEqual(got(), [1, 2, 3]);
});

test("bindings that have nothing in common follow when the old ones are quiet", async (t) => {
  const { onOld, onNext, got, isOver } = sole(t, ["a.#"], ["b.#"]);
  onNext("b", "b.1");
  onOld("a");
  await isOver();
  assert.deepEqual(got(), ["a", "b"]);
});

test("what is held is given if the next stream is given up", (t) => {
  const { handover, onOld, got } = sole(t, ["a.#"], ["#"], { begins: false });
  onOld(1);
  handover.cancel();
  assert.deepEqual(got(), [1]);
});

test("a message that no pattern explains is given once all the same", async (t) => {
  // Such as from an exchange that is bound to the one which was asked for.
  const { onOld, onNext, got, isOver } = sole(t, ["a.#"], ["b.#"]);
  onOld(1, "other");
  onNext(1, "other");
  await isOver();
  assert.deepEqual(got(), [1]);
});

test("an old stream that was lost before holds nothing up", (t) => {
  const { handover, got, heard } = sole(t, ["a.#"], ["#"], { before: [1], begins: false });
  handover.begin(false);
  assert.equal(heard.over, 1);
  assert.deepEqual(got(), [1]);
});
