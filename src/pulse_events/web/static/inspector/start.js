// @ts-check
/**
 * Where a stream begins in what the server holds, as the URL and the time control name it.
 *
 * `now`; a number, so many of the newest messages; a time that long ago (`10m`) or an instant in
 * ISO 8601.  The empty text is the usual one.
 */

/** @typedef {{ last?: number, since?: string }} Place what `listen` takes; none of them is now */

const USUAL_LAST = 100;
/** The server's limit. */
const MOST_LAST = 1000;
/** What the control offers. */
export const STARTS = ["now", "", "1000", "10m", "1h", "24h"];

const AGO = /^([1-9]\d{0,8})([smhd])$/;
/** @type {Record<string, number>} */
const UNITS_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** @type {Record<string, string>} */
const UNITS = { s: "s", m: "min", h: "h", d: "d" };

/**
 * @param {string} text
 * @returns {string} the same, as this page writes it
 * @throws {Error} it names no beginning
 */
export function checkedStart(text) {
  if (text === String(USUAL_LAST)) return "";
  const isCount = /^[1-9]\d*$/.test(text) && Number(text) <= MOST_LAST;
  const isTime = AGO.test(text) || (/^\d{4}-/.test(text) && !Number.isNaN(Date.parse(text)));
  if (["", "now"].includes(text) || isCount || isTime) return text;
  throw new Error(`a beginning is now, 1 to ${MOST_LAST} messages, a time ago (10m) or a date`);
}

/**
 * @param {string} start
 * @returns {Place}
 */
export function placeOf(start) {
  if (start === "now") return {};
  if (start === "" || /^\d+$/.test(start)) return { last: Number(start) || USUAL_LAST };
  return { since: start };
}

/**
 * @param {string} since
 * @param {number} nowMs
 * @returns {number} how long ago that is, in milliseconds
 */
export function agoMs(since, nowMs) {
  const [, count, unit] = AGO.exec(since) ?? [];
  return count ? Number(count) * UNITS_MS[unit] : nowMs - Date.parse(since);
}

/**
 * @param {string} start
 * @returns {string} in words
 */
export function titleOf(start) {
  const { last, since } = placeOf(start);
  if (last !== undefined) return `Last ${last.toLocaleString("en")}`;
  if (since === undefined) return "From now";
  const [, count, unit] = AGO.exec(since) ?? [];
  return `Since ${count ? `${count} ${UNITS[unit]}` : since}`;
}
