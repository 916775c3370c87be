// @ts-check
/**
 * Parts of a JSON text as they were written: `JSON.parse` rounds numbers and drops repeated keys.
 */

const SCALAR = /[^\s"{}[\],:]*/y;
const BEFORE_PAYLOAD = '{"payload":';
const AFTER_PAYLOAD = ',"exchange":"';
const IN_STRING = /["\\]/g;
const SPACE = /\s*/y;
const STRING_OR_NUMBER = /["\-\d]/g;

/**
 * @param {string} text of a JSON object, already known to be valid
 * @returns {Map<string, string>} the text of each member's value; the last one if a key is repeated
 */
export function memberTexts(text) {
  const members = new Map();
  let at = skip(text, text.indexOf("{") + 1);
  while (text[at] === '"') {
    const colon = endOfValue(text, at);
    const start = skip(text, skip(text, colon) + 1);
    const end = endOfValue(text, start);
    members.set(JSON.parse(text.slice(at, colon)), text.slice(start, end));
    at = skip(text, skip(text, end) + 1);
  }
  return members;
}

/**
 * @param {string} text of a JSON array, already known to be valid
 * @returns {Generator<{ line: number, text: string }>} its elements; `line` is where one begins
 */
export function* elementsOf(text) {
  let line = 1;
  let counted = 0;
  let at = skip(text, text.indexOf("[") + 1);
  while (at < text.length && text[at] !== "]") {
    line += text.slice(counted, at).split("\n").length - 1;
    counted = at;
    const end = endOfValue(text, at);
    yield { line, text: text.slice(at, end) };
    at = skip(text, end);
    if (text[at] === ",") at = skip(text, at + 1);
  }
}

/**
 * @param {string} text of a JSON value
 * @returns {string} the same without white space between its parts
 */
export function compact(text) {
  const parts = [];
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    const end = quote < 0 ? text.length : quote;
    parts.push(text.slice(at, end).replace(/\s+/g, ""));
    at = quote < 0 ? end : endOfString(text, quote);
    parts.push(text.slice(end, at));
  }
  return parts.join("");
}

/**
 * @param {string} text of a message
 * @returns {string} that of its payload
 */
export function payloadText(text) {
  return memberTexts(text).get("payload") ?? "null";
}

/**
 * The payload's text by its place, without reading all of it: for what is done to every message.
 * What follows the payload holds no quotes but escaped ones, so the last match is the one.
 * @param {string} text of a message
 * @param {number} [limit] characters
 * @returns {string | null} null if the text is of another hand than the server's
 */
export function payloadSlice(text, limit = Infinity) {
  const end = text.lastIndexOf(AFTER_PAYLOAD);
  if (!text.startsWith(BEFORE_PAYLOAD) || end < 0) return null;
  return text.slice(BEFORE_PAYLOAD.length, Math.min(end, BEFORE_PAYLOAD.length + limit));
}

/**
 * @param {string} text of a JSON value
 * @param {(number: string) => string} replacement
 * @returns {string} the same with other text for its numbers
 */
export function withNumbers(text, replacement) {
  const parts = [];
  let from = 0;
  STRING_OR_NUMBER.lastIndex = 0;
  for (let found = STRING_OR_NUMBER.exec(text); found; found = STRING_OR_NUMBER.exec(text)) {
    const end = endOfToken(text, found.index);
    if (found[0] !== '"') {
      parts.push(text.slice(from, found.index), replacement(text.slice(found.index, end)));
      from = end;
    }
    STRING_OR_NUMBER.lastIndex = end;
  }
  return parts.join("") + text.slice(from);
}

/**
 * @param {string} text
 * @param {number} at
 * @returns {number} where something other than white space stands
 */
function skip(text, at) {
  SPACE.lastIndex = at;
  SPACE.test(text);
  return SPACE.lastIndex;
}

/**
 * @param {string} text
 * @param {number} start
 * @returns {number} where the value that starts there has ended
 */
function endOfValue(text, start) {
  let depth = 0;
  let at = start;
  do {
    at = skip(text, at);
    const character = text[at];
    if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") depth -= 1;
    at = endOfToken(text, at);
  } while (depth > 0 && at < text.length);
  return at;
}

/**
 * @param {string} text
 * @param {number} at
 */
function endOfToken(text, at) {
  if (text[at] === '"') return endOfString(text, at);
  SCALAR.lastIndex = at;
  SCALAR.test(text);
  return Math.max(SCALAR.lastIndex, at + 1); // a bracket, a comma or a colon is no scalar
}

/**
 * Not by one expression: on a string of a megabyte that needs more stack than there is.
 * @param {string} text
 * @param {number} start of the string, a quotation mark
 */
function endOfString(text, start) {
  IN_STRING.lastIndex = start + 1;
  while (IN_STRING.test(text)) {
    if (text[IN_STRING.lastIndex - 1] === '"') return IN_STRING.lastIndex;
    IN_STRING.lastIndex += 1;
  }
  return text.length;
}
