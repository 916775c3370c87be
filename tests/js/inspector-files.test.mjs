import assert from "node:assert/strict";
import { test } from "node:test";
import { csvLine, csvRows } from "../../src/pulse_events/web/static/inspector/csv.js";
import {
  fromCsv,
  fromFile,
  fromJsonLines,
  inPieces,
  toCsv,
  toJsonLines,
} from "../../src/pulse_events/web/static/inspector/files.js";
import { gapArrival } from "../../src/pulse_events/web/static/inspector/loss.js";
import {
  memberTexts,
  payloadSlice,
  payloadText,
} from "../../src/pulse_events/web/static/inspector/rawjson.js";

const AT_MS = Date.parse("2026-11-25T01:02:03.456Z");
const GAP = { reason: 'the server said "stop",\nbye', from: "2026-11-25T01:00:00Z", to: "now" };

/** A message as the server writes it: the payload's text is its own. */
function arrival(payload, more = {}) {
  const rest = {
    exchange: "exchange/foo",
    routingKey: "a.b",
    redelivered: false,
    routes: [],
    cc: [],
    ...more,
  };
  const text = `{"payload":${payload},${JSON.stringify(rest).slice(1)}`;
  return {
    kind: "message",
    atMs: AT_MS,
    message: JSON.parse(text),
    text,
    gap: null,
    isPast: false,
  };
}

const ARRIVALS = [
  arrival('{"b":1,"a":12345678901234567890123,"1":1.10,"e":1E400}'),
  arrival('"quotes \\" and commas, and\\nlines, caf\\u00e9 \\/ 😀 \u2028"'),
  arrival("-5"),
  arrival('"=cmd|calc"', { exchange: "=1+1", routingKey: "@x", redelivered: true }),
  arrival("null", { exchange: "'=x", routingKey: "'" }),
  arrival('{"__proto__":{"x":1},"payload":[],"receivedAt":"never"}', { routingKey: "-a\r\nb\tc" }),
  arrival("[]", { cc: ["route.a b", 'x","y', "+z"], routes: ["a b"] }),
  arrival('"AAEC"', { payloadEncoding: "base64" }),
  arrival("null", { omitted: "5 bytes, the limit is 4" }),
  gapArrival(GAP, AT_MS),
  gapArrival({ ...GAP, from: null }, AT_MS),
];

test("a large file is written in pieces, which are the whole", () => {
  const [one] = ARRIVALS.filter(({ kind }) => kind === "message");
  const text = JSON.stringify({ ...one.message, payload: "x".repeat(400_000) });
  const large = Array.from({ length: 7 }, () => ({ ...one, text }));
  for (const write of [toJsonLines, toCsv]) {
    for (const entries of [[], ARRIVALS, large, [...large, ...ARRIVALS]]) {
      const pieces = [...inPieces(entries, write)];
      assert.equal(pieces.join(""), write(entries));
      assert.ok(pieces.every((piece) => piece.length < 1_500_000));
    }
    assert.equal([...inPieces(large, write)].length, 1 + 3);
  }
});

test("JSON lines bring back every message byte for byte", () => {
  const { entries, faults } = fromJsonLines(toJsonLines(ARRIVALS));
  assert.deepEqual(faults, []);
  assert.deepEqual(entries, ARRIVALS);
});

test("a line is what the server sent, and when it came", () => {
  const [one] = ARRIVALS;
  const line = toJsonLines([one]);
  assert.equal(line, `${one.text.slice(0, -1)},"receivedAt":"2026-11-25T01:02:03.456Z"}\n`);
  const [, gap] = toJsonLines([one, ARRIVALS.at(-2)]).split("\n");
  assert.deepEqual(JSON.parse(gap), { gap: GAP, receivedAt: "2026-11-25T01:02:03.456Z" });
});

test("what the command line printed is read too, without a time", () => {
  const lines = ARRIVALS.slice(0, 2).map(({ text }) => text);
  const { entries, faults } = fromJsonLines(`\uFEFF${lines.join("\r\n")}\r\n\r\n`);
  assert.deepEqual(faults, []);
  assert.deepEqual(
    entries.map(({ text }) => text),
    lines,
  );
  assert.ok(Number.isNaN(entries[0].atMs));
  assert.equal(toJsonLines(entries), `${lines.join("\n")}\n`);
});

test("a download that another program wrote anew is read", () => {
  const { entries } = fromJsonLines(
    `{ "receivedAt": "2026-11-25T01:02:03.456Z", "exchange": "e", "routingKey": "k",` +
      ` "payload": { "a": 1e1 } }`,
  );
  assert.equal(entries[0].atMs, AT_MS);
  assert.equal(entries[0].text, '{"exchange":"e","routingKey":"k","payload":{ "a": 1e1 }}');
  assert.deepEqual([entries[0].message.cc, entries[0].message.routes], [[], []]);
});

test("a line that is no message is a fault, and the others are read", () => {
  const text = ['{"exchange":"e","routingKey":"k"}', "{", "null", "5", '{"exchange":1}', "[]"].join(
    "\n",
  );
  const { entries, faults } = fromJsonLines(text);
  assert.equal(entries.length, 1);
  assert.deepEqual(
    faults.map(({ line }) => line),
    [2, 3, 4, 5, 6],
  );
  assert.ok(faults.every(({ message }) => message.length > 5));
});

test("CSV brings back all that a message has", () => {
  const { entries, faults } = fromCsv(toCsv(ARRIVALS));
  assert.deepEqual(faults, []);
  assert.deepEqual(entries, ARRIVALS);
});

test("no cell of the CSV is a formula to a spreadsheet", () => {
  const rows = [...csvRows(toCsv(ARRIVALS))];
  assert.equal(rows.length, ARRIVALS.length + 1);
  const raw = toCsv(ARRIVALS).split(/\r\n|,/);
  for (const cell of raw) assert.doesNotMatch(cell, /^"?[=+@]/);
});

test("the columns of the CSV are named", () => {
  assert.equal(toCsv([]), "receivedAt,exchange,routingKey,cc,redelivered,payload,remark\r\n");
});

test("a CSV without our columns says which it wants", () => {
  for (const text of ["", "a,b\r\n1,2\r\n", "no comma"]) {
    const { entries, faults } = fromCsv(text);
    assert.deepEqual(entries, []);
    assert.match(faults[0].message, /receivedAt, exchange/);
  }
});

test("a row that is no message is a fault with the line it starts at", () => {
  const good = toCsv(ARRIVALS.slice(0, 2));
  const { entries, faults } = fromCsv(
    `${good},e,"k\r\nk",,false,{\r\n,e,k,,false,"1,""exchange"":""x""",\r\n,e,k,,TRUE,1,\r\n`,
  );
  assert.equal(entries.length, 3);
  assert.equal(entries[2].message.redelivered, true);
  assert.deepEqual(
    faults.map(({ line }) => line),
    [4, 6],
  );
  assert.match(faults[0].message, /^payload is not JSON/);
});

test("a quote out of place is a fault that names the line", () => {
  const head = toCsv([]);
  for (const rest of ['"a"b,c\r\n', '"a,b', 'a"b,c\r\n']) {
    const { faults } = fromCsv(head + rest);
    assert.match(faults.at(-1).message, /^line 2: /);
  }
});

test("CSV of any cells is read as it was written", () => {
  const pieces = ['"', ",", "\r", "\n", "'", "=", "+", "-", "@", "\t", "a", "😀", ""];
  let state = 7;
  const next = (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const rows = Array.from({ length: 3000 }, () =>
    Array.from({ length: 1 + next(4) }, () =>
      Array.from({ length: next(5) }, () => pieces[next(pieces.length)]).join(""),
    ),
  ).filter((cells) => cells.length > 1 || cells[0]);
  const text = rows.map(csvLine).join("");
  assert.deepEqual(
    [...csvRows(text)].map(({ cells }) => cells),
    rows,
  );
});

test("the payload's own text is found, however large or deep", () => {
  const long = JSON.stringify('\\"{,'.repeat(1_000_000));
  const deep = "[".repeat(900) + "1.0" + "]".repeat(900);
  for (const payload of [long, deep, "-1.50", '""', "{}", ' { "a" : [ ] } ']) {
    assert.equal(payloadText(arrival(payload).text), payload.trim());
  }
});

test("the payload is found by its place in what the server sent, and only there", () => {
  const payload = '{"exchange":"no","x":",\\"exchange\\":\\""}';
  const { text } = arrival(payload, { routingKey: ',"exchange":"', cc: [',"exchange":"'] });
  assert.equal(payloadSlice(text), payload);
  assert.equal(payloadSlice(text, 12), payload.slice(0, 12));
  assert.equal(payloadSlice('{"exchange":"e","payload":1}'), null);
  assert.equal(payloadSlice('{"payload":1}'), null);
});

test("members are found by name wherever they stand", () => {
  const members = memberTexts('{"a\\u0062": [1, "}"] , "payload":tru' + 'e,"":{"x":","}}');
  assert.deepEqual(
    [...members],
    [
      ["ab", '[1, "}"]'],
      ["payload", "true"],
      ["", '{"x":","}'],
    ],
  );
  assert.equal(memberTexts("{}").size, 0);
  assert.equal(payloadText("{}"), "null");
});

test("a JSON array is read, as Taskcluster's page saves it, each message in one line", () => {
  const text = `[
  {
    "payload": {"a": 12345678901234567891, "s": "two  spaces \\" ,"},
    "exchange": "e", "routingKey": "one", "redelivered": false, "cc": ["route.x"]
  },
  5,
  { "exchange": "e", "routingKey": "two" }
]
`;
  for (const each of [text, `\uFEFF ${text}`]) {
    const { entries, faults } = fromFile("pulse.json", each);
    assert.deepEqual(
      entries.map(({ message }) => message.routingKey),
      ["one", "two"],
    );
    assert.deepEqual(faults, [
      { line: 6, message: "this is no message: it has no exchange or no routingKey" },
    ]);
    assert.equal(
      entries[0].text,
      '{"payload":{"a":12345678901234567891,"s":"two  spaces \\" ,"},"exchange":"e","routingKey":"one","redelivered":false,"cc":["route.x"]}',
    );
  }
  assert.deepEqual(fromFile("x.json", "[]"), { entries: [], faults: [] });
});

test("one message over many lines is read", () => {
  const { entries } = fromFile("one.json", '{\n  "exchange": "e",\n  "routingKey": "k"\n}\n');
  assert.deepEqual(
    entries.map(({ message }) => message.routingKey),
    ["k"],
  );
});

test("files of anything else hold no messages, and say so", () => {
  for (const [name, text] of [
    ["a.json", ""],
    ["a.json", " \n"],
    ["a.json", '[{"exchange": "e", "routingKey": "k"'],
    ["a.json", '{"some": {"thing": "else"}}'],
    ["a.csv", "a,b\r\n1,2\r\n"],
    ["a.png", "\u0089PNG\r\n\u001a\n\0\0"],
  ]) {
    const { entries, faults } = fromFile(name, text);
    assert.equal(entries.length, 0, text);
    assert.ok(faults.length > 0, text);
  }
});

test("a negative number is no formula, and comes back as it was", () => {
  for (const payload of ["-5", "-0", "-1.5e-7", "-12345678901234567891"]) {
    const csv = toCsv([arrival(payload)]);
    assert.ok(csv.includes(`,${payload},`), csv);
    assert.equal(fromCsv(csv).entries[0].text, arrival(payload).text);
  }
  assert.ok(toCsv([arrival('"-1+1"')]).includes('"""-1+1"""'));
});
