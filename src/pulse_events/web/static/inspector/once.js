// @ts-check
/**
 * Lets each message through once, by its cursor: what is asked for again from an earlier place may
 * be in the table already.
 */

export class Once {
  /** The newest of those that came, oldest first. @type {Set<string>} */
  #came = new Set();
  #limit;

  /** @param {number} limit how many it remembers */
  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  /**
   * @param {string | null} cursor `null` of a stream without them: nothing comes again there
   * @returns {boolean} whether it is the first time
   */
  take(cursor) {
    if (cursor === null) return true;
    if (this.#came.has(cursor)) return false;
    this.#came.add(cursor);
    if (this.#came.size > this.#limit) {
      const [oldest] = this.#came;
      this.#came.delete(oldest);
    }
    return true;
  }

  /** Forgets all: they are to come again. */
  clear() {
    this.#came.clear();
  }
}
