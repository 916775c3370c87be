// @ts-check
/** The exchanges that are known by name, and the names of their routing keys' words. */

/** @import { Exchange } from "../types.d.ts" */
/** @typedef {{ name: string, value: string }} NamedWord */

/** Stands in a routing key for a word without a value. */
export const ABSENT = "_";

export class Catalogue {
  /** Whether the server makes the messages up. */
  isDemo = false;
  rootUrl = "";
  /** @type {Exchange[]} */
  exchanges = [];
  /** @type {Map<string, Exchange>} */
  #byName = new Map();

  /** @param {{ demo?: boolean, rootUrl?: string | null, exchanges?: Exchange[] }} document */
  constructor({ demo = false, rootUrl = null, exchanges = [] } = {}) {
    this.isDemo = demo;
    this.rootUrl = (rootUrl ?? "").replace(/\/+$/, "");
    this.exchanges = exchanges;
    for (const exchange of exchanges) this.#byName.set(exchange.exchange, exchange);
  }

  /** @param {string} name */
  find(name) {
    return this.#byName.get(name);
  }

  /**
   * @param {string} exchange
   * @param {string} key
   * @returns {NamedWord[]} of an exchange that is not known, or a key that is not like its others, numbered
   */
  splitKey(exchange, key) {
    const values = key === "" ? [] : key.split(".");
    const words = this.find(exchange)?.words ?? [];
    const last = words.at(-1);
    const fits = last?.many ? values.length >= words.length : values.length === words.length;
    if (!words.length || !fits) {
      return values.map((value, index) => ({ name: `word ${index + 1}`, value }));
    }
    return words.map(({ name, many }, index) => ({
      name,
      value: many ? values.slice(index).join(".") : values[index],
    }));
  }
}

/** @param {string} exchange */
export const shortName = (exchange) => exchange.slice(exchange.lastIndexOf("/") + 1) || exchange;

/**
 * @param {URL} url
 * @returns {Promise<Catalogue>} an empty one if the server does not answer: the page works without
 */
export async function loadCatalogue(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    return new Catalogue(response.ok ? await response.json() : {});
  } catch {
    return new Catalogue();
  }
}
