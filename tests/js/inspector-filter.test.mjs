import assert from "node:assert/strict";
import { test } from "node:test";
import {
  exactPayload,
  hasOddNumbers,
  textOf,
} from "../../src/pulse_events/web/static/inspector/exact.js";
import {
  parseFilter,
  termOf,
  valuesAt,
} from "../../src/pulse_events/web/static/inspector/filter.js";
import { hasUnseen } from "../../src/pulse_events/web/static/inspector/signs.js";

const MESSAGE = {
  payload: {
    status: { taskId: "AbC", state: "failed", runs: [{ state: "failed" }, { state: "pending" }] },
    details: { "event.head.sha": "beef" },
    tags: { "trust-domain": "gecko" },
    "a/b": { c: "odd" },
    quote: 'say "hi" \\ there',
    empty: "",
    nothing: null,
    count: 10,
    isTrue: true,
    big: 12345678901234567890n,
  },
  exchange: "exchange/taskcluster-queue/v1/task-failed",
  routingKey: "primary.AbC.0",
  cc: ["route.index.one", "route.Two words"],
};
const json = (value) =>
  JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `#${part}#` : part)).replace(
    /"#(\d+)#"/g,
    "$1",
  );

function entryOf(message, text = json(message)) {
  const fields = [
    { name: "taskId", value: "AbC" },
    { name: "runId", value: "0" },
  ];
  return { id: 1, kind: "message", atMs: 0, message: JSON.parse(text), text, gap: null, fields };
}
const entry = entryOf(MESSAGE);
function fits(text, of = entry) {
  const filter = parseFilter(text);
  filter.learn(of);
  return filter.test(of);
}

function assertFits(filters) {
  for (const filter of filters) assert.equal(fits(filter), true, filter);
}
function assertFitsNot(filters) {
  for (const filter of filters) assert.equal(fits(filter), false, filter);
}

test("words are searched in the whole message, in any case", () => {
  assertFits(["", "   ", "failed", "FAILED", "route.index", "12345678901234567890"]);
  assertFitsNot(["completed", "failed completed"]);
});

test("names that every message has find none", () => {
  assertFitsNot(["redelivered", "routes", "payload", "routingKey", '"cc"']);
});

test("all words must be there, and none of those with a minus", () => {
  assertFits(["failed pending", "failed -completed", "-completed"]);
  assertFitsNot(["failed -pending", "-failed"]);
});

test("a quoted text may hold spaces and quotes", () => {
  assertFits(['"two words"', '"say \\"hi\\""', '"\\\\ there"', '"two wor', '-"three words"']);
  assertFitsNot(['"two  words"', '-"two words"']);
});

test("exchange, key and cc are fields", () => {
  assertFits(["exchange:task-failed", "routingKey:primary", "key:abc", "cc:index", 'cc:"two w']);
  assertFitsNot(["exchange:primary", "key:exchange", "cc:three", "-cc:index"]);
});

test("words of the key and paths into the payload are fields", () => {
  assertFits([
    "taskId:abc",
    "status.state:failed",
    "payload.status.state:fail",
    "status.runs.state:pending",
    "status.runs.1.state:pending",
    "details.event.head.sha:beef",
    "tags.trust-domain:gecko",
    "payload.a/b.c:odd",
    "count:1",
    "isTrue:true",
    "nothing:null",
    "status:AbC",
    "payload:gecko",
    "big:1234567890123456",
  ]);
  assertFitsNot([
    "status.state:pending",
    "status.runs.0.state:pending",
    "status.none:x",
    "count:2",
    "status.state.length:6",
  ]);
});

test("a whole value is asked for by :=", () => {
  assertFits([
    "runId:=0",
    "count:=10",
    "status.state:=FAILED",
    'cc:="route.two words"',
    'empty:=""',
  ]);
  assertFitsNot(["count:=1", "status.state:=fail", "cc:=route.index"]);
});

test("prototypes are no fields", () => {
  assertFitsNot([
    "__proto__:o",
    "constructor:f",
    "constructor.name:Object",
    "status.__proto__.toString:native",
    "status.runs.length:2",
  ]);
  const own = entryOf(
    {},
    '{"payload":{"__proto__":{"x":"own"}},"exchange":"","routingKey":"","cc":[]}',
  );
  assert.equal(fits("__proto__.x:own", own), true);
});

test("text with characters as escapes is found by the characters", () => {
  const text = '{"payload":"caf\\u00e9 a\\/b","exchange":"e","routingKey":"k","cc":[]}';
  const escaped = entryOf({}, text);
  assert.equal(fits("café", escaped), true);
  assert.equal(fits("a/b", escaped), true);
  assert.equal(fits("CAFÉ", escaped), true);
});

test("URLs and times are searched as text, not as fields", () => {
  const of = entryOf({ ...MESSAGE, payload: { url: "https://example.com/x", at: "12:30:01" } });
  assert.equal(fits("https://example.com", of), true);
  assert.equal(fits("12:30", of), true);
});

test("a term that is being typed hides nothing", () => {
  assertFits(["taskId:", "taskId:=", "failed taskId:", "-taskId:"]);
});

test("a term whose field no message has lets nothing through, least of all with a minus", () => {
  assertFitsNot(["state:failed", "-state:completed", "failed -workerTyp:x", "-status.none:=x"]);
  const filter = parseFilter("-state:completed failed");
  assert.equal(filter.learn(entry), false);
  assert.deepEqual([filter.unseen, filter.test(entry)], [["state"], false]);
  const other = entryOf({ ...MESSAGE, payload: { state: "pending", why: "failed" } });
  assert.equal(filter.learn(other), true, "those before may pass now");
  assert.deepEqual([filter.unseen, filter.test(other), filter.test(entry)], [[], true, true]);
  assert.equal(filter.learn(other), false);
});

test("what every message has is no unknown field, even where it is empty", () => {
  const bare = entryOf({ payload: null, exchange: "", routingKey: "", cc: [] });
  assert.equal(fits("-cc:x -exchange:x -key:x -payload:x", bare), true);
});

test("gaps pass every filter", () => {
  const gap = { ...entry, kind: "gap", text: "" };
  assert.equal(fits("nothing-has-this", gap), true);
  assert.equal(fits("exchange:none", gap), true);
});

test("no text makes it throw", () => {
  const pieces = [
    '"',
    "\\",
    ":",
    "=",
    "-",
    ".",
    " ",
    "a",
    "é",
    "😀",
    "\uD800",
    "\n",
    "payload",
    "//",
  ];
  let state = 1;
  for (let round = 0; round < 20_000; round += 1) {
    let text = "";
    for (let i = 0; i < 8; i += 1) {
      state = (state * 48_271) % 2_147_483_647;
      text += pieces[state % pieces.length];
    }
    assert.equal(typeof fits(text), "boolean");
  }
});

test("a message without a payload object is only searched", () => {
  for (const payload of [null, "text", 5, [], true]) {
    const of = entryOf({ ...MESSAGE, payload });
    assert.equal(fits("status.state:x", of), false);
    assert.equal(fits("key:primary", of), true);
  }
  assert.equal(fits("payload:text", entryOf({ ...MESSAGE, payload: "some text" })), true);
});

test("the term for a value finds it, whatever it holds", () => {
  for (const value of ["plain", "two words", 'a "quote"', "back\\slash", "-x", "a:b", '"', "\\"]) {
    const of = entryOf({ ...MESSAGE, payload: { value } });
    assert.equal(fits(termOf("value", value), of), true, value);
    assert.equal(fits(termOf("value", `${value}!`), of), false, value);
  }
  assert.equal(fits(termOf("value", ""), entryOf({ ...MESSAGE, payload: { value: "" } })), true);
});

const NUMBERS = [
  "12345678901234567891",
  "1e400",
  "-1E-400",
  "-0",
  "1.50",
  "9007199254740993",
  "0.1",
];

test("numbers are found as they were written", () => {
  for (const number of NUMBERS) {
    const of = entryOf(
      {},
      `{"payload":{"n":${number},"in":[{"n":${number}}],"s":"caf\\u00e9 "},"exchange":"e","routingKey":"k","cc":[]}`,
    );
    const written = number.toLowerCase();
    assert.equal(fits(`n:=${written}`, of), true, number);
    assert.equal(fits(`in.n:=${written}`, of), true, number);
    assert.equal(fits(`in:"{\\"n\\":${written}}"`, of), true, number);
    assert.equal(fits(`"${number}"`, of), true, number);
    assert.deepEqual(valuesAt(of, "n").map(textOf), [number]);
    assert.equal(textOf(valuesAt(of, "in")[0]), `{"n":${number}}`);
    assert.equal(fits("n.text:1", of), false);
  }
  const of = entryOf({}, '{"payload":-0,"exchange":"e","routingKey":"k","cc":[]}');
  assert.equal(fits("payload:=-0", of), true);
  const rounded = entryOf({}, '{"payload":{"n":9007199254740993},"exchange":"","routingKey":""}');
  assert.equal(fits("n:=9007199254740992", rounded), false);
});

test("a string is no number, whatever it holds", () => {
  const json = '{"n":1e400,"s":"-0, 1e400 \\\\","t":["\\"1.50"]}';
  const of = entryOf({}, `{"payload":${json},"exchange":"e","routingKey":"k","cc":[]}`);
  assert.equal(textOf(exactPayload(of)), json);
  assert.deepEqual(valuesAt(of, "s"), ["-0, 1e400 \\"]);
});

test("only numbers that JavaScript writes otherwise are read again", () => {
  const has = (json) => hasOddNumbers({ text: `{"payload":${json},"exchange":"e"}` });
  for (const number of NUMBERS.slice(0, -1)) {
    assert.equal(has(number), true, number);
    assert.equal(has(`[ ${number} ]`), true, number);
    assert.equal(has(`{"a": ${number} , "b": 1}`), true, number);
  }
  for (const json of ["1", "-1", "1.5", "0", "123456789012345", '"2026-11-25T10:11:12.340Z"'])
    assert.equal(has(json), false, json);
});

test("a term with characters that do not show says them by escapes, and finds them", () => {
  for (const value of ["user.\u202Etxt.exe", "a\u200Bb", "\u{E0041}", 'a "\u2066"', "tab\there"]) {
    const term = termOf("value", value);
    assert.equal(hasUnseen(term), false, term);
    assert.equal(fits(term, entryOf({ ...MESSAGE, payload: { value } })), true, term);
  }
  assert.equal(termOf("key", "user.\u202Etxt.exe"), 'key:="user.\\u202Etxt.exe"');
  assert.equal(fits('key:="\\x"', entryOf({ ...MESSAGE, routingKey: "x" })), true);
});
