import assert from "node:assert/strict";
import { test } from "node:test";
import { adviceOn } from "../../src/pulse_events/web/static/inspector/advice.js";
import { parseFilter, termOf } from "../../src/pulse_events/web/static/inspector/filter.js";

const entry = {
  kind: "message",
  message: {
    payload: { status: { state: "failed", runs: [{ reasonResolved: "x" }] }, "odd name": 1 },
    exchange: "e",
    routingKey: "k",
    cc: [],
  },
  text: "",
  fields: [
    { name: "workerType", value: "linux" },
    { name: "runId", value: "0" },
  ],
};

function adviceFor(text, entries = [entry]) {
  const filter = parseFilter(text);
  for (const each of entries) filter.learn(each);
  return adviceOn(filter, () => entries);
}
const wordsFor = (text) => adviceFor(text).map(({ words }) => words);

test("an unknown field is named, with those that may be meant", () => {
  const found = (text) => adviceFor(text).map(({ field, nearest }) => [field, ...nearest]);
  assert.deepEqual(found("state:failed"), [["state", "status.state"]]);
  assert.deepEqual(found("-state:completed"), [["state", "status.state"]]);
  assert.deepEqual(found("workerTyp:linux"), [["workerTyp", "workerType"]]);
  assert.deepEqual(found("WORKERTYPE:linux"), [["WORKERTYPE", "workerType"]]);
  assert.deepEqual(found("worker:linux"), [["worker", "workerType"]]);
  assert.deepEqual(found("payload.statsu.state:x"), [["payload.statsu.state", "status.state"]]);
  assert.deepEqual(found("reasonresolved:x"), [["reasonresolved", "status.runs.reasonResolved"]]);
  assert.deepEqual(found("zzz:1 qqq:2"), [["zzz"], ["qqq"]]);
  assert.match(wordsFor("state:failed")[0], /No message here has a field “state”/);
});

test("there is no advice before a message came, nor for what is fine", () => {
  assert.deepEqual(adviceFor("state:failed", []), []);
  assert.deepEqual(adviceFor("state:failed", [{ ...entry, kind: "gap" }]), []);
  for (const text of [
    "",
    "failed -linux",
    "status.state:failed key:k",
    "runId:=0",
    "https://example.com/a?b=c/",
    "a/b",
    "2026-11-25T12:30",
    "foo()",
    "runId:",
    "a-b_c.d",
    '"gecko|comm" "/re/" "a*" key:"/k/"',
    "or and not",
  ]) {
    assert.deepEqual(adviceFor(text), [], text);
  }
});

test("the operators of other tools are told to be text", () => {
  const told = {
    "gecko|comm": "no “or”",
    "key:gecko|comm": "no “or”",
    "a OR b": "no “or”",
    "a || b": "no “or”",
    "a AND b": "all words",
    "a && b": "all words",
    "+a": "all words",
    "NOT a": "leaves out",
    "!a": "leaves out",
    "/re/": "regular expressions",
    "-/re.*/i": "regular expressions",
    "key:/re/": "regular expressions",
    "runId:>0": "not compared",
    "runId:!=0": "not compared",
    "runId:=<5": "not compared",
    "runId>=0": "field:value",
    "status.state=failed": "field:value",
    "status.state==failed": "field:value",
    "gecko*": "wildcards",
    "key:*": "wildcards",
    "(a b": "brackets",
  };
  for (const [text, part] of Object.entries(told)) {
    const words = wordsFor(text);
    assert.equal(words.length, 1, `${text}: ${words}`);
    assert.ok(words[0].includes(part), `${text}: ${words}`);
  }
});

test("a field that stands alone before another word is told", () => {
  assert.match(wordsFor("status.state: failed")[0], /“status.state:” stands alone/);
});

test("the term for a value is never taken for an operator", () => {
  for (const value of ["a|b", "/re/", "a*", ">5", "=x", "|"]) {
    assert.deepEqual(adviceFor(termOf("key", value)), [], value);
  }
});
