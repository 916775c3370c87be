// @ts-check
/**
 * The filter of the table: words that all must be there, `-word` that must not, `field:value`.
 *
 * `field:value` looks into one part: `exchange`, `routingKey` (or `key`), `cc`, a named word of
 * the routing key, or a path into the payload; `field:=value` wants the whole value.  A term lets
 * nothing through until a message has its field: what was mistyped must not look like an answer,
 * above all with a minus before it.
 */
import { looksLikeOperator } from "./advice.js";
import { exactPayload, hasOddNumbers, jsonOf, textOf, WrittenNumber } from "./exact.js";
import { payloadSlice } from "./rawjson.js";
import { escaped, hasUnseen } from "./signs.js";

/** @import { Entry } from "./log.js" */
/**
 * @typedef {object} Term
 * @property {boolean} negated
 * @property {string} field empty for the whole text
 * @property {boolean} whole
 * @property {string} value in lower case
 * @property {RegExp} pattern that finds it in a text, or in JSON
 * @property {string} word as it was written
 * @property {boolean} isQuoted
 */

const FIELD = String.raw`(payload\.[^\s:"]+|[\p{L}_$][\p{L}\d_$.-]*)`;
const EQUALS = String.raw`(=(?=\S)|(?!=))`;
const QUOTED = String.raw`"((?:[^"\\]|\\.)*)"?`; // not closed, it reaches to the end
const TERM = new RegExp(String.raw`(-?)(?:${FIELD}:(?!\/\/)${EQUALS})?(?:${QUOTED}|(\S+))`, "gu");
const UNFINISHED = /^[\p{L}_$][\p{L}\d_$.-]*:=?$/u; // somebody is typing
const SHORT_NAMES = new Map([["key", "routingKey"]]);
const ROUTED = new Set(["exchange", "routingKey", "cc"]);

export class Filter {
  /** Fields that no message had so far. @type {Set<string>} */
  #unseen;

  /**
   * @param {Term[]} terms
   * @param {string[]} loose names of fields whose value is another term
   * @param {string} text that says all this
   */
  constructor(terms, loose, text) {
    this.text = text;
    this.terms = terms;
    this.loose = loose;
    const fields = terms.map(({ field }) => field);
    this.#unseen = new Set(fields.filter((field) => field && !isOfAll(field)));
  }

  /** Whether it lets everything through. */
  get isEmpty() {
    return this.terms.length === 0;
  }

  /** Fields that it asks for, and that no message had so far. */
  get unseen() {
    return [...this.#unseen];
  }

  /**
   * Looks for the fields that no message had so far.
   * @param {Entry} entry
   * @returns {boolean} whether those that were tested before may pass now
   */
  learn(entry) {
    let isNews = false;
    if (entry.kind === "gap") return isNews;
    for (const field of this.#unseen) {
      if (!valuesAt(entry, field).length) continue;
      this.#unseen.delete(field);
      isNews ||= this.terms.some((term) => term.field === field && term.negated);
    }
    return isNews;
  }

  /**
   * @param {Entry} entry of which it has learned
   * @returns {boolean} always true for a gap: what is missing might have matched
   */
  test(entry) {
    if (entry.kind === "gap" || this.isEmpty) return true;
    if (this.#unseen.size) return false;
    const texts = this.terms.some(({ field }) => !field) ? searchable(entry) : [];
    return this.terms.every((term) => holds(term, entry, texts) !== term.negated);
  }
}

/** @param {string} field */
const isOfAll = (field) => ROUTED.has(field) || field === "payload";

/**
 * @param {string} text
 * @returns {Filter}
 */
export function parseFilter(text) {
  const terms = [];
  const loose = [];
  let unfinished = "";
  for (const [, minus, field = "", equals, quoted, word] of text.matchAll(TERM)) {
    const value = quoted === undefined ? word : unquote(quoted);
    if (unfinished) loose.push(unfinished);
    unfinished = quoted === undefined && UNFINISHED.test(word) ? word : "";
    if (unfinished) continue;
    terms.push({
      negated: minus === "-",
      field: SHORT_NAMES.get(field) ?? field,
      whole: equals === "=",
      value: value.toLowerCase(),
      pattern: patternOf(value),
      word: value,
      isQuoted: quoted !== undefined,
    });
  }
  return new Filter(terms, loose, text);
}

/**
 * @param {string} field
 * @param {string} value
 * @returns {string} the term that wants exactly this value there
 */
export function termOf(field, value) {
  const isPlain = /^[^\s"\\]+$/.test(value) && !looksLikeOperator(value) && !hasUnseen(value);
  return `${field}:=${isPlain ? value : `"${escaped(value.replace(/["\\]/g, "\\$&"))}"`}`;
}

/**
 * Not by lower case: to make that of ten thousand texts takes longer than to search them.
 * @param {string} value
 */
function patternOf(value) {
  const forms = new Set([value, JSON.stringify(value).slice(1, -1)]);
  const sources = [...forms].map((form) => form.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(sources.join("|"), "i");
}

/** @param {string} quoted */
const unquote = (quoted) =>
  quoted.replace(/\\(?:u([\da-f]{4})|(.))/gis, (_, code, character) =>
    code ? String.fromCharCode(Number.parseInt(code, 16)) : character,
  );

/**
 * Without the names that every message has: "red" must not find all by "redelivered".
 * @param {Entry} entry
 * @returns {string[]} what is in it; of the payload its JSON, characters as themselves
 */
function searchable(entry) {
  const { text, message } = entry;
  const { exchange, routingKey, cc } = message;
  const sent = payloadSlice(text);
  const isOther = sent === null || (sent.includes("\\") && /\\[u/]/.test(sent));
  const json = isOther ? jsonOf(exactPayload(entry)) : sent;
  return [json, exchange, routingKey, ...cc];
}

/**
 * @param {Term} term
 * @param {Entry} entry
 * @param {string[]} texts of the entry
 */
function holds({ field, whole, value, pattern }, entry, texts) {
  if (!field) return texts.some((text) => pattern.test(text));
  /** @param {unknown} found */
  const fits = (found) => {
    const said = textOf(found).toLowerCase();
    return whole ? said === value : said.includes(value);
  };
  return valuesAt(entry, field).some(fits);
}

/**
 * @param {Entry} entry
 * @param {string} field
 * @returns {unknown[]} what stands there; several if the way leads through an array
 */
export function valuesAt(entry, field) {
  const { message, fields } = entry;
  if (ROUTED.has(field)) return [message[/** @type {"exchange"} */ (field)]].flat();
  const named = fields?.find(({ name }) => name === field);
  if (named) return [named.value];
  if (message.omitted) return [];
  const path = field.replace(/^payload\./, "");
  const found = walkFrom(message.payload, path);
  // To read the text again takes long: only for what may be otherwise there.
  const isOdd = found.some((value) => typeof value === "number" || typeof value === "object");
  return isOdd && hasOddNumbers(entry) ? walkFrom(exactPayload(entry), path) : found;
}

/**
 * @param {unknown} payload
 * @param {string} path
 */
const walkFrom = (payload, path) => (path === "payload" ? [payload] : walk(payload, path));

/**
 * @param {object} value
 * @param {string} key
 */
const isMember = (value, key) => Object.prototype.propertyIsEnumerable.call(value, key);

/**
 * @param {unknown} value
 * @param {string} path words between dots; a key may hold dots itself
 * @returns {unknown[]}
 */
function walk(value, path) {
  if (value === null || typeof value !== "object" || value instanceof WrittenNumber) return [];
  if (isMember(value, path)) {
    const found = /** @type {Record<string, unknown>} */ (value)[path];
    return Array.isArray(found) ? found : [found];
  }
  const found = [];
  for (let dot = path.indexOf("."); dot >= 0; dot = path.indexOf(".", dot + 1)) {
    const key = path.slice(0, dot);
    if (isMember(value, key)) {
      const inner = /** @type {Record<string, unknown>} */ (value)[key];
      found.push(...walk(inner, path.slice(dot + 1)));
    }
  }
  return found.length || !Array.isArray(value) ? found : value.flatMap((each) => walk(each, path));
}
