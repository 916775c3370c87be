// @ts-check
/**
 * JSON values as they stand in a line of the tree: short, coloured by kind, cut if they are long.
 */
import { button, element, say, set } from "./dom.js";
import { WrittenNumber } from "./exact.js";
import { inLine, visible } from "./signs.js";

const STRING_LIMIT = 500;
const PREVIEW_LIMIT = 60;
const PREVIEW_KEYS = 6;

/**
 * @param {unknown} value
 * @returns {number} of entries; 0 if there is nothing to open
 */
export function entryCount(value) {
  if (value === null || typeof value !== "object" || value instanceof WrittenNumber) return 0;
  return Array.isArray(value) ? value.length : Object.keys(value).length;
}

/**
 * @param {string | number | null} key
 * @returns {(Node | string)[]}
 */
export function keyParts(key) {
  if (key === null) return [];
  const text = String(key);
  const shown = text.length > STRING_LIMIT ? `${text.slice(0, STRING_LIMIT)}…` : text;
  return [element("span", { class: "key" }, inLine(shown)), ": "];
}

/** @param {unknown} value without entries */
export function valueNode(value) {
  if (typeof value === "string") return stringNode(value);
  if (value instanceof WrittenNumber) return element("span", { class: "number" }, value.text);
  if (value !== null && typeof value === "object") {
    return element("span", { class: "preview" }, Array.isArray(value) ? "[]" : "{}");
  }
  const kind = value === null ? "null" : typeof value;
  return element("span", { class: kind }, String(value));
}

/**
 * @param {unknown} value with entries
 * @param {number} size
 */
export function preview(value, size) {
  const text = Array.isArray(value) ? `[${size}]` : keysOf(/** @type {object} */ (value), size);
  return element("span", { class: "preview" }, text);
}

/**
 * @param {object} value
 * @param {number} size
 */
function keysOf(value, size) {
  const keys = [];
  for (const key in value) {
    if (keys.push(key) === PREVIEW_KEYS) break;
  }
  const names = keys.join(", ");
  const isCut = names.length > PREVIEW_LIMIT || keys.length < size;
  return `{${names.slice(0, PREVIEW_LIMIT)}${isCut ? "…" : ""}}`;
}

/** @param {string} text */
function stringNode(text) {
  const span = element("span", { class: "string" });
  if (text.length <= STRING_LIMIT) {
    say(span, JSON.stringify(text));
    return span;
  }
  const all = button(`show all ${text.length.toLocaleString("en")} characters`, () => {
    say(span, JSON.stringify(text));
  });
  set(all, { class: "quiet more" });
  span.append(visible(`${JSON.stringify(text.slice(0, STRING_LIMIT)).slice(0, -1)}… `), all);
  return span;
}
