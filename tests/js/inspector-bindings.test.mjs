import assert from "node:assert/strict";
import { test } from "node:test";

import { placeOf } from "../../src/pulse_events/web/static/inspector/faults.js";

const bindings = [
  { exchange: "exchange/a", routingKeyPattern: "#" },
  { exchange: "exchange/it's", routingKeyPattern: "#" },
  { exchange: "exchange/a", routingKeyPattern: "b" },
];

test("a fault of form names its row and its field", () => {
  const pattern = "bindings[2]: routingKeyPattern is 300 bytes, the limit is 255";
  assert.deepEqual(placeOf(pattern, bindings), {
    message: pattern,
    rows: [2],
    field: "routingKeyPattern",
  });
  const name = "bindings[0]: exchange 'a\\nb' holds a control character";
  assert.deepEqual(placeOf(name, bindings), { message: name, rows: [0], field: "exchange" });
});

test("a refused exchange is that of all rows that name it", () => {
  assert.deepEqual(placeOf("exchange 'exchange/a': it does not exist", bindings).rows, [0, 2]);
  assert.deepEqual(placeOf('exchange "exchange/it\'s": access is refused', bindings).rows, [1]);
});

test("a fault of the whole list is of no row", () => {
  assert.deepEqual(placeOf("bindings has 101 entries, the limit is 100", bindings).rows, []);
  assert.deepEqual(placeOf("the server is stopping; connect again", bindings).rows, []);
});
