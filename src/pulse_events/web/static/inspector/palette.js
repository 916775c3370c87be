// @ts-check
/**
 * One colour for each exchange, the same in the chart, the table and the bindings, as a CSS class.
 *
 * Colours go to what comes, not to what is bound, and at once to all that has come: what comes most
 * often is served first, whatever the order.  What has a colour keeps it for as long as it is looked
 * at; then it may have to give it to what comes more often.
 */

const HUES = 9;
/** For failures alone: whoever sees it takes it for one. */
const RED = 3;
const MEANS_RED = /fail|exception|error/;
const OTHERS = Array.from({ length: HUES }, (_, i) => i).filter((i) => i !== RED);
const REMEMBERED = 200;

export class Palette {
  /** @type {Map<string, string>} */
  #classes = new Map();
  /** Messages that came. @type {Map<string, number>} */
  #counts = new Map();
  /** What was shown without a colour of its own. @type {Set<string>} */
  #short = new Set();
  #onChange;

  /** @param {() => void} [onChange] an exchange has got or lost its colour */
  constructor(onChange = () => {}) {
    this.#onChange = onChange;
  }

  /** @param {string} exchange of a message that came */
  see(exchange) {
    const count = this.#countOf(exchange);
    if (count || this.#counts.size < REMEMBERED) this.#counts.set(exchange, count + 1);
  }

  /**
   * @param {string} exchange of which messages are shown
   * @returns {string} its class; those that came when no colour was left share one
   */
  classOf(exchange) {
    // Colours become free only in `release`.
    const isNew = !this.#classes.has(exchange) && !this.#short.has(exchange);
    if (isNew && this.#pick(exchange)) this.#give(exchange);
    const found = this.#classes.get(exchange);
    if (!found) this.#short.add(exchange);
    return found ?? "hue-other";
  }

  /**
   * @param {string} exchange
   * @returns {string} its class if it has one already, else none
   */
  knownClassOf(exchange) {
    return this.#classes.get(exchange) ?? "";
  }

  /**
   * Takes colours back from what nobody looks at, if something lacks one that comes more often.
   * @param {() => Set<string>} inSight exchanges of which something is looked at
   * @param {() => Set<string>} kept exchanges of which there is something; others are forgotten
   */
  release(inSight, kept) {
    if (!this.#short.size) return;
    const [looked, known] = [inSight(), kept()];
    for (const exchange of this.#counts.keys()) {
      if (!known.has(exchange)) this.#counts.delete(exchange);
    }
    // At least one came of what was shown, even where there was no room to count it.
    const wanted = Math.max(1, ...[...this.#short].map((exchange) => this.#countOf(exchange)));
    this.#short.clear();
    const before = this.#classes.size;
    for (const exchange of this.#classes.keys()) {
      const isRarer = this.#countOf(exchange) < wanted;
      if (isRarer && !looked.has(exchange)) this.#classes.delete(exchange);
    }
    if (this.#classes.size < before) this.#onChange();
  }

  /** @param {string} exchange */
  #countOf(exchange) {
    return this.#counts.get(exchange) ?? 0;
  }

  /** @param {string} shown that is to have one, too, though none of it may be counted */
  #give(shown) {
    const counts = new Map(this.#counts).set(shown, this.#countOf(shown));
    const waiting = [...counts].filter(([exchange]) => !this.#classes.has(exchange));
    const before = this.#classes.size;
    for (const [exchange] of waiting.sort(([, a], [, b]) => b - a)) {
      const name = this.#pick(exchange);
      if (name) this.#classes.set(exchange, name);
    }
    if (this.#classes.size > before) this.#onChange();
  }

  /**
   * @param {string} exchange
   * @returns {string | undefined} none if no colour is left that it may have
   */
  #pick(exchange) {
    const taken = new Set(this.#classes.values());
    const order = MEANS_RED.test(exchange) ? [RED, ...OTHERS] : OTHERS;
    return order.map((i) => `hue-${i}`).find((name) => !taken.has(name));
  }
}
