// @ts-check
/**
 * Topic patterns and the named words of a known exchange's routing keys: one from the other, and in words.
 *
 * A pattern is words between dots; "*" is one word, "#" any number of them.  Whether a message matches is
 * for the server to say.
 */
import { ABSENT } from "./catalogue.js";

/** @import { Exchange, Word } from "../types.d.ts" */
/** @typedef {{ words: string, doubts: string[] }} Explanation */

const ROUTE = "route.";
const SLUG_ID = /^[A-Za-z0-9_-]{22}$/;
const SLUG_FIELDS = new Set(["taskId", "taskGroupId"]);

/** @param {string} text */
const quote = (text) => `“${text}”`;

/** @param {string} pattern */
const wordsOf = (pattern) => (pattern === "" ? [] : pattern.split("."));

/** @param {string} word */
const isWild = (word) => word === "*" || word === "#";

/**
 * @param {readonly string[]} values one for each word of the exchange; empty for any
 * @param {readonly Word[]} words
 * @returns {string} the shortest pattern that says so
 */
export function buildPattern(values, words) {
  const parts = words.map(({ many }, index) => values[index] || (many ? "#" : "*"));
  const isChosen = parts.some((part, index) => !isWild(part) && !words[index].constant);
  if (!isChosen) return "#";
  words.forEach(({ constant }, index) => constant && (parts[index] = constant));
  const used = parts.length - [...parts].reverse().findIndex((part) => !isWild(part));
  return used === parts.length ? parts.join(".") : [...parts.slice(0, used), "#"].join(".");
}

/**
 * @param {string} pattern
 * @param {readonly Word[]} words
 * @returns {string[] | null} a value for each word, empty for any; null if fields cannot say it
 */
export function fieldsOf(pattern, words) {
  const parts = wordsOf(pattern);
  const isOpen = parts.at(-1) === "#";
  const lead = isOpen ? parts.slice(0, -1) : parts;
  if (lead.includes("#")) return null;
  const hasMany = words.at(-1)?.many ?? false;
  const single = hasMany ? words.length - 1 : words.length;
  const rest = lead.slice(single);
  if (rest.length && !hasMany) return null;
  if (!isOpen && lead.length < words.length) return null;
  const values = words.slice(0, single).map((_, index) => (lead[index] ?? "*").replace(/^\*$/, ""));
  if (hasMany) values.push([...rest, ...(isOpen && rest.length ? ["#"] : [])].join("."));
  return values;
}

/**
 * @param {string} pattern
 * @param {Exchange} [exchange] if it is a known one
 * @returns {Explanation} which messages it picks, and what looks like a mistake
 */
export function explainPattern(pattern, exchange) {
  const doubts = [...doubtsOfWords(pattern)];
  if (/^#(\.#)*$/.test(pattern)) return { words: "every message of this exchange", doubts };
  if (pattern.startsWith(ROUTE)) return { words: explainRoute(pattern), doubts };
  const named = exchange ? explainNamed(pattern, exchange) : null;
  if (exchange) doubts.push(...doubtsOfExchange(pattern, exchange));
  return { words: named ?? explainUnnamed(pattern), doubts };
}

/** @param {string} pattern */
function explainRoute(pattern) {
  const route = pattern.slice(ROUTE.length);
  if (route === "#") return "messages of tasks with any route";
  if (route.endsWith(".#") && !/[*#]/.test(route.slice(0, -1))) {
    return `messages of tasks with a route that starts with ${quote(route.slice(0, -2))}`;
  }
  const how = /(^|\.)[*#](\.|$)/.test(route) ? "a route like" : "the route";
  return `messages of tasks with ${how} ${quote(route)}`;
}

/**
 * @param {string} pattern
 * @param {Exchange} exchange
 */
function explainNamed(pattern, { words }) {
  const values = fieldsOf(pattern, words);
  if (!values) return null;
  const chosen = words.flatMap(({ name, constant }, index) => {
    const value = values[index];
    return !value || value === constant || isWild(value) ? [] : [sayField(name, value)];
  });
  if (!chosen.length) return "every message of this exchange";
  return `messages whose ${joinWords(chosen)}`;
}

/**
 * @param {string} name
 * @param {string} value
 */
function sayField(name, value) {
  if (value === ABSENT) return `${name} is not set`;
  if (value.endsWith(".#")) return `${name} starts with ${quote(value.slice(0, -2))}`;
  return `${name} is ${quote(value)}`;
}

/** @param {string[]} parts */
function joinWords(parts) {
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** @param {string} pattern */
function explainUnnamed(pattern) {
  const parts = wordsOf(pattern);
  if (!parts.length) return "only messages whose routing key is empty";
  if (!parts.some(isWild)) return `only messages whose routing key is exactly ${quote(pattern)}`;
  const said = parts.map((part) => {
    if (part === "*") return "any word";
    if (part === "#") return "any number of words";
    return part === "" ? "an empty word" : quote(part);
  });
  const open = parts.includes("#");
  const count = open ? "" : ` of ${parts.length} word${parts.length > 1 ? "s" : ""}`;
  return `messages whose routing key${count} is ${said.join(", then ")}`;
}

/** @param {string} pattern */
function* doubtsOfWords(pattern) {
  for (const part of wordsOf(pattern)) {
    if (part.length > 1 && /[*#]/.test(part)) {
      yield `${quote(part)} is taken literally: * and # only mean something as a whole word between dots`;
    }
  }
  if (/\.$|^\.|\.\./.test(pattern)) yield "an empty word stands where two dots, or a dot and an end, meet";
  if (/\s/.test(pattern)) yield "it has a space in it";
}

/**
 * @param {string} pattern
 * @param {Exchange} exchange
 */
function* doubtsOfExchange(pattern, { words }) {
  const parts = wordsOf(pattern);
  const isOpen = parts.includes("#");
  const count = parts.filter((part) => part !== "#").length;
  const isMany = words.at(-1)?.many;
  if (count < words.length && !isOpen) {
    yield `nothing can match: keys of this exchange have ${isMany ? "at least " : ""}${words.length} words, this pattern ${count}; end it with .# to leave the rest open`;
  } else if (count > words.length && !isMany) {
    yield `nothing can match: keys of this exchange have ${words.length} words, this pattern ${isOpen ? "at least " : ""}${count}`;
  }
  const constant = words[0]?.constant;
  if (constant && parts.length && !isWild(parts[0]) && parts[0] !== constant) {
    yield `keys of this exchange start with ${quote(constant)}, or with ${quote("route")} for a task's routes`;
  }
  yield* doubtsOfIds(fieldsOf(pattern, words) ?? [], words);
}

/**
 * @param {string[]} values
 * @param {readonly Word[]} words
 */
function* doubtsOfIds(values, words) {
  for (const [index, value] of values.entries()) {
    const { name } = words[index];
    if (value && SLUG_FIELDS.has(name) && !SLUG_ID.test(value)) {
      yield `${quote(value)} does not look like a ${name}, which has 22 letters, digits, - or _`;
    }
  }
}
