import assert from "node:assert/strict";
import { test } from "node:test";
import { Outage } from "../../src/pulse_events/web/static/inspector/outage.js";

const LOST = { broker: "lost", reason: "not reachable", since: "" };
const OK = { broker: "ok", reason: "", since: "" };

test("what comes has not waited where the broker never was lost", () => {
  const outage = new Outage();
  outage.tell(OK, 0);
  outage.ping(10_000);
  assert.equal(outage.hasWaited, false);
});

test("a ping some seconds behind the broker's return ends it, no other", () => {
  const outage = new Outage();
  outage.tell(LOST, 0);
  outage.ping(20_000);
  assert.equal(outage.hasWaited, true);
  outage.tell(OK, 21_000);
  outage.ping(21_001);
  assert.equal(outage.hasWaited, true);
  outage.tell(LOST, 25_000); // again
  outage.tell(OK, 26_000);
  outage.ping(29_000);
  assert.equal(outage.hasWaited, true);
  outage.ping(31_001);
  assert.equal(outage.hasWaited, false);
});
