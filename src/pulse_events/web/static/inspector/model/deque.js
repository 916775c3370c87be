// @ts-check
/** A list that grows at its end and shrinks at its front, both at no cost. */

const COMPACT_AT = 1024;

/** @template T */
export class Deque {
  /** @type {T[]} */
  #items = [];
  #head = 0;

  get length() {
    return this.#items.length - this.#head;
  }

  /**
   * @param {number} index from the front
   * @returns {T | undefined}
   */
  at(index) {
    return index < 0 ? undefined : this.#items[this.#head + index];
  }

  /** @param {T} item */
  push(item) {
    this.#items.push(item);
  }

  /** @returns {T | undefined} the first one, which is gone then */
  shift() {
    if (!this.length) return undefined;
    const item = this.#items[this.#head];
    // @ts-expect-error: a hole that nobody reads; the item must not be kept alive
    this.#items[this.#head++] = undefined;
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  *[Symbol.iterator]() {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i];
  }
}
