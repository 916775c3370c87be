import assert from "node:assert/strict";
import { test } from "node:test";
import { Rates } from "../../src/pulse_events/web/static/inspector/rates.js";
import {
  clockTime,
  relative,
  relativeAtLeast,
  spanOf,
} from "../../src/pulse_events/web/static/inspector/times.js";

const S = 1000;

test("messages are counted by second and exchange", () => {
  const rates = new Rates(4);
  for (const atMs of [0, 999, 1000, 3500]) rates.count("a", atMs);
  rates.count("b", 1500);
  assert.deepEqual(rates.series(3999), [
    { exchange: "a", isRest: false, counts: [2, 1, 0, 1], total: 4 },
    { exchange: "b", isRest: false, counts: [0, 1, 0, 0], total: 1 },
  ]);
});

test("what is older than the span is forgotten", () => {
  const rates = new Rates(4);
  rates.count("a", 0);
  rates.count("a", 2 * S);
  assert.deepEqual(rates.series(4 * S)[0].counts, [0, 1, 0, 0]);
  assert.deepEqual(rates.series(6 * S), []);
  rates.count("a", 1000 * S);
  assert.deepEqual(rates.series(1000 * S)[0].counts, [0, 0, 0, 1]);
});

test("quiet seconds are zero, however long", () => {
  const rates = new Rates(3);
  rates.count("a", 0);
  rates.count("a", 2 * S);
  rates.count("a", 3 * S);
  assert.deepEqual(rates.series(4 * S)[0].counts, [1, 1, 0]);
  assert.deepEqual(rates.series(3 * S)[0].counts, [0, 1, 1]);
});

test("a clock that was set back breaks nothing", () => {
  const rates = new Rates(3);
  rates.count("a", 100 * S);
  rates.count("a", 99 * S);
  rates.count("a", 1 * S);
  assert.deepEqual(rates.series(100 * S)[0].counts, [0, 1, 1]);
  assert.deepEqual(rates.series(99 * S)[0]?.counts, [0, 0, 1]);
});

test("the most frequent come first, those beyond the eighth are one", () => {
  const rates = new Rates(2);
  for (let i = 0; i < 12; i += 1) for (let n = 0; n <= i; n += 1) rates.count(`e${i}`, 5 * S);
  const series = rates.series(5 * S);
  assert.deepEqual(
    series.map(({ exchange, total }) => [exchange, total]),
    [11, 10, 9, 8, 7, 6, 5, 4].map((i) => [`e${i}`, i + 1]).concat([["other", 10]]),
  );
  assert.deepEqual(series.at(-1).counts, [0, 10]);
  assert.deepEqual(series.map(({ isRest }) => isRest).indexOf(true), 8);
});

test("who is about as frequent stays in its place", () => {
  const rates = new Rates(60);
  /** @param {string} exchange @param {number} count */
  const come = (exchange, count) => {
    for (let n = 0; n < count; n += 1) rates.count(exchange, 1000 * S);
  };
  const order = () => rates.series(1000 * S).map(({ exchange }) => exchange);
  come("a", 4);
  come("b", 3);
  assert.deepEqual(order(), ["a", "b"]);
  come("b", 3); // 6 to 4
  assert.deepEqual(order(), ["a", "b"]);
  come("b", 4); // 10 to 4
  assert.deepEqual(order(), ["b", "a"]);
  come("a", 100);
  come("b", 115); // 125 to 104
  come("c", 110); // new ones have their place by their number
  assert.deepEqual(order(), ["b", "c", "a"]);
  come("a", 50); // 154
  assert.deepEqual(order(), ["b", "a", "c"]);
  come("c", 300);
  assert.deepEqual(order(), ["c", "b", "a"]);
  rates.clear();
  come("a", 2);
  come("b", 3);
  assert.deepEqual(order(), ["b", "a"]);
});

test("the first seconds are not held against the time before them", () => {
  const rates = new Rates(120);
  rates.begin(500.4 * S);
  for (let ms = 500_400; ms < 530_000; ms += 100) rates.count("a", ms);
  /** @param {number} second */
  const at = (second) => rates.recent(rates.series(second * S)[0], second * S);
  assert.deepEqual([501, 503, 509, 510, 511, 529].map(at), [10, 10, 10, 10, 10, 10]);
  assert.equal(at(500), 6); // of a part of a second nobody knows more
  rates.begin(529.9 * S);
  assert.equal(at(529), 10);
  assert.equal(at(533), 0);
});

test("names of exchanges are only names", () => {
  const rates = new Rates(1);
  for (const name of ["__proto__", "constructor", "", "other"]) rates.count(name, 0);
  assert.equal(rates.series(0).length, 4);
  rates.clear();
  assert.deepEqual(rates.series(0), []);
});

test("times are said in the largest unit that fits", () => {
  const now = Date.parse("2026-11-25T00:00:00Z");
  const ago = [-5 * S, 0, 999, S, 59_999, 60 * S, 3_599_999, 3600 * S, 86_400 * S, 9e9];
  const said = ["now", "now", "now", "1 s", "59 s", "1 min", "59 min", "1 h", "1 d", "104 d"];
  assert.deepEqual(
    ago.map((ms) => relative(now - ms, now)),
    said,
  );
  assert.equal(relative(NaN, now), "–");
});

test("of what is older than known the least age is said", () => {
  assert.deepEqual(
    [0, S, 60 * S].map((ms) => relativeAtLeast(-ms, 0)),
    [">0 s", ">1 s", ">1 min"],
  );
});

test("a span is exact while it is short", () => {
  const spans = [-S, 0, 1540, 10 * S, 3589 * S, NaN].map(spanOf);
  assert.deepEqual(spans, ["0.0 s", "0.0 s", "1.5 s", "10 s", "59 min", ""]);
});

test("the time of day is to the millisecond", () => {
  assert.equal(clockTime(new Date(2026, 10, 25, 3, 4, 5, 6).getTime()), "03:04:05.006");
  assert.equal(clockTime(NaN), "–");
});
