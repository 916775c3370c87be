import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { matches, Router, TopicIndex } from "../../src/pulse_events/web/static/client/topics.js";

const { vectors } = JSON.parse(
  readFileSync(new URL("topic-vectors.json", import.meta.url), "utf8"),
);

test("every vector that the server's matcher passes is answered alike", () => {
  const wrong = vectors.filter(([pattern, key, wanted]) => matches(pattern, key) !== wanted);
  assert.deepEqual(wrong, []);
});

test("all patterns in one index are answered as each alone", () => {
  const index = new TopicIndex();
  for (const [pattern] of vectors) index.add(pattern, pattern);
  for (const [pattern, key, wanted] of vectors) assert.equal(index.match(key).has(pattern), wanted);
});

test("many # against a long key take no time", () => {
  assert.equal(matches("#.a.#.a.#.a.#.a.#.b", Array(200).fill("a").join(".")), false);
});

test("a message is for whom its exchange and any of its keys match", () => {
  const router = new Router();
  router.add([{ exchange: "e", routingKeyPattern: "a.*" }], "one");
  router.add(
    [
      { exchange: "e", routingKeyPattern: "route.x" },
      { exchange: "f", routingKeyPattern: "#" },
    ],
    "two",
  );
  const route = (exchange, routingKey, cc = []) =>
    [...router.match({ exchange, routingKey, cc })].sort();
  assert.deepEqual(route("e", "a.b"), ["one"]);
  assert.deepEqual(route("e", "a.b", ["n", "route.x"]), ["one", "two"]);
  assert.deepEqual(route("e", "n", ["route.x"]), ["two"]);
  assert.deepEqual(route("f", ""), ["two"]);
  assert.deepEqual(route("g", "a.b"), []);
});

test("what is added later is found, whatever was asked before", () => {
  const index = new TopicIndex();
  index.add("a", 1);
  assert.equal(index.match("a.b").size, 0);
  index.add("a.#", 2);
  assert.deepEqual([...index.match("a.b")], [2]);
});
