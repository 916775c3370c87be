import assert from "node:assert/strict";
import { test } from "node:test";
import { Backlog } from "../../src/pulse_events/web/static/inspector/backlog.js";
import { Once } from "../../src/pulse_events/web/static/inspector/once.js";

/** A backlog, and how often it ended. */
function scene() {
  const ended = { times: 0 };
  return { backlog: new Backlog(() => (ended.times += 1)), ended };
}

test("without a past everything is live", () => {
  const { backlog, ended } = scene();
  backlog.end();
  assert.deepEqual([backlog.isOpen, ended.times], [false, 0]);
});

test("what comes is of the past until it ends", () => {
  const { backlog, ended } = scene();
  backlog.begin();
  assert.deepEqual([backlog.isOpen, ended.times], [true, 0]);
  backlog.end();
  backlog.end();
  assert.deepEqual([backlog.isOpen, ended.times], [false, 1]);
});

test("a stream that ends before tells nothing of it", () => {
  const { backlog, ended } = scene();
  backlog.begin();
  backlog.stop();
  backlog.end();
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
