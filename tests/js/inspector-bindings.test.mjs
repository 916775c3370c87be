import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { test } from "node:test";

import { formFault, placeOf } from "../../src/pulse_events/web/static/inspector/faults.js";
import { Overlap } from "../../src/pulse_events/web/static/inspector/overlap.js";

const bindings = [
  { exchange: "exchange/a", routingKeyPattern: "#" },
  { exchange: "exchange/it's", routingKeyPattern: "#" },
  { exchange: "exchange/a", routingKeyPattern: "b" },
];

test("only a refusal of the list is a fault of form", async () => {
  let status = 200;
  const server = createServer((_, response) => {
    response.writeHead(status).end(JSON.stringify({ message: `it is ${status}`, token: "x" }));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${server.address().port}/events/v1/bindings`;
  const told = {};
  for (status of [200, 400, 404, 413, 503]) told[status] = await formFault(bindings, url);
  assert.deepEqual(told, { 200: null, 400: "it is 400", 404: null, 413: "it is 413", 503: null });
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  assert.equal(await formFault(bindings, url), null, "the stream will say that it is away");
});

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

test("a message that two listenings bring is taken once, whoever is first", () => {
  const overlap = new Overlap();
  assert.equal(overlap.isRepeated("old", "1"), false);
  assert.equal(overlap.isRepeated("new", "1"), true);
  assert.equal(overlap.isRepeated("new", "2"), false);
  assert.equal(overlap.isRepeated("old", "2"), true);
});

test("a message that was published twice is taken twice", () => {
  const overlap = new Overlap();
  const told = ["old", "old", "new", "new", "new", "old"].map((by) => overlap.isRepeated(by, "1"));
  assert.deepEqual(told, [false, false, true, true, false, true]);
});
