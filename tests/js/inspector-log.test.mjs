import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFilter } from "../../src/pulse_events/web/static/inspector/filter.js";
import { Log } from "../../src/pulse_events/web/static/inspector/log.js";

const GAP = { reason: "the server stopped", from: "2026-11-25T00:00:00Z", to: "" };

function add(log, number, more = {}) {
  const message = {
    payload: { number, ...more },
    exchange: "e",
    routingKey: `k.${number}`,
    cc: [],
  };
  log.add(message, JSON.stringify(message), number);
}
function fill(log, from, to) {
  for (let number = from; number < to; number += 1) add(log, number);
}
const numberOf = ({ message }) => message.payload.number;
function rows(log) {
  const { visible } = log;
  return Array.from({ length: visible.length }, (_, i) => visible.at(i));
}
const isMessage = ({ kind }) => kind === "message";
const seen = (log) => rows(log).filter(isMessage).map(numberOf);
const numbersAndLosses = (entries) =>
  entries.map((entry) => (isMessage(entry) ? numberOf(entry) : `${entry.lost} lost`));

test("the newest is the first to be seen, and the oldest to be downloaded", () => {
  const log = new Log();
  fill(log, 0, 3);
  assert.deepEqual(seen(log), [2, 1, 0]);
  assert.deepEqual(log.all().map(numberOf), [0, 1, 2]);
  assert.deepEqual([log.kept, log.received, log.dropped, log.held], [3, 3, 0, 0]);
});

test("an entry has a rising id, its time, its text and the fields of its key", () => {
  const log = new Log({ fields: (exchange, key) => [{ name: exchange, value: key }] });
  fill(log, 7, 9);
  const [first, second] = log.all();
  assert.ok(first.id < second.id);
  assert.equal(first.atMs, 7);
  assert.deepEqual(first.fields, [{ name: "e", value: "k.7" }]);
  assert.deepEqual(JSON.parse(first.text), first.message);
});

test("beyond the limit the oldest go, and are counted", () => {
  const log = new Log({ limit: 10_000 });
  fill(log, 0, 12_345);
  assert.deepEqual([log.kept, log.received, log.dropped], [10_000, 12_345, 2345]);
  assert.equal(log.matching, 10_000);
  assert.equal(numberOf(log.visible.at(0)), 12_344);
  assert.equal(numberOf(log.visible.at(9999)), 2345);
  assert.equal(log.visible.length, 10_001);
  assert.deepEqual(log.visible.at(10_000).gap, {
    reason: "this page dropped 2,345 messages to keep newer ones",
    from: "1970-01-01T00:00:00.000Z",
    to: "1970-01-01T00:00:02.344Z",
  });
});

test("of large messages fewer are kept", () => {
  const log = new Log({ limit: 1000 });
  const text = "x".repeat(1_000_000);
  for (let number = 0; number < 80; number += 1) log.add({ payload: { number } }, text, number);
  assert.deepEqual([log.received, log.kept, log.dropped], [80, 50, 30]);
  assert.deepEqual([numberOf(log.visible.at(0)), numberOf(log.visible.at(49))], [79, 30]);
  log.add({ payload: { number: 80 } }, text.repeat(60), 80);
  assert.deepEqual(seen(log), [80]);
  fill(log, 0, 3);
  assert.deepEqual([log.kept, log.matching, log.dropped], [3, 3, 81]);
  log.load(Array.from({ length: 60 }, () => ({ kind: "message", message: {}, text })));
  assert.equal(log.visible.length, 60);
});

test("the filter shows some and keeps all", () => {
  const log = new Log({ limit: 100 });
  log.filter = parseFilter("number:=5");
  fill(log, 0, 50);
  assert.deepEqual(seen(log), [5]);
  assert.equal(log.kept, 50);
  log.filter = parseFilter("");
  assert.equal(log.visible.length, 50);
});

test("what waited for a field to be seen is shown when it is", () => {
  const log = new Log({ limit: 100 });
  fill(log, 0, 2);
  log.filter = parseFilter("-odd:true");
  assert.deepEqual(seen(log), []);
  log.pause();
  add(log, 2, { odd: true });
  assert.deepEqual(seen(log), [1, 0]);
  add(log, 3, { odd: false });
  log.resume();
  assert.deepEqual(seen(log), [3, 1, 0]);
  assert.deepEqual([...log.newest()].map(numberOf), [3, 2, 1, 0]);
});

test("with a filter the oldest go as without, those that it hides too", () => {
  const log = new Log({ limit: 10 });
  log.filter = parseFilter("odd:true");
  for (let number = 0; number < 35; number += 1) add(log, number, { odd: number % 2 === 1 });
  assert.deepEqual(seen(log), [33, 31, 29, 27, 25]);
  fill(log, 35, 45); // none of them matches
  assert.deepEqual(seen(log), []);
  assert.equal(log.kept, 10);
});

test("each entry is looked at once, however many follow", () => {
  const log = new Log({ limit: 10 });
  let looks = 0;
  log.filter = { isEmpty: false, learn: () => false, test: () => Boolean(++looks) };
  fill(log, 0, 1000);
  assert.equal(looks, 1000);
  log.pause();
  fill(log, 0, 1000);
  log.resume();
  assert.equal(looks, 2000);
});

test("a pause freezes what is seen, and loses nothing", () => {
  const log = new Log({ limit: 100 });
  fill(log, 0, 3);
  log.pause();
  fill(log, 3, 50);
  assert.deepEqual(seen(log), [2, 1, 0]);
  assert.deepEqual([log.paused, log.held, log.kept], [true, 47, 50]);
  log.resume();
  assert.deepEqual([log.paused, log.held, log.kept, log.dropped], [false, 0, 50, 0]);
  assert.deepEqual(
    seen(log),
    Array.from({ length: 50 }, (_, i) => 49 - i),
  );
});

test("a pause longer than the limit keeps the newest, and counts the others", () => {
  const log = new Log({ limit: 10 });
  fill(log, 0, 10);
  log.pause();
  fill(log, 10, 35);
  assert.deepEqual([log.matching, numberOf(log.visible.at(0)), log.held], [10, 9, 10]);
  log.resume();
  assert.deepEqual(seen(log), [34, 33, 32, 31, 30, 29, 28, 27, 26, 25]);
  assert.deepEqual([log.received, log.dropped, log.kept], [35, 25, 10]);
});

test("what a long pause dropped is a gap at its place, and in the file", () => {
  const log = new Log({ limit: 10 });
  fill(log, 0, 4);
  log.pause();
  fill(log, 4, 20);
  assert.deepEqual([log.held, log.newer], [10, 16]);
  assert.deepEqual(numbersAndLosses(log.all()), [
    ...[0, 1, 2, 3],
    "6 lost",
    ...[10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
  ]);
  const { gap } = log.all()[4];
  assert.deepEqual([gap.from, gap.to].map(Date.parse), [4, 9]);
  log.filter = parseFilter("nothing-has-this");
  assert.deepEqual(numbersAndLosses(log.allMatching()), ["6 lost"]);
  log.filter = parseFilter("");
  log.resume();
  const whole = ["10 lost", 10, 11, 12, 13, 14, 15, 16, 17, 18, 19];
  assert.deepEqual(numbersAndLosses(log.all()), whole);
  assert.deepEqual(numbersAndLosses(rows(log).reverse()), whole);
  assert.equal(log.position(log.visible.at(10)), 10);
});

test("a long pause with few, large messages keeps what is before it, and the gap between", () => {
  const log = new Log({ limit: 100 });
  const large = (number, size) => log.add({ payload: { number } }, "x".repeat(size), number);
  large(0, 10);
  log.pause();
  large(1, 30_000_000);
  large(2, 30_000_000);
  log.resume();
  assert.deepEqual(numbersAndLosses(log.all()), [0, "1 lost", 2]);
  assert.deepEqual(numbersAndLosses(rows(log)), [2, "1 lost", 0]);
  assert.equal(log.position(log.visible.at(1)), 1);
});

test("a gap of the server's that is dropped makes the page's own as long", () => {
  const log = new Log({ limit: 2 });
  log.gap(GAP, Date.parse("2026-11-25T00:00:05Z"));
  fill(log, 0, 2);
  assert.deepEqual([log.all()[0].gap.from, log.all()[0].lost], ["2026-11-25T00:00:00.000Z", 0]);
  log.clear();
  log.gap({ ...GAP, from: null }, 1);
  fill(log, 0, 3);
  assert.deepEqual([log.all()[0].gap.from, log.all()[0].lost], [null, 1]);
});

test("the filter counts for what a pause holds back too", () => {
  const log = new Log({ limit: 100 });
  fill(log, 0, 10);
  log.pause();
  fill(log, 10, 20);
  log.filter = parseFilter("number:=3");
  assert.deepEqual(seen(log), [3]);
  log.filter = parseFilter("number:=13");
  assert.deepEqual(seen(log), []);
  log.resume();
  assert.deepEqual(seen(log), [13]);
});

test("to pause twice or to resume without a pause changes nothing", () => {
  const log = new Log();
  log.resume();
  log.pause();
  fill(log, 0, 2);
  log.pause();
  assert.equal(log.held, 2);
  log.resume();
  log.resume();
  assert.deepEqual(seen(log), [1, 0]);
});

test("a gap is seen at its place, whatever the filter, and is no message", () => {
  const log = new Log({ limit: 3 });
  log.filter = parseFilter("nothing-has-this");
  fill(log, 0, 1);
  log.gap(GAP, 5);
  fill(log, 1, 2);
  assert.equal(log.visible.length, 1);
  assert.deepEqual([log.visible.at(0).kind, log.visible.at(0).gap], ["gap", GAP]);
  assert.deepEqual([log.received, log.kept, log.dropped], [2, 2, 0]);
  fill(log, 2, 5);
  assert.deepEqual([log.matching, log.dropped], [0, 2]);
});

test("an entry is found where it is seen, and not where it is not", () => {
  const log = new Log({ limit: 10 });
  fill(log, 0, 25);
  for (let i = 0; i < 10; i += 1) assert.equal(log.position(log.visible.at(i)), i);
  const oldest = log.visible.at(9);
  const hidden = log.visible.at(5);
  fill(log, 25, 26);
  assert.equal(log.position(oldest), -1);
  log.filter = parseFilter(`-number:=${numberOf(hidden)}`);
  assert.equal(log.position(hidden), -1);
  assert.equal(log.matching, 9);
});

test("after clear there is nothing, and a pause goes on", () => {
  const log = new Log();
  fill(log, 0, 5);
  const before = log.visible.at(0);
  log.pause();
  fill(log, 5, 9);
  log.clear();
  assert.deepEqual([log.kept, log.held, log.received, log.visible.length], [0, 0, 0, 0]);
  assert.equal(log.position(before), -1);
  assert.equal(log.paused, true);
  fill(log, 9, 10);
  log.resume();
  assert.deepEqual(seen(log), [9]);
});

test("all of a download is seen, even more than the limit", () => {
  const source = new Log({ limit: 100 });
  fill(source, 0, 30);
  source.gap(GAP, 30);
  const log = new Log({ limit: 10, fields: () => [{ name: "n", value: "v" }] });
  log.pause();
  log.load(source.all());
  assert.deepEqual([log.paused, log.visible.length, log.received], [false, 31, 30]);
  assert.deepEqual(log.visible.at(1).fields, [{ name: "n", value: "v" }]);
  log.clear();
  fill(log, 0, 30);
  assert.equal(log.matching, 10);
});

test("what was cleared comes back, before what came since", () => {
  const log = new Log({ limit: 4 });
  fill(log, 0, 3);
  log.pause();
  add(log, 3);
  log.clear();
  log.clear();
  assert.deepEqual([seen(log), log.received, log.isCleared], [[], 0, true]);
  log.resume();
  add(log, 4);
  log.filter = parseFilter("-k.2");
  log.restore();
  assert.deepEqual(seen(log), [4, 3, 1]);
  assert.deepEqual([log.received, log.dropped, log.kept, log.isCleared], [5, 1, 4, false]);
  log.restore();
  assert.deepEqual(seen(log), [4, 3, 1]);
});

test("what was cleared does not come back once it is forgotten, or where there was nothing", () => {
  const log = new Log();
  log.clear();
  assert.deepEqual([log.isCleared, log.wasCleared], [false, false]);
  add(log, 1);
  log.clear();
  log.forget();
  log.restore();
  assert.deepEqual([seen(log), log.isCleared, log.received], [[], false, 0]);
  assert.equal(log.wasCleared, true); // which stays so: something came
  log.begin();
  assert.equal(log.wasCleared, false);
});

test("a file longer than the limit comes back whole", () => {
  const log = new Log({ limit: 2 });
  const message = { payload: { number: 1 }, exchange: "e", routingKey: "k", cc: [] };
  log.load(Array.from({ length: 5 }, () => ({ kind: "message", atMs: 0, message, text: "{}" })));
  log.clear();
  log.restore();
  assert.equal(log.kept, 5);
});
