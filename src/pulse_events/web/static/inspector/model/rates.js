// @ts-check
/** How many messages came in each second, per exchange, over the last minutes. */

export const SPAN_S = 180;
/** Exchanges beyond these are counted together. */
const EXCHANGES_LIMIT = 200;
export const OTHERS = "other exchanges";

export class Rates {
  /** @type {Map<string, Uint32Array>} counts, by second modulo the span */
  #counts = new Map();
  #second = 0;

  /**
   * @param {string} exchange
   * @param {number} at milliseconds since the epoch
   */
  add(exchange, at) {
    this.advance(at);
    const isKnown = this.#counts.has(exchange) || this.#counts.size < EXCHANGES_LIMIT;
    const name = isKnown ? exchange : OTHERS;
    let counts = this.#counts.get(name);
    if (!counts) this.#counts.set(name, (counts = new Uint32Array(SPAN_S)));
    counts[this.#second % SPAN_S]++;
  }

  /**
   * Lets time pass: seconds without messages count as well.
   * @param {number} at
   */
  advance(at) {
    const second = Math.floor(at / 1000);
    const passed = Math.min(second - this.#second, SPAN_S);
    for (let i = 0; i < passed; i++) {
      for (const counts of this.#counts.values()) counts[(second - i) % SPAN_S] = 0;
    }
    if (passed > 0) this.#second = second;
  }

  clear() {
    this.#counts.clear();
  }

  get exchanges() {
    return [...this.#counts.keys()];
  }

  /** The second that counts now, since the epoch; it is not over yet. */
  get second() {
    return this.#second;
  }

  /**
   * @param {string} exchange
   * @param {number} secondsAgo
   */
  count(exchange, secondsAgo) {
    if (secondsAgo >= SPAN_S || secondsAgo > this.#second) return 0;
    return this.#counts.get(exchange)?.[(this.#second - secondsAgo) % SPAN_S] ?? 0;
  }

  /**
   * @param {string} exchange
   * @param {number} seconds full ones, before the one that counts now
   * @returns {number} messages a second
   */
  average(exchange, seconds = 5) {
    let sum = 0;
    for (let ago = 1; ago <= seconds; ago++) sum += this.count(exchange, ago);
    return sum / seconds;
  }
}
