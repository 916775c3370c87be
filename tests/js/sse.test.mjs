import assert from "node:assert/strict";
import { test } from "node:test";
import { Decoder } from "../../src/pulse_events/web/static/client/sse.js";

const bytes = (text) => new TextEncoder().encode(text);
const decode = (text, size = text.length) => {
  const decoder = new Decoder();
  const all = bytes(text);
  const events = [];
  for (let at = 0; at < all.length; at += size)
    events.push(...decoder.feed(all.slice(at, at + size)));
  return events;
};

test("the server's own form of an event is decoded", () => {
  assert.deepEqual(decode('event: message\ndata: {"a":1}\nid: -\n\n'), [
    { kind: "message", data: '{"a":1}', id: "-" },
  ]);
});

test("chunks may be cut anywhere, inside a character too", () => {
  const text =
    'event: message\r\ndata: "ä€😀\u2028"\r\nid: -\r\n\r\nevent: ping\rdata: 1\r\rdata: x\n\n';
  for (let size = 1; size < 12; size += 1) assert.deepEqual(decode(text, size), decode(text));
  assert.deepEqual(
    decode(text).map(({ data }) => data),
    ['"ä€😀\u2028"', "1", "x"],
  );
});

const STANDARD = {
  "several data lines are joined": ["data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"]],
  "comments and unknown fields are left out": [": test\nfoo: bar\nretry: 10\ndata: a\n\n", ["a"]],
  "only one space after the colon is dropped": ["data:a\n\ndata:  a\n\n", ["a", " a"]],
  "a field without colon is empty": ["data\n\ndata\ndata\n\n", ["", "\n"]],
  "an event without data is none": ["event: x\nid: 1\n\n\n", []],
  "an event that has not ended is none": ["data: a\n\ndata: b\n", ["a"]],
  "a byte order mark is left out": ["\ufeffdata: a\n\n", ["a"]],
};
for (const [name, [text, wanted]] of Object.entries(STANDARD)) {
  test(name, () =>
    assert.deepEqual(
      decode(text).map(({ data }) => data),
      wanted,
    ),
  );
}

test("an id lasts until the next one, and one with NUL is ignored", () => {
  const ids = decode("id: 1\ndata: a\n\ndata: b\n\nid: 2\0\ndata: c\n\nid\ndata: d\n\n").map(
    (e) => e.id,
  );
  assert.deepEqual(ids, ["1", "1", "1", ""]);
});

test("an event over the limit is refused, on one line or many", () => {
  assert.throws(() => new Decoder(10).feed(bytes("data: 0123456789")), /longer than 10/);
  assert.throws(
    () => new Decoder(10).feed(bytes("data: 012345\ndata: 6789ab\n")),
    /longer than 10/,
  );
});
