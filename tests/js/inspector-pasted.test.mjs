import assert from "node:assert/strict";
import { test } from "node:test";
import { bindingsIn } from "../../src/pulse_events/web/static/inspector/pasted.js";

const WANTED = [
  { exchange: "exchange/a", routingKeyPattern: "x.#" },
  { exchange: "exchange/b", routingKeyPattern: "#" },
];
const JSON_TEXT = JSON.stringify({ bindings: WANTED });

test("several bindings are found in what people paste", () => {
  for (const text of [
    JSON_TEXT,
    JSON.stringify({ bindings: WANTED }, null, 2),
    JSON.stringify(WANTED),
    `curl -NG 'http://h/events/v1/connect/' --data-urlencode \\\n  'bindings=${JSON_TEXT}'`,
    `http://h/events/v1/connect/?bindings=${encodeURIComponent(JSON_TEXT)}`,
    "http://h/#b=exchange/a=x.%23&b=exchange/b=%23&f=word",
    "exchange/a=x.#\nexchange/b=#\n",
    "-b 'exchange/a=x.#' \\\r\n  -b 'exchange/b=#'",
    "exchange/a\tx.#\n\nexchange/b  #",
    "exchange/a = x.#\nexchange/b",
  ]) {
    assert.deepEqual(bindingsIn(text), WANTED, text);
  }
  assert.deepEqual(bindingsIn(JSON.stringify(WANTED[0])), [WANTED[0]]);
  assert.deepEqual(bindingsIn("-b exchange/a=x.#"), [WANTED[0]]);
  assert.deepEqual(bindingsIn('[{"exchange": "exchange/b"}]'), [WANTED[1]]);
});

test("one name is left to the field", () => {
  for (const text of [
    "",
    "exchange/a",
    "exchange/a=b",
    " exchange/a\n",
    "{odd} name",
    "[1, 2]",
    "http://h/",
    '{"a": null}',
  ]) {
    assert.deepEqual(bindingsIn(text), [], text);
  }
});
