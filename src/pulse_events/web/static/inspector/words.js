// @ts-check
/**
 * Topic patterns in words, for people who do not write them every day.
 */
import { Catalogue } from "./catalogue.js";

/** @import { Exchange } from "./catalogue.js" */

const ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"];

/**
 * @param {string} pattern
 * @param {Exchange} [exchange] whose words have names
 * @returns {string}
 */
export function explain(pattern, exchange) {
  const parts = pattern === "" ? [] : pattern.split(".");
  return [meaning(pattern, parts, exchange), ...warnings(parts, exchange)].join("; ");
}

/**
 * @param {string} pattern
 * @param {string[]} parts
 * @param {Exchange} [exchange]
 */
function meaning(pattern, parts, exchange) {
  if (!parts.length) return "only messages whose routing key is empty";
  if (parts.every((part) => part === "#")) return "every message";
  return (exchange && byName(pattern, exchange)) ?? byPosition(parts);
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
  const words = parts.filter((part) => part !== "#").length;
  const firstAny = parts.indexOf("#");
  const count = firstAny >= 0 ? `${words} or more` : String(words);
  const size = count === "1" ? "1 word" : `${count} words`;
  const each = parts.map((part, i) => {
    if (part === "#") return i ? "then any number of words" : "any number of words";
    if (firstAny >= 0 && i > firstAny) return `then ${said(part)}`;
    return `${ORDINALS[i] ?? `number ${i + 1}`} is ${said(part)}`;
  });
  return `${size}: ${each.join(", ")}`;
}

/** @param {string} part */
function said(part) {
  if (part === "*") return "any word";
  return part === "" ? "empty" : part;
}

/**
 * @param {string[]} parts
 * @param {Exchange} [exchange]
 * @returns {string[]}
 */
function warnings(parts, exchange) {
  const literal = parts
    .filter((part) => part.length > 1 && /[*#]/.test(part))
    .map((part) => `“${part}” is literal: * and # are wildcards only as whole words`);
  if (!exchange || !isTooShort(parts, exchange.words)) return literal;
  const wanted = `keys of this exchange have ${exchange.words.length} words`;
  return [...literal, `${wanted}: end with # for the rest`];
}

/**
 * Patterns of other shapes are for CC keys, whose number of words nobody knows.
 * @param {string[]} parts
 * @param {Exchange["words"]} words
 */
function isTooShort(parts, words) {
  const isOwnShape = parts[0] === words[0].constant || parts[0] === "*";
  return isOwnShape && !parts.includes("#") && parts.length < words.length;
}
