// @ts-check
/**
 * Values as they were written: a JavaScript number is not what stands in the JSON if that is over
 * 2^53, `1e400`, `-0` or `1.50`.
 */
import { payloadText, withNumbers } from "./rawjson.js";

/** @import { Entry } from "./log.js" */

/**
 * Before the text of a number that is to pass `JSON.parse` and `JSON.stringify`, which not every
 * browser lets see the source.  Nobody who sends a string can know it.
 */
const MARK = `number-${Math.random().toString(36).slice(2)}:`;
const MARKED = new RegExp(`"${MARK}([^"]*)"`, "g");

/** A number as it was written, where JavaScript would write it otherwise. */
export class WrittenNumber {
  /** @param {string} marked */
  constructor(marked) {
    this.text = marked.slice(MARK.length);
  }
}

/**
 * Where a number may be one of those.  It stands behind a sign of the JSON and before one, so that
 * few of the digits in strings are taken for it.
 */
const ODD_NUMBER =
  /(?:^|[:[,])\s*(?:-0[.\d]*|-?\d[\d.]*[eE][-+\d]+|-?[\d.]{16,}|-?\d+\.\d*0)(?=\s*(?:[,}\]]|$))/;

/**
 * @param {Entry} entry
 * @returns {boolean} whether its payload may have numbers that JavaScript writes otherwise
 */
export const hasOddNumbers = ({ text }) => ODD_NUMBER.test(text);

/**
 * @param {Entry} entry
 * @returns {unknown} its payload, such numbers as they were written
 */
export function exactPayload(entry) {
  if (!hasOddNumbers(entry)) return entry.message.payload;
  const marked = withNumbers(payloadText(entry.text), (number) =>
    String(Number(number)) === number ? number : `"${MARK}${number}"`,
  );
  return JSON.parse(marked, (_, value) => (isMarked(value) ? new WrittenNumber(value) : value));
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
const isMarked = (value) => typeof value === "string" && value.startsWith(MARK);

/**
 * @param {unknown} value of a payload
 * @returns {string} a string as it is, anything else as JSON
 */
export function textOf(value) {
  if (typeof value === "string") return value;
  if (value instanceof WrittenNumber) return value.text;
  return jsonOf(value);
}

/** @param {unknown} value of a payload */
export function jsonOf(value) {
  const json = JSON.stringify(value, (_, part) =>
    part instanceof WrittenNumber ? MARK + part.text : part,
  );
  return json?.replace(MARKED, "$1") ?? "";
}
