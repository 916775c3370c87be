// @ts-check
/**
 * The fields that messages have, as the filter names them, and which of them somebody meant.
 */

/** @import { Entry } from "./log.js" */

const ROUTED = ["exchange", "routingKey", "cc"];
/** To look at all that is kept would take too long, and adds little. */
const LOOKED_AT = 300;
const MOST_OF_ONE = 300;
const MOST_LEVELS = 8;
const SHOWN = 2;
/** One letter in so many may be wrong. */
const LETTERS_PER_SLIP = 4;
const NAME = /^(?:[^\s:"]+)$/;

/**
 * @param {Iterable<Entry>} newest entries
 * @returns {Set<string>} empty if there is no message among them
 */
export function knownFields(newest) {
  /** @type {Set<string>} */
  const known = new Set();
  let left = LOOKED_AT;
  for (const { kind, message, fields } of newest) {
    if (kind === "gap") continue;
    if (left-- === 0) break;
    for (const name of ROUTED) known.add(name);
    for (const { name } of fields ?? []) known.add(name);
    let room = MOST_OF_ONE;
    for (const path of pathsIn(message.payload, "", 0)) {
      known.add(path);
      if (--room === 0) break;
    }
  }
  return known;
}

/**
 * @param {unknown} value
 * @param {string} path of it
 * @param {number} level
 * @returns {Generator<string>} without the numbers of an array's entries: the filter needs none
 */
function* pathsIn(value, path, level) {
  if (value === null || typeof value !== "object" || level > MOST_LEVELS) return;
  if (Array.isArray(value)) {
    for (const each of value.slice(0, 3)) yield* pathsIn(each, path, level + 1);
    return;
  }
  for (const key in value) {
    if (!NAME.test(key)) continue;
    const inner = path ? `${path}.${key}` : key;
    yield inner;
    yield* pathsIn(/** @type {Record<string, unknown>} */ (value)[key], inner, level + 1);
  }
}

/**
 * @param {string} field that nothing has
 * @param {Iterable<string>} known
 * @returns {string[]} the likely ones, the nearest first
 */
export function nearest(field, known) {
  const meant = field.replace(/^payload\./, "").toLowerCase();
  return [...known]
    .map((name) => ({ name, distance: distanceOf(meant, name.toLowerCase()) }))
    .filter(({ distance }) => distance < Infinity)
    .sort((a, b) => a.distance - b.distance || a.name.length - b.name.length)
    .slice(0, SHOWN)
    .map(({ name }) => name);
}

/**
 * @param {string} meant
 * @param {string} name
 */
function distanceOf(meant, name) {
  if (name === meant) return 0;
  if (name.endsWith(`.${meant}`)) return 0.5;
  const last = name.slice(name.lastIndexOf(".") + 1);
  const lastMeant = meant.slice(meant.lastIndexOf(".") + 1);
  const isBegin = meant.length > 2 && (name.startsWith(meant) || last.startsWith(meant));
  const most = Math.max(1, Math.floor(lastMeant.length / LETTERS_PER_SLIP));
  const slips = Math.min(
    slipsBetween(meant, name, most),
    slipsBetween(meant, last, most),
    slipsBetween(lastMeant, last, most) + 0.5,
  );
  return Math.min(isBegin ? 1 : Infinity, slips);
}

/**
 * @param {string} a
 * @param {string} b
 * @param {number} most
 * @returns {number} letters to add, drop or change; Infinity if those are more than `most`
 */
export function slipsBetween(a, b, most) {
  if (Math.abs(a.length - b.length) > most) return Infinity;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length] > most ? Infinity : row[b.length];
}
