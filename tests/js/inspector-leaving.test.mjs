import assert from "node:assert/strict";
import { test } from "node:test";
import { heldAt, isLost } from "../../src/pulse_events/web/static/inspector/leaving.js";
import { Log } from "../../src/pulse_events/web/static/inspector/log.js";
import { placeOf } from "../../src/pulse_events/web/static/inspector/start.js";

const NOW = Date.parse("2026-11-24T12:00:00Z");
const MIN = 60_000;

/** Whether so many messages would be lost, the oldest of which came so long ago. */
function lost(start, count, agoMs, historyMs = 10 * MIN) {
  const place = start === null ? null : placeOf(start);
  return isLost({ count, oldestMs: NOW - agoMs }, heldAt(place, historyMs, NOW), NOW);
}

test("what would come again is not lost", () => {
  assert.deepEqual(
    [lost("", 100, MIN), lost("", 101, MIN), lost("1000", 101, MIN), lost("", 1, 11 * MIN)],
    [false, true, false, true],
  );
  assert.deepEqual(
    [lost("5m", 9999, 4 * MIN), lost("5m", 1, 6 * MIN), lost("1h", 1, 11 * MIN)],
    [false, true, true],
  );
  assert.deepEqual(
    [lost("2026-11-24T11:50:00Z", 1, 9 * MIN), lost("2026-11-24T11:50:00Z", 1, 11 * MIN, 60 * MIN)],
    [false, true],
  );
});

test("without a history, or from now on, all is lost that came", () => {
  assert.deepEqual([lost(null, 1, 0), lost("now", 1, 0)], [true, true]);
  assert.deepEqual(
    [lost(null, 0, NaN), lost("now", 0, NaN), lost("", 0, NaN)],
    [false, false, false],
  );
});

test("a log knows what came after an entry, behind a pause too", () => {
  const log = new Log();
  const message = { payload: 1, exchange: "e", routingKey: "k", cc: [] };
  log.add(message, "{}", 10);
  const [{ id }] = log.all();
  assert.deepEqual(log.after(id), { count: 0, oldestMs: NaN, oldestId: NaN });
  log.gap({ reason: "", from: null, to: "" }, 15);
  assert.deepEqual(log.after(id), { count: 0, oldestMs: NaN, oldestId: NaN });
  log.pause();
  log.add(message, "{}", 20);
  log.gap({ reason: "", from: null, to: "" }, 30);
  log.add(message, "{}", 40);
  assert.deepEqual(log.after(id), { count: 3, oldestMs: 20, oldestId: id + 2 });
  assert.deepEqual(log.after(0), { count: 5, oldestMs: 10, oldestId: id });
});
