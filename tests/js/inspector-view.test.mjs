import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkedStart,
  placeOf,
  STARTS,
  titleOf,
} from "../../src/pulse_events/web/static/inspector/start.js";
import { readView, writeView } from "../../src/pulse_events/web/static/inspector/view.js";

const EMPTY = { bindings: [], filter: "", columns: [], start: "", running: true };

function back(view) {
  const { faults, ...read } = readView(writeView(view));
  assert.deepEqual(faults, []);
  return read;
}

test("the fragment is readable", () => {
  const view = {
    bindings: [
      { exchange: "exchange/foo", routingKeyPattern: "a.*.#" },
      { exchange: "bar", routingKeyPattern: "#" },
    ],
    filter: "state:failed now",
    columns: ["time", "exchange", "taskId"],
    start: "10m",
    running: false,
  };
  const hash =
    "#b=exchange/foo=a.*.%23&b=bar=%23&f=state:failed%20now&c=time,exchange,taskId&t=10m&run=0";
  assert.equal(writeView(view), hash);
  assert.deepEqual(readView(hash), { ...view, faults: [] });
});

test("an empty view is an empty fragment, and the other way round", () => {
  assert.equal(writeView(EMPTY), "#");
  for (const hash of ["", "#", "#&&", "#b"]) {
    const { faults, ...view } = readView(hash);
    assert.deepEqual(view, EMPTY);
    assert.equal(faults.length, hash === "#b" ? 1 : 0);
  }
});

test("every text survives, and a browser's URL changes nothing of it", () => {
  const texts = [
    "",
    "=",
    "&",
    "#",
    "%",
    "%41",
    "+ ,",
    "é😀\u2028",
    "\"<>'`",
    "__proto__",
    "\u0000\n",
  ];
  for (const text of texts) {
    const view = {
      bindings: [{ exchange: text, routingKeyPattern: text }],
      filter: text,
      columns: text ? [text, "a,b", "time"] : [],
      start: "",
      running: true,
    };
    assert.deepEqual(back(view), view);
    const { hash } = new URL(writeView(view), "http://x/");
    assert.deepEqual(readView(hash), { ...view, faults: [] });
  }
});

test("half a character becomes the one that stands for it", () => {
  assert.equal(back({ ...EMPTY, filter: "a\uD83D" }).filter, "a\uFFFD");
});

test("what is not understood is a fault, and the rest counts", () => {
  const view = readView("#b=exchange&b=x=%E0%A4&b=e=k&f=%&c=time,%FF&run=0&other=1&__proto__=x");
  assert.deepEqual(view.bindings, [{ exchange: "e", routingKeyPattern: "k" }]);
  assert.deepEqual([view.filter, view.columns, view.running], ["", [], false]);
  assert.equal(view.faults.length, 4);
  assert.match(view.faults[0], /^b=exchange: a binding is exchange=pattern/);
  assert.match(view.faults[1], /not URL-encoded/);
  assert.equal({}.x, undefined);
});

test("a link whose commas were encoded on the way is read alike", () => {
  assert.deepEqual(readView("#c=time%2Cexchange%2Ckey").columns, ["time", "exchange", "key"]);
});

test("columns count once, and unnamed ones not at all", () => {
  assert.deepEqual(readView("#c=a,,b,a,").columns, ["a", "b"]);
});

test("a hostile fragment is neither slow nor large", () => {
  const { bindings, faults } = readView(`#${"b=e=k&".repeat(50_000)}`);
  assert.equal(bindings.length, 1000);
  assert.equal(faults.length, 1);
  const [fault] = readView(`#b=${"x".repeat(1_000_000)}`).faults;
  assert.ok(fault.length < 200);
});

test("a beginning is now, the newest messages, a time ago or an instant", () => {
  const instant = "2026-11-25T10:00:00Z";
  assert.deepEqual(
    ["", "now", "5", "90s", "24h", instant].map((start) => [placeOf(start), titleOf(start)]),
    [
      [{ last: 100 }, "Last 100"],
      [{}, "From now"],
      [{ last: 5 }, "Last 5"],
      [{ since: "90s" }, "Since 90 s"],
      [{ since: "24h" }, "Since 24 h"],
      [{ since: instant }, `Since ${instant}`],
    ],
  );
  for (const start of STARTS) assert.equal(back({ ...EMPTY, start }).start, start);
  assert.equal(checkedStart("100"), ""); // one name for each
});

test("a beginning that the server would refuse is a fault of the fragment", () => {
  for (const text of ["yesterday", "0", "1001", "-5", "1.5h", "2026-13-99"]) {
    const { start, faults } = readView(`#b=e=k&t=${text}`);
    assert.equal(start, "");
    assert.match(faults[0], new RegExp(`^t=${text}: a beginning is now`));
  }
});
