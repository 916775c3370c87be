// @ts-check
/**
 * Times as people read them.  Has no clock: it is told what time it is.
 */

/** @type {[number, string][]} */
const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
];
const UNKNOWN = "–";

/**
 * @param {number} atMs
 * @param {number} nowMs
 * @returns {string} how long ago, such as "5 s"
 */
export function relative(atMs, nowMs) {
  const agoMs = nowMs - atMs;
  if (Number.isNaN(agoMs)) return UNKNOWN;
  const unit = UNITS.find(([sizeMs]) => agoMs >= sizeMs);
  return unit ? `${Math.floor(agoMs / unit[0])} ${unit[1]}` : "now";
}

/**
 * @param {number} atMs
 * @param {number} nowMs
 * @returns {string} the same of what was published some time before, such as ">5 s"
 */
export function relativeAtLeast(atMs, nowMs) {
  const ago = relative(atMs, nowMs);
  return `>${ago === "now" ? "0 s" : ago}`;
}

/**
 * @param {number} ms
 * @returns {string} how long that is, such as "1.5 s"; empty if nobody knows
 */
export function spanOf(ms) {
  if (Number.isNaN(ms)) return "";
  return ms < 10_000 ? `${(Math.max(0, ms) / 1000).toFixed(1)} s` : relative(0, ms);
}

/**
 * @param {number} atMs
 * @returns {string} local time of day, such as "13:05:09.042"
 */
export function clockTime(atMs) {
  const at = new Date(atMs);
  if (Number.isNaN(at.getTime())) return UNKNOWN;
  const [h, m, s] = [at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => pad(n, 2));
  return `${h}:${m}:${s}.${pad(at.getMilliseconds(), 3)}`;
}

/**
 * @param {number} atMs
 * @returns {string} the zone of local times then, such as "UTC+1" or "UTC-3:30"
 */
export function zoneOf(atMs) {
  const minutes = -new Date(atMs).getTimezoneOffset();
  if (!minutes) return Number.isNaN(minutes) ? "" : "UTC";
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? "-" : "+"}${hours}${rest ? `:${pad(rest, 2)}` : ""}`;
}

/**
 * @param {number} atMs
 * @returns {string} local time of day and its zone, such as "13:05:09.042 UTC+1"
 */
export function zonedTime(atMs) {
  return `${clockTime(atMs)} ${zoneOf(atMs)}`.trim();
}

/**
 * @param {number} ms
 * @returns {string} a length of time in its largest unit, such as "10 min"
 */
export function durationOf(ms) {
  return ms < 1000 ? `${ms} ms` : relative(0, ms);
}

/**
 * @param {number} bytes
 * @returns {string} such as "64 MiB"
 */
export function sizeOf(bytes) {
  const power = Math.min(4, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const unit = ["bytes", "KiB", "MiB", "GiB", "TiB"][power];
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${unit}`;
}

/**
 * @param {number} number
 * @param {number} width
 */
const pad = (number, width) => String(number).padStart(width, "0");
