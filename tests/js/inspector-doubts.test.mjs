import assert from "node:assert/strict";
import { test } from "node:test";

import { Doubts, nearestTo } from "../../src/pulse_events/web/static/inspector/doubts.js";

const QUEUE = "exchange/taskcluster-queue/v1/";
const PENDING = `${QUEUE}task-pending`;
const KNOWN = [PENDING, `${QUEUE}task-running`, "exchange/taskcluster-github/v1/push"];

test("the nearest name is the one that is meant", () => {
  assert.equal(nearestTo(`${QUEUE}task-pendign`, KNOWN), PENDING);
  assert.equal(nearestTo(`${QUEUE}Task-Pending`, KNOWN), PENDING);
  assert.equal(nearestTo("exchange/taskcluster-queue/task-pending", KNOWN), PENDING);
  assert.equal(nearestTo("task-pending", KNOWN), PENDING);
  assert.equal(nearestTo("exchange/own", KNOWN), "");
  assert.equal(nearestTo("pu", KNOWN), "");
});

test("only at the broker that refuses nothing is there a doubt", () => {
  for (const [broker, isDoubted] of [
    ["memory:", true],
    ["pulse.example.com", false],
    ["", false],
  ]) {
    const doubts = new Doubts(broker, KNOWN, new Set());
    doubts.begin(0);
    assert.equal(doubts.of("exchange/own", 60_000) !== null, isDoubted, broker);
  }
});

test("there is none before what the server holds had time to come, and none once it came", () => {
  const seen = new Set();
  const doubts = new Doubts("memory:", KNOWN, seen);
  assert.equal(doubts.of("exchange/own", 60_000), null); // not in force
  doubts.begin(60_000);
  assert.equal(doubts.of("exchange/own", 61_000), null);
  assert.match(doubts.of("exchange/own", 64_000).words, /Nothing has come/);
  assert.equal(doubts.of(PENDING, 64_000), null);
  doubts.begin(64_000); // with others
  const doubt = doubts.of("exchange/own", 64_500);
  assert.equal(doubts.of("exchange/own", 65_500), doubt);
  seen.add("exchange/own");
  assert.equal(doubts.of("exchange/own", 66_000), null);
});

test("what has come may be meant too", () => {
  const doubts = new Doubts("memory:", KNOWN, new Set(["exchange/own/thing"]));
  doubts.begin(0);
  assert.equal(doubts.of("exchange/own/thign", 9000).nearest, "exchange/own/thing");
});

test("of a thousand exchanges a few are looked at each time, and all in the end", () => {
  const doubts = new Doubts("memory:", KNOWN, new Set());
  const all = Array.from({ length: 1000 }, (_, i) => `exchange/own/${i}`);
  doubts.begin(0);
  const told = [1, 2].map((n) => all.filter((each) => doubts.of(each, 9000 + n)).length);
  assert.ok(told[0] > 0 && told[0] < 50 && told[1] === 2 * told[0], `${told}`);
});
