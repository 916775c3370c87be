// @ts-check
/**
 * What the table's columns show of an entry, by the names that the URL has for them.
 *
 * A name is one of the fixed ones below, a path that begins with `payload.`, or a named word of
 * the routing key.
 */
import { termOf, valuesAt } from "./filter.js";
import { relative } from "./times.js";

/** @import { Entry } from "./log.js" */
/**
 * @typedef {object} Column
 * @property {string} name
 * @property {string} title
 * @property {string} width as CSS's `grid-template-columns` takes it
 * @property {boolean} isTicking whether its text changes as time goes by
 * @property {(entry: Entry, nowMs: number) => string} text
 * @property {string | null} field of the filter; null if there is nothing to filter by
 */

export const USUAL_COLUMNS = ["time", "exchange", "key", "payload"];
const TEXT_LIMIT = 300;
const PAYLOAD_START = '{"payload":'.length;
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
    column("time", "Age", "4.2rem", (entry, nowMs) => relative(entry.atMs, nowMs), null),
    column("exchange", "Exchange", "minmax(9.5rem, 13rem)", exchangeText, "exchange"),
    column("key", "Routing key", "minmax(13rem, 3fr)", (e) => e.message.routingKey, "routingKey"),
    column("cc", "CC", "minmax(9rem, 2fr)", (entry) => entry.message.cc.join(", "), "cc"),
    column("redelivered", "Redelivered", "6rem", redeliveredText, null),
    column("payload", "Payload", "minmax(12rem, 3fr)", payloadStart, null),
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
  return (
    FIXED.get(name) ?? column(name, title, "minmax(7rem, 1.5fr)", (e) => valueText(e, name), name)
  );
}

/**
 * @param {Column} column
 * @param {Entry} entry
 * @returns {string | null} a term for the filter that this entry's value passes; null if none can
 */
export function termFor({ field, text }, entry) {
  if (!field || entry.kind === "gap") return null;
  const value = field === "cc" ? entry.message.cc[0] : valueOf(entry, field, text);
  return value ? termOf(field, value) : null;
}

/**
 * @param {Entry} entry
 * @param {string} field
 * @param {Column["text"]} text
 */
function valueOf(entry, field, text) {
  if (field === "exchange") return entry.message.exchange;
  return FIXED.has(field) ? text(entry, 0) : valueText(entry, field);
}

/**
 * @param {string} name
 * @param {string} title
 * @param {string} width
 * @param {Column["text"]} text
 * @param {string | null} field
 * @returns {Column}
 */
function column(name, title, width, text, field) {
  return { name, title, width, isTicking: name === "time", text, field };
}

/** @param {Entry} entry */
function exchangeText({ message }) {
  return shortName(message.exchange);
}

/** @param {Entry} entry */
function redeliveredText({ message }) {
  return message.redelivered ? "yes" : "";
}

/**
 * The text as it came, without parsing: it is what most rows show.
 * @param {Entry} entry
 */
function payloadStart({ text }) {
  const end = PAYLOAD_START + TEXT_LIMIT;
  const whole = text.length <= end ? text.replace(/,"exchange":".*$/, "") : text;
  return whole.slice(PAYLOAD_START, end);
}

/**
 * @param {Entry} entry
 * @param {string} name
 */
function valueText(entry, name) {
  const texts = valuesAt(entry, name).map((value) =>
    typeof value === "string" ? value : (JSON.stringify(value) ?? ""),
  );
  return texts.join(", ").slice(0, TEXT_LIMIT);
}
