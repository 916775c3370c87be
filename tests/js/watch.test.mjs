import assert from "node:assert/strict";
import { test } from "node:test";
import { Watch } from "../../src/pulse_events/web/static/client/watch.js";

/** A watch on a clock that the test moves. */
function watchAt() {
  const clock = { now: 1_000_000 };
  const watch = new Watch(() => clock.now);
  /** Lets time pass as an awake computer does: a check each tick. */
  const pass = (ms) => {
    let stale = null;
    for (const end = clock.now + ms; clock.now < end && !stale; stale = watch.check()) {
      clock.now = Math.min(end, clock.now + watch.tickMs);
    }
    return stale;
  };
  return { clock, watch, pass };
}

const iso = (ms) => new Date(ms).toISOString();

test("a stream is stale after two and a half intervals, not before", () => {
  const { pass } = watchAt();
  assert.equal(pass(50_000), null);
  assert.deepEqual(pass(1000), { silentMs: 51_000, intervalMs: 20_000, slept: false });
});

test("whatever arrives proves life", () => {
  const { watch, pass } = watchAt();
  pass(45_000);
  watch.heard();
  assert.equal(pass(45_000), null);
});

test("the interval is learned from the server's times, not from the arrivals", () => {
  const { clock, watch } = watchAt();
  for (let i = 0; i < 4; i += 1) watch.ping(iso(clock.now + i * 3000)); // all in one burst
  assert.equal(watch.intervalMs, 3000);
});

test("one long gap between pings does not change what was learned", () => {
  const { watch } = watchAt();
  for (const at of [0, 1000, 2000, 62_000, 63_000, 64_000]) watch.ping(iso(at));
  assert.equal(watch.intervalMs, 1000);
});

test("a suggested interval holds until the pings say another", () => {
  const { watch } = watchAt();
  watch.suggest(60_000);
  assert.equal(watch.intervalMs, 60_000);
  watch.ping(iso(0));
  watch.ping(iso(5000));
  watch.suggest(60_000);
  assert.equal(watch.intervalMs, 5000);
});

test("a new stream's first ping has no gap before it", () => {
  const { watch } = watchAt();
  watch.ping(iso(0));
  watch.begin();
  watch.ping(iso(300_000));
  assert.equal(watch.intervalMs, 20_000);
});

test("a ping that says that the stream has caught up says nothing of the interval", () => {
  const { watch } = watchAt();
  watch.begin();
  watch.expectEarlyPing();
  watch.ping(iso(0));
  watch.ping(iso(300));
  assert.equal(watch.intervalMs, 20_000);
  watch.ping(iso(5300));
  assert.equal(watch.intervalMs, 5000);
});

test("after sleep, what waits in the socket gets a tick to be read", () => {
  const { clock, watch, pass } = watchAt();
  clock.now += 3_600_000;
  assert.equal(watch.check(), null);
  watch.heard();
  assert.equal(pass(10_000), null);
});

test("after sleep, a dead stream is found by the next tick", () => {
  const { clock, watch, pass } = watchAt();
  clock.now += 3_600_000;
  watch.check();
  assert.equal(pass(1000)?.slept, true);
});

test("a throttled tab's rare checks are no sleep as long as pings come", () => {
  const { clock, watch } = watchAt();
  for (let i = 0; i < 10; i += 1) {
    clock.now += 60_000;
    watch.heard(); // the network is not throttled, the timers are
    assert.equal(watch.check(), null);
  }
});

test("a suspected stream has to show life by its next ping", () => {
  const { watch, pass } = watchAt();
  watch.suspect();
  assert.equal(pass(24_000), null);
  assert.ok(pass(2000));
});

test("a clock that is set back does not blind it", () => {
  const { clock, watch, pass } = watchAt();
  clock.now -= 3_600_000;
  assert.equal(watch.check(), null);
  assert.ok(pass(52_000));
});
