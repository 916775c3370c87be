// @ts-check
/**
 * Which entries have just come into sight and are to be marked.  Has no clock of its own.
 */

const FRESH_MS = 1500;

export class Freshness {
  #newestId = 0;
  /**
   * When the entries after an id were seen first, oldest first.
   * @type {{ fromId: number, atMs: number }[]}
   */
  #arrivals = [];

  /** Forgets which ids it has seen: those of another log come. */
  clear() {
    this.#newestId = 0;
    this.#arrivals = [];
  }

  /**
   * @param {number} newestId of what is shown now
   * @param {number} nowMs
   * @returns {number} the id after which entries are new
   */
  since(newestId, nowMs) {
    if (newestId > this.#newestId) {
      this.#arrivals.push({ fromId: this.#newestId, atMs: nowMs });
      this.#newestId = newestId;
    }
    while (this.#arrivals.length && nowMs - this.#arrivals[0].atMs > FRESH_MS) {
      this.#arrivals.shift();
    }
    return this.#arrivals[0]?.fromId ?? Infinity;
  }
}
