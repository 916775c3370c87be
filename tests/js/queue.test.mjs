import assert from "node:assert/strict";
import { test } from "node:test";
import { Queue } from "../../src/pulse_events/web/static/client/queue.js";

const make = (limit = 10) => {
  const heard = { gaps: [], left: 0 };
  const on = { onLeave: () => (heard.left += 1), onDropped: (gap) => heard.gaps.push(gap) };
  return { queue: new Queue(limit, null, on), heard };
};

test("messages are read in order, whether the loop or the stream is first", async () => {
  const { queue } = make();
  const [first, second] = [queue.next(), queue.next()];
  for (const message of [1, 2, 3]) queue.push(message, null);
  assert.deepEqual(
    [(await first).value, (await second).value, (await queue.next()).value],
    [1, 2, 3],
  );
});

test("a loop reads what is left before it ends, and throws once", async () => {
  const { queue } = make();
  queue.push(1, null);
  queue.end(new Error("no"));
  queue.push(2, null);
  assert.deepEqual(await queue.next(), { done: false, value: 1 });
  await assert.rejects(queue.next(), /no/);
  assert.deepEqual(await queue.next(), { done: true, value: undefined });
});

test("the end reaches every waiting reader", async () => {
  const { queue } = make();
  const waiting = [queue.next(), queue.next()];
  queue.end(null);
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ done }) => done),
    [true, true],
  );
});

test("a loop that is too slow loses the oldest, and is told once", async () => {
  const { queue, heard } = make(2);
  for (const message of [1, 2, 3, 4]) queue.push(message, null);
  assert.equal(heard.gaps.length, 0);
  assert.equal((await queue.next()).value, 3);
  assert.equal((await queue.next()).value, 4);
  assert.equal(heard.gaps.length, 1);
  assert.match(heard.gaps[0].reason, /2 messages were dropped/);
});

test("leaving the loop closes the listening", async () => {
  const { queue, heard } = make();
  assert.deepEqual(await queue.return(), { done: true, value: undefined });
  assert.equal(heard.left, 1);
});
