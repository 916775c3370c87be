// @ts-check
/**
 * One colour for each exchange, the same in the chart and in the table, as a CSS class.
 */

const HUES = 8;
const RED = 3;
const MEANS_RED = /fail|exception|error/;

export class Palette {
  /** @type {Map<string, string>} */
  #classes = new Map();

  /**
   * @param {string} exchange
   * @returns {string} the class; the ninth exchange and later ones share one
   */
  classOf(exchange) {
    const found = this.#classes.get(exchange) ?? this.#pick(exchange);
    if (!found) return "hue-other";
    this.#classes.set(exchange, found);
    return found;
  }

  /**
   * @param {string} exchange
   * @returns {string | undefined} red for failures, for others if nothing else is left
   */
  #pick(exchange) {
    const taken = new Set(this.#classes.values());
    const others = Array.from({ length: HUES }, (_, i) => i).filter((i) => i !== RED);
    const order = MEANS_RED.test(exchange) ? [RED, ...others] : [...others, RED];
    return order.map((i) => `hue-${i}`).find((name) => !taken.has(name));
  }

  /**
   * @param {string} exchange
   * @returns {string} its class if it has one already, else none
   */
  knownClassOf(exchange) {
    return this.#classes.get(exchange) ?? "";
  }
}
