// @ts-check
/**
 * The exchanges that the server knows, and what the words of their routing keys mean.
 *
 * Knows `catalogue` of the server; which of the exchanges exist at the broker is not its affair.
 */

/** @typedef {{ name: string, constant: string | null, many: boolean, optional: boolean }} Word */
/**
 * @typedef {object} Exchange
 * @property {string} service
 * @property {string} event
 * @property {string} exchange
 * @property {Word[]} words
 */
/** @typedef {{ demo: boolean, rootUrl: string | null, exchanges: Exchange[] }} CatalogueDocument */
/** @typedef {{ name: string, value: string }} Field */

const ONE_WORD = "*";
const ANY_WORDS = "#";

export class Catalogue {
  /** @type {Map<string, Exchange>} */
  #exchanges = new Map();

  /** @param {CatalogueDocument} document */
  constructor(document) {
    for (const exchange of document.exchanges) this.#exchanges.set(exchange.exchange, exchange);
  }

  /** @returns {Exchange[]} in the server's order */
  all() {
    return [...this.#exchanges.values()];
  }

  /** @returns {string[]} in the server's order */
  names() {
    return [...this.#exchanges.keys()];
  }

  /**
   * @param {string} exchange
   * @returns {Exchange | undefined}
   */
  find(exchange) {
    return this.#exchanges.get(exchange);
  }

  /**
   * @param {string} exchange
   * @param {string} routingKey
   * @returns {Field[] | null} null if the exchange is not known or the key is not of its shape
   */
  fieldsOf(exchange, routingKey) {
    const words = this.#exchanges.get(exchange)?.words;
    return words ? split(words, routingKey) : null;
  }

  /**
   * Composes a pattern.  A constant stands where nothing is given: `*` there would match CC keys
   * of other shapes.
   * @param {string} exchange
   * @param {Record<string, string>} values by field; empty and missing ones match anything
   * @returns {string}
   */
  patternOf(exchange, values) {
    const words = this.#exchanges.get(exchange)?.words ?? [];
    const given = words.map((word) => givenValue(word, values));
    const end = Math.max(...given.map((value, i) => (value ? i + 1 : 0)), 0);
    const parts = words.slice(0, end).map((word, i) => given[i] || wildcard(word));
    const isWhole = end > 0 && end === words.length;
    return (isWhole ? parts : [...parts, ANY_WORDS]).join(".");
  }

  /**
   * The inverse of `patternOf`.
   * @param {string} exchange
   * @param {string} pattern
   * @returns {Record<string, string> | null} null if fields cannot say the same
   */
  valuesOf(exchange, pattern) {
    const words = this.#exchanges.get(exchange)?.words;
    if (!words) return null;
    const parts = pattern === "" ? [] : pattern.split(".");
    const values = Object.create(null);
    for (const [i, word] of words.entries()) {
      const rest = parts.slice(i).join(".");
      if (rest === ANY_WORDS) return values;
      const value = word.many ? rest : parts[i];
      if (!value || !canStand(word, value)) return null;
      if (value !== ONE_WORD || word.constant || word.many) values[word.name] = value;
      if (word.many) return values;
    }
    return parts.length > words.length ? null : values;
  }
}

/**
 * @param {Word[]} words
 * @param {string} routingKey
 * @returns {Field[] | null}
 */
function split(words, routingKey) {
  const parts = routingKey === "" ? [] : routingKey.split(".");
  const spare = parts.length - words.length; // what the `many` word has beyond its first
  const fields = [];
  let next = 0;
  for (const word of words) {
    const start = next;
    next += word.many ? 1 + spare : 1;
    if (next < start || next > parts.length || (next === start && !word.optional)) return null;
    const value = next === start + 1 ? parts[start] : parts.slice(start, next).join(".");
    if (word.constant && value !== word.constant) return null;
    fields.push({ name: word.name, value });
  }
  return next === parts.length ? fields : null;
}

/**
 * @param {Word} word
 * @param {Record<string, string>} values
 * @returns {string} empty if anything will do
 */
function givenValue({ name, constant, many }, values) {
  const value = Object.hasOwn(values, name) ? values[name].trim() : "";
  if (value === ANY_WORDS && many) return "";
  return value === ONE_WORD && !constant && !many ? "" : value;
}

/** @param {Word} word */
function wildcard({ constant, many }) {
  return many ? ANY_WORDS : (constant ?? ONE_WORD);
}

/**
 * @param {Word} word
 * @param {string} value
 */
function canStand({ constant, many }, value) {
  if (many) return true;
  return value !== ANY_WORDS && (!constant || value === ONE_WORD || value === constant);
}
