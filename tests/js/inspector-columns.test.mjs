import assert from "node:assert/strict";
import { test } from "node:test";

import { Catalogue } from "../../src/pulse_events/web/static/inspector/catalogue.js";
import * as columns from "../../src/pulse_events/web/static/inspector/columns.js";
import { parseFilter } from "../../src/pulse_events/web/static/inspector/filter.js";
import { Freshness } from "../../src/pulse_events/web/static/inspector/freshness.js";
import { Log } from "../../src/pulse_events/web/static/inspector/log.js";

const EXCHANGE = "exchange/taskcluster-queue/v1/task-failed";
const words = ["kind", "taskId"].map((name) => ({
  name,
  constant: name === "kind" ? "primary" : null,
  many: false,
  optional: false,
}));
const catalogue = new Catalogue({
  demo: false,
  rootUrl: null,
  exchanges: [{ service: "queue", event: "taskFailed", exchange: EXCHANGE, words }],
});

function entryOf(payload, { exchange = EXCHANGE, routingKey = "primary.abc", cc = [] } = {}) {
  const fields = (name, key) => catalogue.fieldsOf(name, key);
  const log = new Log({ fields });
  const rest = JSON.stringify({ exchange, routingKey, redelivered: false, routes: [], cc });
  const text = `{"payload":${payload},${rest.slice(1)}`;
  log.add(JSON.parse(text), text, 1000);
  return log.visible.at(0);
}

const textOf = (name, entry) => columns.columnOf(name).text(entry, 3000);

test("a Taskcluster exchange has a short name, another one keeps its own", () => {
  assert.equal(columns.shortName(EXCHANGE), "queue/task-failed");
  assert.equal(columns.shortName("exchange/bugzilla/simple"), "exchange/bugzilla/simple");
  assert.equal(columns.shortName(""), "(default)");
});

test("of a message of the history is said what is known of its time", () => {
  const entry = { ...entryOf("null"), isPast: true };
  assert.equal(textOf("time", entry), ">2 s");
  assert.match(textOf("clock", entry), /^<\d\d:/);
});

test("each column shows its part of a message", () => {
  const entry = entryOf('{"status": {"state": "failed", "runs": [{"id": 1}, {"id": 2}]}}', {
    cc: ["route.a", "b"],
  });
  assert.equal(textOf("time", entry), "2 s");
  assert.equal(textOf("exchange", entry), "queue/task-failed");
  assert.equal(textOf("key", entry), "primary.abc");
  assert.equal(textOf("cc", entry), "route.a, b");
  assert.equal(textOf("redelivered", entry), "");
  assert.equal(textOf("taskId", entry), "abc");
  assert.equal(textOf("payload.status.state", entry), "failed");
  assert.equal(textOf("payload.status.runs.id", entry), "1, 2");
  assert.equal(textOf("payload.nothing", entry), "");
});

test("the payload column shows the payload's own text and nothing after it", () => {
  const tricky = '{"exchange":"x","b":",\\"exchange\\":\\""}';
  for (const payload of ['{"a":1}', "1.10", '"x"', "null", tricky]) {
    assert.equal(textOf("payload", entryOf(payload)), payload);
  }
  const long = `"${"x".repeat(10_000)}"`;
  assert.ok(long.startsWith(textOf("payload", entryOf(long))));
  assert.ok(textOf("payload", entryOf(long)).length < 1000);
});

test("a payload that comes last in a file of another hand is shown too", () => {
  const log = new Log();
  const rest = { redelivered: false, routes: [], cc: [] };
  const message = { exchange: "e", routingKey: "k", ...rest, payload: [1] };
  log.add(message, JSON.stringify(message), 0);
  assert.equal(textOf("payload", log.visible.at(0)), "[1]");
});

test("the term for a cell lets its message through, and none whose value differs", () => {
  const one = entryOf('{"state":"two words \\"quoted\\""}', { cc: ["route.a"] });
  const other = entryOf('{"state":"two"}', {
    exchange: "exchange/other",
    routingKey: "secondary.abcd",
    cc: ["route.ab"],
  });
  for (const name of ["exchange", "key", "cc", "taskId", "payload.state"]) {
    const filter = parseFilter(columns.termFor(columns.columnOf(name), one));
    filter.learn(one);
    assert.equal(filter.test(one), true, name);
    assert.equal(filter.test(other), false, name);
  }
});

test("there is no term for a time, an empty value, or a gap", () => {
  const entry = entryOf("{}");
  assert.equal(columns.termFor(columns.columnOf("time"), entry), null);
  assert.equal(columns.termFor(columns.columnOf("cc"), entry), null);
  assert.equal(columns.termFor(columns.columnOf("payload.x"), entry), null);
  const log = new Log();
  log.gap({ reason: "", from: "", to: "" }, 0);
  assert.equal(columns.termFor(columns.columnOf("key"), log.visible.at(0)), null);
});

test("columns have names that differ, and widths that CSS can take", () => {
  const all = columns.fixedColumns();
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
  const { widths, least } = columns.widthsOf(["time", "taskId"].map(columns.columnOf));
  assert.equal(widths, "4.6rem minmax(8rem, 2fr)");
  assert.equal(least, "12.6rem");
});

test("entries are new for a moment after they came into sight", () => {
  const fresh = new Freshness();
  assert.equal(fresh.since(5, 0), 0);
  assert.equal(fresh.since(7, 1000), 0);
  assert.equal(fresh.since(7, 1600), 5, "the first ones are not new any more");
  assert.equal(fresh.since(7, 5000), Infinity);
  fresh.clear();
  assert.equal(fresh.since(3, 6000), 0, "lower ids, of another log");
});
