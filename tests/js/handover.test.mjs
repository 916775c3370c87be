import assert from "node:assert/strict";
import { test } from "node:test";
import { Handover } from "../../src/pulse_events/web/static/client/handover.js";
import { Link } from "../../src/pulse_events/web/static/client/link.js";
import { messageText, soon, until } from "./streamserver.mjs";

const member = (...patterns) => ({
  bindings: patterns.map((routingKeyPattern) => ({ exchange: "e", routingKeyPattern })),
});

/** Two links that the test feeds, none of them connected, and what reaches each listener. */
function scene(t, { before = [], members = [member("a.#")], added = [member("b.#")] } = {}) {
  const endpoint = new URL("http://127.0.0.1:9/connect/");
  const link = (carried) => new Link({ endpoint, bindings: [], fetch }, "", carried);
  const [old, next] = [link(members), link([...members, ...added])];
  const got = new Map([...members, ...added].map((one) => [one, []]));
  const deliver = (text, to) =>
    [...to].forEach((one) => got.get(one).push(JSON.parse(text).payload));
  old.connection.isReady = next.connection.isReady = true;
  old.onMessage = ({ text, message }) => deliver(text, old.match(message));
  old.record();
  const from = (source, key, payload) => source.message(messageText("e", key, payload));
  for (const payload of before) from(old, "a.1", payload);
  const heard = { lost: [], over: 0 };
  const handover = new Handover(old, next, {
    deliver,
    lost: (reason) => heard.lost.push(reason),
    over: () => (heard.over += 1),
  });
  t.after(() => handover.stop());
  handover.start();
  const says =
    (source) =>
    (payload, key = "a.1") =>
      from(source, key, payload);
  return { old, next, heard, got, members, added, onOld: says(old), onNext: says(next) };
}

test("what both bring is delivered once, whichever is ahead", async (t) => {
  const { onOld, onNext, got, members, heard } = scene(t, { before: [1, 2] });
  onOld(3);
  onNext(4);
  onNext(5); // the next stream is ahead: held
  onOld(4); // the old one has passed its beginning: replaced
  onNext(6);
  await until(() => heard.over, "the end");
  assert.deepEqual(got.get(members[0]), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(heard, { lost: [], over: 1 });
});

test("what the old one brought before the new one's first message is not repeated", async (t) => {
  const { onOld, onNext, got, members, heard } = scene(t, { before: [1, 2, 3] });
  onOld(4);
  onNext(3); // the next one began before 3
  onNext(4);
  onNext(5);
  await until(() => heard.over, "the end");
  assert.deepEqual(got.get(members[0]), [1, 2, 3, 4, 5]);
});

test("a quiet old stream is replaced, and an equal message later is not taken for a repetition", async (t) => {
  const { onNext, got, members, heard } = scene(t, { before: [1] });
  await soon(
    until(() => heard.over, "the end"),
    "the end",
  );
  onNext(1);
  await until(() => got.get(members[0]).length === 2, "the equal message");
});

test("a new listener gets its messages at once", (t) => {
  const { onNext, got, added } = scene(t);
  onNext(1, "b.1");
  assert.deepEqual(got.get(added[0]), [1]);
});

test("a message for an old and a new listener reaches each once", async (t) => {
  const both = { members: [member("a.#")], added: [member("#")] };
  const { onOld, onNext, got, members, added, heard } = scene(t, both);
  for (const payload of [1, 2]) onNext(payload);
  onOld(1); // it is closed at that
  onNext(3);
  await until(() => heard.over, "the end");
  assert.deepEqual(
    [got.get(members[0]), got.get(added[0])],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  );
});

test("the old stream's end before it has passed the new one's beginning is a gap", (t) => {
  const { old, onNext, got, members, heard } = scene(t);
  onNext(2);
  old.error(Object.assign(new Error("lost"), { retryInMs: 1 }));
  assert.deepEqual(got.get(members[0]), [2]);
  assert.equal(heard.lost.length, 1);
});

test("what only the old stream's departed listeners wanted does not hold it up", async (t) => {
  const leaving = scene(t, { members: [member("#")], added: [] });
  const busy = setInterval(() => leaving.onOld("x", "other.key"), 20);
  t.after(() => clearInterval(busy));
  leaving.next.match = () => new Set(); // nothing of it is asked for any more
  await soon(
    until(() => leaving.heard.over, "the end"),
    "the end",
    2000,
  );
  assert.deepEqual(leaving.heard.lost, []);
});
