// @ts-check
/**
 * One colour for each exchange, the same in the chart, the table and the bindings, as a CSS class.
 *
 * Colours go to what comes, not to what is bound, and at once to all that has come: what comes most
 * often is served first, whatever the order.  What has a colour keeps it for as long as it is seen.
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
  /** Whether something was shown without a colour of its own. */
  #isShort = false;
  #onChange;

  /** @param {() => void} [onChange] an exchange has got or lost its colour */
  constructor(onChange = () => {}) {
    this.#onChange = onChange;
  }

  /** @param {string} exchange of a message that came */
  see(exchange) {
    const count = this.#counts.get(exchange) ?? 0;
    if (count || this.#counts.size < REMEMBERED) this.#counts.set(exchange, count + 1);
  }

  /**
   * @param {string} exchange of which messages are shown
   * @returns {string} its class; those that came when no colour was left share one
   */
  classOf(exchange) {
    if (!this.#classes.has(exchange) && this.#pick(exchange)) this.#give();
    const found = this.#classes.get(exchange);
    this.#isShort ||= !found;
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
   * Takes the colours back from what nobody sees any more, if something lacks one.
   * @param {() => Set<string>} inSight exchanges of which something is shown
   */
  release(inSight) {
    if (!this.#isShort) return;
    this.#isShort = false;
    const seen = inSight();
    for (const known of [this.#classes, this.#counts]) {
      for (const exchange of known.keys()) if (!seen.has(exchange)) known.delete(exchange);
    }
    this.#onChange();
  }

  #give() {
    const waiting = [...this.#counts].filter(([exchange]) => !this.#classes.has(exchange));
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
