// @ts-check
/** One colour for each exchange, the same in the table and in the chart. */
import { shortName } from "./catalogue.js";

/** States have the colours that people expect. */
const FIXED = new Map([
  ["task-completed", "green"],
  ["task-failed", "red"],
  ["task-exception", "purple"],
  ["task-running", "blue"],
  ["task-pending", "amber"],
  ["task-defined", "slate"],
]);
const OTHERS = ["teal", "pink", "brown", "indigo", "lime", "cyan"];

export const COLOURS = [...new Set([...FIXED.values(), ...OTHERS])];

export class ExchangeColours {
  /** @type {Map<string, string>} */
  #given = new Map();
  #next = 0;

  /**
   * @param {string} exchange
   * @returns {string} one of `COLOURS`
   */
  of(exchange) {
    let colour = this.#given.get(exchange);
    if (!colour) {
      colour = FIXED.get(shortName(exchange)) ?? OTHERS[this.#next++ % OTHERS.length];
      this.#given.set(exchange, colour);
    }
    return colour;
  }
}
