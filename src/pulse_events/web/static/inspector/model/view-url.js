// @ts-check
/** The whole view as the part of a URL after "#", and back; what is as usual is left out. */
import { DEFAULT_COLUMNS } from "./columns.js";
import { isOperator } from "./filter.js";

/** @import { FieldTest, Operator, View } from "../types.d.ts" */

/** @returns {View} */
export const emptyView = () => ({
  bindings: [],
  listening: false,
  text: "",
  tests: [],
  columns: [...DEFAULT_COLUMNS],
  chart: true,
  editor: false,
  raw: false,
});

/**
 * @param {View} view
 * @returns {string} without "#"
 */
export function formatView(view) {
  const parts = new URLSearchParams();
  for (const { exchange, routingKeyPattern } of view.bindings) {
    parts.append("e", exchange);
    parts.append("k", routingKeyPattern);
  }
  if (view.bindings.length && !view.listening) parts.set("stopped", "1");
  if (view.text) parts.set("q", view.text);
  for (const { field, op, value } of view.tests) parts.append("f", JSON.stringify([field, op, value]));
  if (view.columns.join("\n") !== DEFAULT_COLUMNS.join("\n")) {
    for (const column of view.columns) parts.append("c", column);
  }
  if (!view.chart) parts.set("chart", "0");
  if (view.editor) parts.set("editor", "1");
  if (view.raw) parts.set("raw", "1");
  return readable(parts.toString());
}

/** These need no escape behind "#", and links are read by people. @param {string} text */
const readable = (text) => text.replace(/%2F/g, "/").replace(/%3A/g, ":").replace(/%2C/g, ",");

/**
 * @param {string} hash with or without "#"
 * @returns {View} what cannot be read is left out
 */
export function parseView(hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const patterns = parts.getAll("k");
  const bindings = parts
    .getAll("e")
    .map((exchange, index) => ({ exchange, routingKeyPattern: patterns[index] ?? "#" }));
  const columns = parts.getAll("c").filter(Boolean);
  return {
    ...emptyView(),
    bindings,
    listening: bindings.length > 0 && parts.get("stopped") !== "1",
    text: parts.get("q") ?? "",
    tests: parts.getAll("f").flatMap(parseTest),
    columns: columns.length ? [...new Set(columns)] : [...DEFAULT_COLUMNS],
    chart: parts.get("chart") !== "0",
    editor: parts.get("editor") === "1",
    raw: parts.get("raw") === "1",
  };
}

/**
 * @param {string} text
 * @returns {FieldTest[]} one, or none
 */
function parseTest(text) {
  try {
    const [field, op, value, ...others] = JSON.parse(text);
    const isTest = [field, op, value].every((part) => typeof part === "string") && !others.length;
    return isTest && isOperator(op) ? [{ field, op: /** @type {Operator} */ (op), value }] : [];
  } catch {
    return [];
  }
}
