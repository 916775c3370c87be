/** Listeners of one shared stream that come, go, come back and change while connections break. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { listen } from "../../src/pulse_events/web/static/pulse-events.js";
import { startHistory } from "./historyserver.mjs";
import { soon, until } from "./streamserver.mjs";
import { worker } from "./worker.mjs";

const LETTERS = [..."abcd"];
const ACTS = 40;
const LISTENERS = 5;

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const bindingsOf = (letters) =>
  letters.map((letter) => ({ exchange: "e", routingKeyPattern: `${letter}.#` }));

/** Numbers from [0, 1) that are the same each time (mulberry32). */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Churn {
  /** The letter of each number that was published. */
  published = [];
  listeners = new Set();

  constructor(server, random) {
    this.server = server;
    this.random = random;
    for (const { routingKeyPattern } of bindingsOf(LETTERS)) {
      server.process.inForce.add(routingKeyPattern);
    }
    server.took = (caller) => {
      setTimeout(() => caller.isOpen && server.process.serve(caller), 30 * random());
    };
  }

  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  publish() {
    for (let count = 3 * this.random(); count > 0; count--) {
      const letter = this.pick(LETTERS);
      this.published.push(letter);
      this.server.publish(`${letter}.x`, this.published.length - 1);
    }
  }

  begin(start, letter = this.pick(LETTERS), got = []) {
    const one = { letter, got, gaps: [] };
    one.listening = listen(bindingsOf([letter]), {
      url: this.server.url,
      share: true,
      worker,
      onMessage: ({ payload }) => got.push(payload),
      onGap: (gap) => one.gaps.push(gap),
      ...start,
    });
    this.listeners.add(one);
  }

  end(one) {
    one.listening.close();
    this.listeners.delete(one);
  }

  /** As a page that is closed and opened again. */
  comeBack(one) {
    const { cursor } = one.listening;
    if (cursor === null) return;
    this.end(one);
    this.begin({ cursor }, one.letter, one.got);
  }

  act() {
    const one = this.pick([...this.listeners]);
    const dice = this.random();
    if (!one || (dice < 0.25 && this.listeners.size < LISTENERS)) {
      this.begin(this.pick([{}, { last: 5 }, { since: "10m" }]));
    } else if (dice < 0.45) {
      this.pick(this.server.open)?.drop();
    } else if (dice < 0.65) {
      this.comeBack(one);
    } else if (dice < 0.9) {
      const others = LETTERS.filter(() => this.random() < 0.5);
      one.listening.rebind(bindingsOf([...others, one.letter])).catch(() => {});
    } else {
      this.end(one);
    }
  }

  /** Each has had what it always listened to: from its first message on all, once, in order. */
  async check(one) {
    const due = (number) => this.published[number] === one.letter;
    const last = this.published.lastIndexOf(one.letter);
    // After several drops in a row a client waits for as long as that before it comes back.
    await until(() => one.got.includes(last), `${last} of ${one.letter}`, 30_000);
    assert.equal(new Set(one.got).size, one.got.length, "something came twice");
    const own = one.got.filter(due);
    const numbers = this.published.map((_, number) => number);
    assert.deepEqual(
      own,
      numbers.filter((number) => number >= own[0] && due(number)),
    );
    assert.deepEqual(one.gaps, []);
  }
}

async function churn(t, seed) {
  const random = randomFrom(seed);
  const server = await startHistory(t);
  const made = new Churn(server, random);
  const publishing = setInterval(() => made.publish(), 3);
  const pinging = setInterval(() => server.ping(), 60);
  t.after(() => {
    clearInterval(publishing);
    clearInterval(pinging);
    for (const one of [...made.listeners]) made.end(one);
  });
  for (let count = 0; count < ACTS; count++) {
    await rest(60 * random());
    made.act();
  }
  clearInterval(publishing);
  made.begin({}); // so that there is one
  // One that begins now gets nothing that is older than its `ready`, which may take several delays.
  for (const { listening } of made.listeners) await soon(listening.ready, "ready", 30_000);
  for (const letter of LETTERS) server.publish(`${letter}.x`, made.published.push(letter) - 1);
  for (const one of made.listeners) await made.check(one);
  await until(() => server.open.length === 1, "one stream");
}

describe("nothing is lost or repeated", { concurrency: true }, () => {
  for (const seed of [1, 2, 3, 4]) test(`by churn ${seed}`, (t) => churn(t, seed));
});
