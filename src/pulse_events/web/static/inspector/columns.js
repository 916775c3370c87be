// @ts-check
/**
 * What the table's columns show of an entry, by the names that the URL has for them.
 *
 * A name is one of the fixed ones below, a path that begins with `payload.`, or a named word of
 * the routing key.
 */
import { textOf } from "./exact.js";
import { termOf, valuesAt } from "./filter.js";
import { publishedAt } from "./published.js";
import { payloadSlice, payloadText } from "./rawjson.js";
import { clockTime, relative, relativeAtLeast, zoneOf } from "./times.js";

/** @import { Entry } from "./log.js" */
/**
 * @typedef {object} Column
 * @property {string} name
 * @property {string} title
 * @property {number} leastRem
 * @property {number} share of the width that is left
 * @property {boolean} isTicking whether its text changes as time goes by
 * @property {(entry: Entry, nowMs: number) => string} text
 * @property {string | null} field of the filter; null if there is nothing to filter by
 */

export const USUAL_COLUMNS = ["time", "exchange", "key", "payload"];
const TEXT_LIMIT = 160;
const BEFORE_NAME = /^exchange\/(?:taskcluster-)?([^/]+)\/v\d+\/(.+)$/;

/** @type {Map<string, string>} */
const shortNames = new Map();

/**
 * @param {string} exchange
 * @returns {string} service and event, such as "queue/task-failed", or the name as it is
 */
export function shortName(exchange) {
  let found = shortNames.get(exchange);
  if (found === undefined) {
    found = exchange.replace(BEFORE_NAME, "$1/$2") || "(default)";
    shortNames.set(exchange, found);
  }
  return found;
}

/** @type {Map<string, Column>} */
const FIXED = new Map(
  [
    column("time", "Age", [4.6, 0], ageText, null),
    column("clock", `Time (${zoneOf(Date.now())})`, [8, 0], clockText, null),
    column("exchange", "Exchange", [12.5, 1], exchangeText, "exchange"),
    column("key", "Routing key", [12, 5], (entry) => entry.message.routingKey, "routingKey"),
    column("cc", "CC", [9, 3], (entry) => entry.message.cc.join(", "), "cc"),
    column("redelivered", "Redelivered", [6, 0], redeliveredText, null),
    column("payload", "Payload", [12, 5], payloadStart, null),
  ].map((each) => [each.name, each]),
);

/** @returns {Column[]} those that every message can fill */
export const fixedColumns = () => [...FIXED.values()];

/**
 * @param {string} name
 * @returns {Column}
 */
export function columnOf(name) {
  const title = name.replace(/^payload\./, "");
  return FIXED.get(name) ?? column(name, title, [8, 2], (entry) => valueText(entry, name), name);
}

/**
 * @param {Column} column
 * @param {Entry} entry
 * @returns {string | null} a term for the filter that this entry's value passes; null if none can
 */
export function termFor({ field, text }, entry) {
  if (!field || entry.kind === "gap") return null;
  const value = field === "cc" ? entry.message.cc[0] : valueIn(entry, field, text);
  return value ? termOf(field, value) : null;
}

/**
 * @param {Entry} entry
 * @param {string} field
 * @param {Column["text"]} text
 */
function valueIn(entry, field, text) {
  if (field === "exchange") return entry.message.exchange;
  return FIXED.has(field) ? text(entry, 0) : valueText(entry, field);
}

/**
 * @param {Column[]} columns
 * @returns {{ widths: string, least: string }} as CSS takes them
 */
export function widthsOf(columns) {
  const widths = columns.map(({ leastRem, share }) =>
    share ? `minmax(${leastRem}rem, ${share}fr)` : `${leastRem}rem`,
  );
  const leastRem = columns.reduce((sum, column) => sum + column.leastRem, 0);
  return { widths: widths.join(" "), least: `${leastRem}rem` };
}

/**
 * @param {string} name
 * @param {string} title
 * @param {[number, number]} size least width in rem, share of what is left
 * @param {Column["text"]} text
 * @param {string | null} field
 * @returns {Column}
 */
function column(name, title, [leastRem, share], text, field) {
  return { name, title, leastRem, share, isTicking: name === "time", text, field };
}

/**
 * @param {Entry} entry
 * @param {number} nowMs
 */
function ageText(entry, nowMs) {
  const { atMs, isBound } = publishedAt(entry);
  return (isBound ? relativeAtLeast : relative)(atMs, nowMs);
}

/** @param {Entry} entry */
function clockText(entry) {
  const { atMs, isBound } = publishedAt(entry);
  return `${isBound ? "<" : ""}${clockTime(atMs)}`;
}

/** @param {Entry} entry */
function exchangeText({ message }) {
  return shortName(message.exchange);
}

/** @param {Entry} entry */
function redeliveredText({ message }) {
  return message.redelivered ? "yes" : "";
}

/** @param {Entry} entry */
function payloadStart({ text, message }) {
  const { omitted, payloadEncoding } = message;
  if (omitted) return `left out: ${omitted}`;
  const start = startOf(text);
  return payloadEncoding ? `${payloadEncoding}: ${start}` : start;
}

/** @param {string} text of a message */
function startOf(text) {
  return payloadSlice(text, TEXT_LIMIT) ?? payloadText(text).slice(0, TEXT_LIMIT);
}

/**
 * @param {Entry} entry
 * @param {string} name
 */
function valueText(entry, name) {
  return valuesAt(entry, name).map(textOf).join(", ").slice(0, TEXT_LIMIT);
}
