// @ts-check
/** Which messages are shown: by words anywhere in the message, and by its fields. */
import { reader } from "./fields.js";

/** @import { FieldTest, MessageEntry, Operator } from "../types.d.ts" */
/** @import { Catalogue } from "./catalogue.js" */

/** @type {readonly { op: Operator, words: string }[]} */
export const OPERATORS = [
  { op: "=", words: "is" },
  { op: "!=", words: "is not" },
  { op: "~", words: "contains" },
  { op: "!~", words: "does not contain" },
];

/** @param {string} op */
export const isOperator = (op) => OPERATORS.some((operator) => operator.op === op);

/**
 * Words that must all be there, "quoted" ones with their spaces, -without those after a minus.
 * @param {string} query
 */
export function parseQuery(query) {
  const wanted = [];
  const unwanted = [];
  for (const [, minus, quoted, plain] of query.matchAll(/(-?)(?:"([^"]*)"?|(\S+))/g)) {
    const word = (quoted ?? plain).toLowerCase();
    if (word) (minus && word !== "-" ? unwanted : wanted).push(word);
  }
  return { wanted, unwanted };
}

/**
 * @param {FieldTest} test
 * @param {Catalogue} catalogue
 * @returns {(entry: MessageEntry) => boolean}
 */
function compileTest({ field, op, value }, catalogue) {
  const read = reader(field, catalogue);
  const wanted = value.toLowerCase();
  if (op === "=") return ({ message }) => read(message) === value;
  if (op === "!=") return ({ message }) => read(message) !== value;
  if (op === "~") return ({ message }) => read(message).toLowerCase().includes(wanted);
  return ({ message }) => !read(message).toLowerCase().includes(wanted);
}

/**
 * @param {string} query
 * @param {readonly FieldTest[]} tests
 * @param {Catalogue} catalogue
 * @returns {((entry: MessageEntry) => boolean) | null} null if everything passes
 */
export function compileFilter(query, tests, catalogue) {
  const { wanted, unwanted } = parseQuery(query);
  const checks = tests.map((test) => compileTest(test, catalogue));
  if (wanted.length || unwanted.length) {
    checks.push((entry) => {
      const text = (entry.searched ??= entry.text.toLowerCase());
      return wanted.every((word) => text.includes(word)) && !unwanted.some((word) => text.includes(word));
    });
  }
  if (!checks.length) return null;
  return (entry) => checks.every((check) => check(entry));
}
