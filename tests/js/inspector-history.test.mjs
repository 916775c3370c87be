import assert from "node:assert/strict";
import { test } from "node:test";
import { Backlog } from "../../src/pulse_events/web/static/inspector/backlog.js";
import { Once } from "../../src/pulse_events/web/static/inspector/once.js";

/** A backlog whose clock is the test's, and how often it ended. */
function scene(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const ended = { times: 0 };
  const backlog = new Backlog(() => (ended.times += 1));
  return { backlog, ended, pass: (ms) => t.mock.timers.tick(ms) };
}

test("without a past everything is live", (t) => {
  const { backlog, ended, pass } = scene(t);
  assert.deepEqual([backlog.isOpen, backlog.take()], [false, false]);
  backlog.end();
  pass(1000);
  assert.equal(ended.times, 0);
});

test("so many messages as were asked for are of the history", (t) => {
  const { backlog, ended } = scene(t);
  backlog.begin(2);
  assert.deepEqual([backlog.take(), backlog.take(), backlog.take()], [true, true, false]);
  assert.deepEqual([backlog.isOpen, ended.times], [false, 1]);
});

test("a ping is the end of the history", (t) => {
  const { backlog, ended, pass } = scene(t);
  backlog.begin(Infinity);
  assert.ok(backlog.take());
  backlog.end();
  assert.deepEqual([backlog.take(), ended.times], [false, 1]);
  pass(1000);
  assert.equal(ended.times, 1);
});

test("so is a rest, which each message puts off", (t) => {
  const { backlog, ended, pass } = scene(t);
  backlog.begin(Infinity);
  for (let i = 0; i < 5; i += 1) {
    pass(150);
    assert.ok(backlog.take());
  }
  pass(250);
  assert.deepEqual([backlog.take(), ended.times], [false, 1]);
});

test("a stream that ends before tells nothing of it", (t) => {
  const { backlog, ended, pass } = scene(t);
  backlog.begin(Infinity);
  backlog.stop();
  pass(1000);
  assert.deepEqual([backlog.isOpen, ended.times], [false, 0]);
});

test("each cursor passes once, until it is forgotten", () => {
  const once = new Once(2);
  assert.deepEqual(
    ["a", "b", "a", "c", "b", "a"].map((cursor) => once.take(cursor)),
    [true, true, false, true, false, true],
  );
  once.clear();
  assert.ok(once.take("a"));
});

test("what has no cursor passes", () => {
  const once = new Once();
  assert.deepEqual([once.take(null), once.take(null)], [true, true]);
});
