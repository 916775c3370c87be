// @ts-check
/**
 * What of a filter cannot do what it looks like: fields that no message has, and the operators of
 * other tools, which are plain text here.
 */
import { knownFields, nearest } from "./fields.js";
import { hasUnseen, visible } from "./signs.js";

/** @import { Filter, Term } from "./filter.js" */
/** @import { Entry } from "./log.js" */
/** @typedef {{ words: string, field: string, nearest: string[] }} Advice `nearest` fields may be meant */

const LEAVES_OUT = "-word leaves out what holds it";
const ALL_WANTED = "all words of a filter must be there";
const NO_OR = "there is no “or”";
const NO_COMPARISON = "a field is asked for by field:value, or field:=value for the whole of it";

/** @type {[RegExp, string][]} of a word as it stands in the filter */
const OPERATORS = [
  [/^(?:OR|\|\|?)$/, NO_OR],
  [/^(?:AND|&&?|\+\S.*)$/, ALL_WANTED],
  [/^(?:NOT|!|!\S.*)$/, LEAVES_OUT],
  [/^\([^)]*$|^[^(]*\)$/, "there are no brackets"],
  [/^[\p{L}_$][\p{L}\d_$.-]*(?:[<>]=?|[=!]=)\S*$/u, NO_COMPARISON],
  [/^[\p{L}_$][\p{L}\d_$.-]*=[^=]+$/u, NO_COMPARISON],
];
/** @type {[RegExp, string][]} of a word, or of what a field is to be */
const IN_VALUES = [
  [/^\/.+\/[a-z]*$/, "there are no regular expressions"],
  [/^\S*[^\s|]\|\S*$|^\|/, NO_OR],
  [/^(?:[<>]=?|[=!]=)/, "fields are not compared"],
  [/\*/, "there are no wildcards, and any part of a word is found"],
];

/**
 * @param {Term} term
 * @returns {string | null} why it does not do what it looks like
 */
function operatorIn({ isQuoted, field, word }) {
  if (isQuoted) return null;
  const table = field ? IN_VALUES : [...OPERATORS, ...IN_VALUES];
  return table.find(([shape]) => shape.test(word))?.[1] ?? null;
}

/**
 * @param {string} word
 * @returns {boolean} whether it has to be in quotes to stand for itself alone
 */
export function looksLikeOperator(word) {
  return IN_VALUES.some(([shape]) => shape.test(word));
}

/**
 * @param {Filter} filter
 * @param {() => Iterable<Entry>} newest entries, asked for only if fields are to be looked for
 * @returns {Advice[]}
 */
export function adviceOn(filter, newest) {
  const { text } = filter;
  const words = filter.terms.flatMap((term) => {
    const reason = operatorIn(term);
    return reason ? [plain(`“${term.word}” is looked for as it stands, since ${reason}.`)] : [];
  });
  const signs = hasUnseen(text)
    ? [plain(`The filter holds what does not show: ${visible(text)}`)]
    : [];
  const loose = filter.loose.map((word) =>
    plain(`“${word}” stands alone: the value follows it without a space.`),
  );
  return [...unknown(filter, newest), ...words, ...loose, ...signs];
}

/** @param {string} words */
const plain = (words) => ({ words, field: "", nearest: [] });

/**
 * @param {Filter} filter
 * @param {() => Iterable<Entry>} newest
 * @returns {Advice[]}
 */
function unknown(filter, newest) {
  if (!filter.unseen.length) return [];
  const known = knownFields(newest());
  // Before anything came nobody knows what messages have.
  if (!known.size) return [];
  return filter.unseen.map((field) => ({
    words: `No message here has a field “${field}”, so nothing is shown.`,
    field,
    nearest: nearest(field, known),
  }));
}
