// @ts-check
/**
 * One colour for each exchange, the same in the chart and in the table, as a CSS class.
 */

const HUES = 8;

export class Palette {
  /** @type {Map<string, string>} */
  #classes = new Map();

  /**
   * @param {string} exchange
   * @returns {string} the class; the ninth exchange and later ones share one
   */
  classOf(exchange) {
    let found = this.#classes.get(exchange);
    if (!found) {
      const index = this.#classes.size;
      if (index >= HUES) return "hue-other";
      this.#classes.set(exchange, (found = `hue-${index}`));
    }
    return found;
  }

  /**
   * @param {string} exchange
   * @returns {string} its class if it has one already, else none
   */
  knownClassOf(exchange) {
    return this.#classes.get(exchange) ?? "";
  }
}
