// @ts-check
/**
 * The view as the URL's fragment: what is listened to, filtered and shown.
 *
 *     #b=exchange/foo=a.*.%23&b=…&f=failed&c=time,exchange,key,taskId&t=10m&run=0
 */

import { checkedStart } from "./start.js";

/** @import { Binding } from "../pulse-events.d.ts" */
/**
 * @typedef {object} View
 * @property {Binding[]} bindings
 * @property {string} filter
 * @property {string[]} columns none means the usual ones
 * @property {string} start where the stream begins, see `start.js`; empty means the usual place
 * @property {boolean} running
 * @property {string[]} faults what of the fragment was not understood, in words
 */

const MOST_PARTS = 1000;
const MOST_SHOWN = 80;
const LONELY = /\p{Surrogate}/gu;
const READABLE = /%(?:2F|3A|2C|40|24)/g; // these mean nothing in a fragment: / : , @ $

/**
 * @param {string} hash with or without `#`
 * @returns {View}
 */
export function readView(hash) {
  /** @type {View} */
  const view = { bindings: [], filter: "", columns: [], start: "", running: true, faults: [] };
  const parts = hash.replace(/^#/, "").split("&").filter(Boolean);
  if (parts.length > MOST_PARTS) view.faults.push(`only the first ${MOST_PARTS} parts are read`);
  for (const part of parts.slice(0, MOST_PARTS)) {
    const [name, text] = cut(part);
    try {
      take(view, name, text);
    } catch (error) {
      view.faults.push(`${part.slice(0, MOST_SHOWN)}: ${reasonOf(error)}`);
    }
  }
  return view;
}

/**
 * @param {Omit<View, "faults">} view
 * @returns {string} with `#`; only `#` if there is nothing to say
 */
export function writeView({ bindings, filter, columns, start, running }) {
  const parts = bindings.map(
    ({ exchange, routingKeyPattern }) => `b=${encode(exchange)}=${encode(routingKeyPattern)}`,
  );
  if (filter) parts.push(`f=${encode(filter)}`);
  if (columns.length) {
    parts.push(`c=${encode(columns.map(escapeComma).join(","))}`);
  }
  if (start) parts.push(`t=${encode(start)}`);
  if (!running) parts.push("run=0");
  return `#${parts.join("&")}`;
}

/**
 * @param {View} view
 * @param {string} name
 * @param {string} text
 */
function take(view, name, text) {
  if (name === "b") takeBinding(view, text);
  else if (name === "f") view.filter = decodeURIComponent(text);
  else if (name === "c") view.columns = columnsOf(text);
  else if (name === "t") view.start = checkedStart(decodeURIComponent(text));
  else if (name === "run") view.running = text !== "0";
}

/**
 * @param {View} view
 * @param {string} text
 */
function takeBinding(view, text) {
  if (!text.includes("=")) throw new Error("a binding is exchange=pattern");
  const [exchange, routingKeyPattern] = cut(text).map(decodeURIComponent);
  view.bindings.push({ exchange, routingKeyPattern });
}

/**
 * Whole first: what passes links on may have encoded the commas between the names.
 * @param {string} text
 */
function columnsOf(text) {
  const names = decodeURIComponent(text).split(",").map(decodeURIComponent);
  return [...new Set(names)].filter(Boolean);
}

/** @param {string} name */
const escapeComma = (name) => name.replace(/[%,]/g, encodeURIComponent);

/**
 * @param {string} text
 * @returns {[string, string]} what is before and after the first "="
 */
function cut(text) {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** @param {string} text */
function encode(text) {
  const whole = text.replace(LONELY, "\uFFFD"); // half a character has no encoding
  return encodeURIComponent(whole).replace(READABLE, decodeURIComponent);
}

/** @param {unknown} error */
function reasonOf(error) {
  if (error instanceof URIError) return "it is not URL-encoded";
  return error instanceof Error ? error.message : String(error);
}
