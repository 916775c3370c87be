import assert from "node:assert/strict";
import { test } from "node:test";
import { delays } from "../../src/pulse_events/web/static/client/backoff.js";

const first = (count, random) => {
  const source = delays(() => random);
  return Array.from({ length: count }, () => source.next().value);
};

test("delays double from one second up to thirty", () => {
  assert.deepEqual(first(7, 1), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("jitter takes up to half of a delay away", () => {
  assert.deepEqual(first(7, 0), [500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
});
