// @ts-check
/**
 * Several bindings in a text that somebody pastes: as JSON, as a URL, or one in each line.
 */
import { readView } from "./view.js";

/** @import { Binding } from "../pulse-events.d.ts" */

const REQUEST = /\{\s*"bindings"\s*:\s*\[.*\]\s*\}/s;

/**
 * @param {string} text
 * @returns {Binding[]} none if it is one name, or nothing that is understood
 */
export function bindingsIn(text) {
  const trimmed = text.trim();
  const ofJson = fromJson(REQUEST.exec(trimmed)?.[0] ?? trimmed);
  if (ofJson.length) return ofJson;
  const ofUrl = /^https?:\/\/[\w.[\]:-]+\/\S*$/.test(trimmed) ? fromUrl(trimmed) : [];
  return ofUrl.length ? ofUrl : fromLines(trimmed);
}

/** @param {string} json */
function fromJson(json) {
  if (!/^[{[]/.test(json)) return [];
  try {
    const value = JSON.parse(json);
    const entries = Array.isArray(value) ? value : (value.bindings ?? [value]);
    return entries.filter(isBinding).map(bindingOf);
  } catch {
    return []; // it is no JSON: it may be lines, or a name that begins so
  }
}

/** @param {any} entry */
const isBinding = (entry) =>
  typeof entry?.exchange === "string" && typeof (entry.routingKeyPattern ?? "#") === "string";

/** @param {Partial<Binding>} entry @returns {Binding} */
const bindingOf = ({ exchange = "", routingKeyPattern = "#" }) => ({ exchange, routingKeyPattern });

/** @param {string} url of this page with a view, or of a stream */
function fromUrl(url) {
  const [, query = "", hash = ""] = /^[^?#]*(\?[^#]*)?(#.*)?$/.exec(url) ?? [];
  const asked = fromJson(new URLSearchParams(query).get("bindings") ?? "");
  return asked.length ? asked : readView(hash).bindings;
}

/**
 * `EXCHANGE=PATTERN` as `listen -b` takes it, or with white space between the two.
 * @param {string} text
 */
function fromLines(text) {
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.replace(/\s*\\$/, "").trim());
  const filled = lines.filter(Boolean);
  const isOption = filled.length > 0 && filled.every((line) => /^-b\s/.test(line));
  if (filled.length < 2 && !isOption) return [];
  return filled.map((line) => {
    const bare = line.replace(/^-b\s+/, "").replace(/^(['"])(.*)\1$/, "$2");
    const parts = /^(.*?)(?:\s*=\s*|\s+)(\S*)$/.exec(bare);
    return bindingOf({ exchange: parts?.[1] ?? bare, routingKeyPattern: parts?.[2] });
  });
}
