// @ts-check
/**
 * Messages on their way to a `for await` loop that may be slower than the stream.
 */

/** @import { Gap, Message } from "../pulse-events.d.ts" */

/** A promise with its two ends. */
export class Deferred {
  /** @type {(value?: any) => void} */
  resolve = () => {};
  /** @type {(reason: unknown) => void} */
  reject = () => {};
  /** @type {Promise<any>} */
  promise = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
}

/** @implements {AsyncIterator<Message, undefined>} */
export class Queue {
  /** @type {{ message: Message, cursor: string | null, at: number }[]} */
  #kept = [];
  /** @type {Deferred[]} */
  #asking = [];
  #ended = false;
  /** @type {Error | null} */
  #error = null;
  /** @type {{ from: number, count: number } | null} */
  #dropped = null;
  #limit;
  #on;

  /**
   * @param {number} limit messages kept; the oldest are dropped, which is a gap
   * @param {string | null} cursor of what came before
   * @param {{ onLeave(): void, onDropped(gap: Gap): void }} on
   */
  constructor(limit, cursor, on) {
    this.#limit = limit;
    this.cursor = cursor; // of what the loop has taken last
    this.#on = on;
  }

  /** Whether there is something that the loop has not taken. */
  get isBehind() {
    return this.#kept.length > 0;
  }

  /**
   * @param {Message} message
   * @param {string | null} cursor
   */
  push(message, cursor) {
    if (this.#ended) return;
    const asking = this.#asking.shift();
    if (asking) {
      this.cursor = cursor;
      return asking.resolve({ done: false, value: message });
    }
    this.#kept.push({ message, cursor, at: Date.now() });
    if (this.#kept.length > this.#limit) this.#drop();
  }

  /** @param {Error | null} error what the loop throws when it has read all there is */
  end(error) {
    this.#ended = true;
    this.#error = error;
    for (const asking of this.#asking.splice(0)) this.#finish(asking);
  }

  /** @returns {Promise<IteratorResult<Message, undefined>>} */
  next() {
    const asking = new Deferred();
    this.#reportDropped();
    const [first] = this.#kept.splice(0, 1);
    if (first) {
      this.cursor = first.cursor;
      asking.resolve({ done: false, value: first.message });
    } else if (this.#ended) this.#finish(asking);
    else this.#asking.push(asking);
    return asking.promise;
  }

  /** @returns {Promise<IteratorResult<Message, undefined>>} */
  async return() {
    this.#kept = [];
    this.#on.onLeave();
    return { done: true, value: undefined };
  }

  /** @param {Deferred} asking */
  #finish(asking) {
    const error = this.#error;
    this.#error = null; // thrown once, then it is over
    if (error) asking.reject(error);
    else asking.resolve({ done: true, value: undefined });
  }

  #drop() {
    const [oldest] = this.#kept.splice(0, 1);
    this.#dropped ??= { from: oldest.at, count: 0 };
    this.#dropped.count += 1;
  }

  /** Says it when the loop comes back: one gap, not one a message. */
  #reportDropped() {
    if (!this.#dropped) return;
    const { from, count } = this.#dropped;
    this.#dropped = null;
    this.#on.onDropped({
      reason: `the loop was slower than the stream: ${count} messages were dropped`,
      from: new Date(from).toISOString(),
      to: new Date(this.#kept[0]?.at ?? Date.now()).toISOString(),
    });
  }
}
