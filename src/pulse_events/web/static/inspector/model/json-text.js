// @ts-check
/** JSON as text: indented without changing a character of its values, and read without rounding. */

const PIECES = /"(?:[^"\\]|\\[^])*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * @param {string} text valid JSON
 * @returns {string} the same, on many lines; numbers that JavaScript would round stay as they are
 */
export function indentJson(text) {
  const out = [];
  let depth = 0;
  const pieces = text.match(PIECES) ?? [];
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const [index, piece] of pieces.entries()) {
    if (piece === "{" || piece === "[") {
      const isEmpty = /^[}\]]$/.test(pieces[index + 1] ?? "");
      depth++;
      out.push(piece, isEmpty ? "" : line());
    } else if (piece === "}" || piece === "]") {
      depth--;
      const isEmpty = /^[{[]$/.test(pieces[index - 1] ?? "");
      out.push(isEmpty ? "" : line(), piece);
    } else if (piece === ",") out.push(piece, line());
    else out.push(piece === ":" ? ": " : piece);
  }
  return out.join("");
}

/** A number whose digits JavaScript cannot keep. */
export class ExactNumber {
  /** @param {string} digits */
  constructor(digits) {
    this.digits = digits;
  }
}

/**
 * @param {string} text
 * @returns {unknown} numbers that would be rounded as `ExactNumber`, where the browser can tell
 */
export function parseExact(text) {
  return JSON.parse(text, /** @type {any} */ (keepDigits));
}

/**
 * @param {string} _key
 * @param {unknown} value
 * @param {{ source?: string }} [context]
 */
function keepDigits(_key, value, context) {
  if (typeof value !== "number" || !context?.source) return value;
  const isWhole = /^-?\d+$/.test(context.source);
  return isWhole && !Number.isSafeInteger(value) ? new ExactNumber(context.source) : value;
}
