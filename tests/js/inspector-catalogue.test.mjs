import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { matches } from "../../src/pulse_events/web/static/client/topics.js";
import { Catalogue } from "../../src/pulse_events/web/static/inspector/catalogue.js";
import { explain } from "../../src/pulse_events/web/static/inspector/words.js";

const word = (text) => {
  const [, name, , constant = null, many, optional] = /(\w+)(=(\w+))?(#)?(\?)?/.exec(text);
  return { name, constant, many: Boolean(many), optional: Boolean(optional) };
};
const entry = ({ service, event, exchange, routingKey }) => ({
  service,
  event,
  exchange,
  words: routingKey.map(word),
});
const file = new URL("../../src/pulse_events/taskcluster-exchanges.json", import.meta.url);
const exchanges = JSON.parse(readFileSync(file, "utf8")).map(entry);
const catalogue = new Catalogue({ demo: false, rootUrl: null, exchanges });

const PENDING = "exchange/taskcluster-queue/v1/task-pending";
const PUSH = "exchange/taskcluster-github/v1/push";
const NOTIFICATION = "exchange/taskcluster-notify/v1/notification";
const HOOK = "exchange/taskcluster-hooks/v1/hook-created";

const asObject = (fields) => Object.fromEntries(fields.map(({ name, value }) => [name, value]));

test("all exchanges of the server are there, in its order", () => {
  assert.deepEqual(
    catalogue.names(),
    exchanges.map(({ exchange }) => exchange),
  );
  assert.equal(catalogue.find(PENDING).event, "taskPending");
  assert.equal(catalogue.find("toString"), undefined);
});

test("a key is split into all its fields, constants and absent ones too", () => {
  assert.deepEqual(catalogue.fieldsOf(PENDING, "primary.T.0._._.p.w.s.G._"), [
    { name: "routingKeyKind", value: "primary" },
    { name: "taskId", value: "T" },
    { name: "runId", value: "0" },
    { name: "workerGroup", value: "_" },
    { name: "workerId", value: "_" },
    { name: "provisionerId", value: "p" },
    { name: "workerType", value: "w" },
    { name: "schedulerId", value: "s" },
    { name: "taskGroupId", value: "G" },
    { name: "reserved", value: "_" },
  ]);
});

test("the word that may be many takes the rest, dots and all", () => {
  assert.equal(asObject(catalogue.fieldsOf(NOTIFICATION, "primary.a.b.c")).topic, "a.b.c");
  assert.equal(asObject(catalogue.fieldsOf(HOOK, "")).reserved, "");
});

test("a key of another shape has no fields", () => {
  for (const key of ["", "primary", "primary.a", "other.a.b", "primary.a.b.c", "."]) {
    assert.equal(catalogue.fieldsOf(PUSH, key), null, key);
  }
  assert.equal(catalogue.fieldsOf(NOTIFICATION, "primary"), null);
  assert.equal(catalogue.fieldsOf("unknown", "a.b"), null);
});

test("a pattern is composed of what is given, and wildcards for the rest", () => {
  assert.equal(catalogue.patternOf(PENDING, {}), "#");
  assert.equal(catalogue.patternOf(PENDING, { taskId: "T" }), "primary.T.#");
  assert.equal(catalogue.patternOf(PENDING, { routingKeyKind: "primary" }), "primary.#");
  assert.equal(catalogue.patternOf(PENDING, { routingKeyKind: "*", runId: "0" }), "*.*.0.#");
  assert.equal(catalogue.patternOf(PENDING, { taskGroupId: "G" }), "primary.*.*.*.*.*.*.*.G.#");
  assert.equal(catalogue.patternOf(PUSH, { organization: "o", repository: "r" }), "primary.o.r");
  assert.equal(catalogue.patternOf(NOTIFICATION, { topic: "a.b" }), "primary.a.b");
  assert.equal(catalogue.patternOf("unknown", { taskId: "T" }), "#");
});

test("blank values and names of other things count for nothing", () => {
  const values = { taskId: "  ", toString: "x", other: "y", workerId: "*", reserved: "#" };
  assert.equal(catalogue.patternOf(PENDING, values), "#");
});

test("values that a pattern is composed of come back from it", () => {
  for (const { exchange, words } of exchanges) {
    for (let chosen = 0; chosen < 2 ** words.length; chosen += 1) {
      const picked = words.filter((_, i) => chosen & (1 << i));
      const values = Object.fromEntries(picked.map((w) => [w.name, w.constant ?? "v"]));
      const pattern = catalogue.patternOf(exchange, values);
      const back = { ...catalogue.valuesOf(exchange, pattern) };
      assert.equal(catalogue.patternOf(exchange, back), pattern);
      for (const [name, value] of Object.entries(values)) assert.equal(back[name], value, pattern);
    }
  }
});

test("a pattern matches the keys that hold its values, and no others", () => {
  for (const { exchange, words } of exchanges) {
    const key = words.map((w, i) => w.constant ?? `v${i}`).join(".");
    for (const [i, { name, constant }] of words.entries()) {
      const right = catalogue.patternOf(exchange, { [name]: constant ?? `v${i}` });
      assert.equal(matches(right, key), true, right);
      const wrong = catalogue.patternOf(exchange, { [name]: "elsewhere" });
      assert.equal(matches(wrong, key), false, wrong);
    }
  }
});

test("a pattern that fields cannot say has no values", () => {
  const patterns = ["", "primary", "primary.#.x", "route.#", "primary.a.b.c.d", "primary..#", "a*"];
  for (const pattern of patterns) assert.equal(catalogue.valuesOf(PUSH, pattern), null, pattern);
  assert.equal(catalogue.valuesOf("unknown", "#"), null);
});

test("patterns written by hand are read", () => {
  const values = (exchange, pattern) => ({ ...catalogue.valuesOf(exchange, pattern) });
  assert.deepEqual(values(PENDING, "#"), {});
  assert.deepEqual(values(PENDING, "*.T.#"), { routingKeyKind: "*", taskId: "T" });
  assert.deepEqual(values(PUSH, "primary.*.r"), { routingKeyKind: "primary", repository: "r" });
  assert.deepEqual(values(NOTIFICATION, "primary.a.*.#"), {
    routingKeyKind: "primary",
    topic: "a.*.#",
  });
});

test("patterns are said by the names of the exchange's words", () => {
  const said = (pattern, exchange) => explain(pattern, catalogue.find(exchange));
  assert.equal(said("#", PENDING), "every message");
  assert.equal(
    said("primary.T.#", PENDING),
    "routingKeyKind is primary, taskId is T, anything else",
  );
  assert.equal(
    said("primary.o.r", PUSH),
    "routingKeyKind is primary, organization is o, repository is r",
  );
  assert.match(said("*.o.#", PUSH), /^routingKeyKind is any word, organization is o/);
});

test("patterns of unknown exchanges are said by position", () => {
  assert.equal(explain(""), "only messages whose routing key is empty");
  assert.equal(explain("#.#"), "every message");
  assert.equal(explain("a"), "1 word: first is a");
  assert.equal(explain("a.*."), "3 words: first is a, second is any word, third is empty");
  assert.equal(explain("a.#"), "1 or more words: first is a, then any number of words");
  assert.equal(explain("#.b"), "1 or more words: any number of words, then b");
});

test("what is a mistake in most cases is warned of", () => {
  assert.match(explain("a*.b"), /“a\*” is literal/);
  assert.match(explain("primary.T", catalogue.find(PENDING)), /have 10 words: end with #/);
  assert.doesNotMatch(explain("route.index.x", catalogue.find(PENDING)), /10 words/);
  assert.doesNotMatch(explain("primary.T.#", catalogue.find(PENDING)), /10 words/);
});
