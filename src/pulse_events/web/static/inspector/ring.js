// @ts-check
/**
 * The newest items of many: adding one is constant work, whatever is dropped for it.
 * @template T
 */
export class Ring {
  /** @type {(T | undefined)[]} */
  #items = [];
  #start = 0;
  length = 0;

  /** @param {number} limit most items kept, at least one */
  constructor(limit) {
    this.limit = limit;
  }

  /**
   * @param {number} i 0 is the oldest
   * @returns {T}
   */
  at(i) {
    return /** @type {T} */ (this.#items[(this.#start + i) % this.limit]);
  }

  /** @param {T} item drops the oldest if there is no place */
  push(item) {
    if (this.length === this.limit) this.shift();
    this.#items[(this.#start + this.length) % this.limit] = item;
    this.length += 1;
  }

  /** Drops the oldest. */
  shift() {
    if (!this.length) return;
    this.#items[this.#start] = undefined; // so that it can be collected
    this.#start = (this.#start + 1) % this.limit;
    this.length -= 1;
  }

  /** Oldest first. */
  *[Symbol.iterator]() {
    for (let i = 0; i < this.length; i += 1) yield this.at(i);
  }
}
