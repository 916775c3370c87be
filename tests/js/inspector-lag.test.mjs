import assert from "node:assert/strict";
import { test } from "node:test";
import { Lag } from "../../src/pulse_events/web/static/inspector/lag.js";
import { publishedAt, saidBy } from "../../src/pulse_events/web/static/inspector/published.js";
import { describe } from "../../src/pulse_events/web/static/inspector/server.js";
import { ServerClock } from "../../src/pulse_events/web/static/inspector/server-clock.js";

const iso = (ms) => new Date(ms).toISOString();

/** A page whose computer is wrong by `wrongMs`, and the requests of its clock take `tripMs`. */
async function start({ wrongMs = 0, tripMs = 0 } = {}) {
  const time = { serverMs: 1_000_000, wrongMs, asked: 0 };
  const now = () => time.serverMs + time.wrongMs;
  const ask = async () => {
    time.asked += 1;
    time.serverMs += tripMs / 2;
    const said = iso(time.serverMs);
    time.serverMs += tripMs / 2;
    return { time: said };
  };
  const clock = new ServerClock(ask, now);
  await clock.measure();
  const lag = new Lag(clock, 20_000, now);
  lag.begin();
  const pass = (seconds) => (time.serverMs += 1000 * seconds);
  const ping = (agoS) => lag.ping({ time: iso(time.serverMs - 1000 * agoS) });
  return { time, lag, clock, pass, ping };
}

for (const wrongMs of [0, -3_600_000, 86_400_000]) {
  test(`it is as late as its ping, whatever the own clock says: ${wrongMs}`, async () => {
    const { lag, ping, pass } = await start({ wrongMs });
    assert.equal(lag.ms, 0);
    pass(16);
    ping(16);
    assert.equal(lag.ms, 16_000);
    pass(5);
    assert.equal(lag.ms, 16_000);
    ping(0);
    assert.equal(lag.ms, 0);
  });
}

test("a time is altered only if the clocks do differ", async () => {
  const near = await start({ wrongMs: 40, tripMs: 100 });
  assert.equal(near.clock.aheadMs, 0);
  const far = await start({ wrongMs: -3_600_000, tripMs: 100 });
  assert.equal(far.clock.aheadMs, 3_600_000);
});

test("a few seconds are not told, nor what the request may have taken", async () => {
  const { lag, ping } = await start({ tripMs: 4000 });
  ping(3);
  assert.equal(lag.ms, 0);
  ping(10);
  assert.equal(lag.ms, 8000);
});

test("a ping that is due and has not come says as much", async () => {
  const { lag, pass, ping } = await start();
  pass(22);
  assert.equal(lag.ms, 0);
  pass(5);
  assert.equal(lag.ms, 7000);
  ping(27);
  assert.equal(lag.ms, 27_000);
  lag.stop();
  assert.equal(lag.ms, 0);
});

test("a clock that was set meanwhile is asked for, not believed", async () => {
  const { time, lag, pass, ping } = await start();
  for (const wrongMs of [3_600_000, -3_600_000]) {
    pass(20);
    time.wrongMs = wrongMs;
    ping(0);
    const { asked } = time;
    assert.equal(lag.ms, 0);
    assert.equal(time.asked, asked + 1);
    await Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve));
    ping(9);
    assert.equal(lag.ms, 9000);
  }
});

for (const wrongMs of [0, -3_600_000, 86_400_000]) {
  test(`a stream that begins before the clock is known is not late by it: ${wrongMs}`, async () => {
    let serverMs = 1_000_000;
    const now = () => serverMs + wrongMs;
    const clock = new ServerClock(async () => ({ time: iso(serverMs) }), now);
    const lag = new Lag(clock, 20_000, now);
    lag.begin();
    assert.equal(lag.ms, 0);
    await clock.measure();
    assert.equal(await clock.known, 0 - wrongMs);
    assert.equal(lag.ms, 0);
    serverMs += 27_000;
    assert.equal(lag.ms, 7000); // its first ping is overdue
  });
}

test("a server that did not say its time is asked again, now and then, while there is a stream", async () => {
  let nowMs = 1_000_000;
  let asked = 0;
  const ask = async () => (++asked < 3 ? {} : { time: iso(nowMs) });
  const clock = new ServerClock(ask, () => nowMs);
  const lag = new Lag(clock, 20_000, () => nowMs);
  await clock.measure();
  nowMs += 60_000;
  assert.equal(lag.ms, 0);
  assert.equal(asked, 1); // nobody wants to know
  lag.begin();
  for (let i = 0; i < 60; i++) {
    lag.ping({ time: iso(nowMs - 9000) });
    void lag.ms;
    await new Promise(setImmediate); // the answer takes no time
    nowMs += 1000;
  }
  assert.equal(asked, 3);
  lag.ping({ time: iso(nowMs - 9000) });
  assert.equal(lag.ms, 9000);
});

test("nothing is known of a server that does not say its time", async () => {
  const lag = new Lag(new ServerClock(async () => ({})), 20_000);
  lag.begin();
  lag.ping({ time: iso(0) });
  assert.equal(lag.ms, 0);
});

test("a message says when it was published, or nobody knows", () => {
  const at = "2026-11-24T01:02:03.456Z";
  const run = { scheduled: at, started: "2026-01-01T00:00:00Z" };
  const payload = { runId: 0, status: { runs: [run] } };
  const queue = "exchange/taskcluster-queue/v1/";
  assert.equal(saidBy({ exchange: `${queue}task-pending`, payload }), Date.parse(at));
  assert.equal(
    saidBy({ exchange: "exchange/build", payload: { _meta: { sent: at } } }),
    Date.parse(at),
  );
  const none = [
    { exchange: `${queue}artifact-created`, payload }, // long after its run began
    { exchange: `${queue}task-completed`, payload },
    { exchange: `${queue}task-pending`, payload: { ...payload, runId: 7 } },
    { exchange: `${queue}constructor`, payload },
    { exchange: `${queue}task-pending`, payload: { ...payload, runId: { toString: 1 } } },
    { exchange: "e", payload: { _meta: { sent: 5 } } },
    { exchange: "e", payload: { _meta: { sent: "+275760-09-13T00:00:00.000Z" } } },
    { exchange: "e", payload: { _meta: { sent: "-271821-04-20T00:00:00.000Z" } } },
    ...[null, "text", 5, [], { status: null }].map((other) => ({ exchange: "e", payload: other })),
  ];
  for (const message of none) assert.ok(Number.isNaN(saidBy(message)), JSON.stringify(message));
});

test("what came late was published before that at the latest", () => {
  const came = { atMs: 100_000, isPast: false };
  assert.deepEqual(publishedAt(came), { atMs: 100_000, isBound: false });
  assert.deepEqual(publishedAt({ ...came, isPast: true }), { atMs: 100_000, isBound: true });
  assert.deepEqual(publishedAt({ ...came, lateMs: 16_000 }), { atMs: 84_000, isBound: true });
  const said = { ...came, isPast: true, lateMs: 16_000, publishedMs: 50_000 };
  assert.deepEqual(publishedAt(said), { atMs: 50_000, isBound: false });
});

test("a server is described by what it says of itself", () => {
  const config = { server: "pulse-events", version: "1.0", broker: "amqp://u@h:5672/%2F" };
  const held = { historyAge: 604_800, historyBytes: 10_000_000_000 };
  assert.equal(
    describe({ ...config, ...held, history: "amqp" }),
    "pulse-events 1.0 · broker amqp://u@h:5672/%2F · a log at the broker: 7 d, at most 9.3 GiB",
  );
  assert.equal(
    describe({ ...config, demo: true, history: "off" }),
    "pulse-events 1.0 · a demo: its messages are made up · keeps no history",
  );
  assert.equal(describe({ history: "memory" }), "");
});
