// @ts-check
/**
 * Topic patterns in words, for people who do not write them every day.
 */
import { Catalogue } from "./catalogue.js";

/** @import { Exchange } from "./catalogue.js" */

const ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"];
const ANY_NUMBER = "any number of words";

/**
 * @param {string} pattern
 * @param {Exchange} [exchange] whose words have names
 * @returns {string}
 */
export function explain(pattern, exchange) {
  return [meaning(pattern, exchange), ...warnings(pattern)].join("; ");
}

/**
 * @param {string} pattern
 * @param {Exchange} [exchange]
 */
function meaning(pattern, exchange) {
  if (pattern === "#") return "every message";
  if (pattern === "") return "only messages whose routing key is empty";
  return (exchange && byName(pattern, exchange)) ?? byPosition(pattern.split("."));
}

/**
 * @param {string} pattern
 * @param {Exchange} exchange
 * @returns {string | null} null if the pattern is not of the exchange's shape
 */
function byName(pattern, exchange) {
  const catalogue = new Catalogue({ demo: false, rootUrl: null, exchanges: [exchange] });
  const values = catalogue.valuesOf(exchange.exchange, pattern);
  if (!values) return null;
  const named = Object.entries(values).map(([name, value]) => `${name} is ${said(value)}`);
  const isAll = exchange.words.every(({ name }) => Object.hasOwn(values, name));
  return (isAll ? named : [...named, "anything else"]).join(", ");
}

/** @param {string[]} parts */
function byPosition(parts) {
  const count = parts.filter((part) => part !== "#").length;
  const size = parts.includes("#") ? `${count} or more words` : plural(count, "word");
  let position = 0;
  const each = parts.map((part) => {
    if (part === "#") return `then ${ANY_NUMBER}`;
    return `${ORDINALS[position++] ?? `number ${position}`} is ${said(part)}`;
  });
  return `${size}: ${each.join(", ")}`;
}

/**
 * @param {number} count
 * @param {string} noun
 */
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** @param {string} part */
function said(part) {
  if (part === "*") return "any word";
  return part === "" ? "empty" : part;
}

/** @param {string} pattern */
function warnings(pattern) {
  return pattern
    .split(".")
    .filter((part) => part.length > 1 && /[*#]/.test(part))
    .map((part) => `“${part}” is literal: * and # are wildcards only as whole words`);
}
