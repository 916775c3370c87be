// @ts-check
/**
 * How many messages came, are kept, shown and held.
 */
import { byId, say, set } from "./dom.js";

/** @import { Arrival, Log } from "./log.js" */

/**
 * @param {Log} log
 * @param {boolean} isPaused by the button
 * @param {boolean} isFile nothing of it was received here
 */
export function tellCounts(log, isPaused, isFile) {
  const { received, kept, held, newer, matching, visible, filter } = log;
  const rest = received > kept ? `, ${count(kept)} kept` : "";
  const all = isFile ? countOf(received, "message") : `${count(received)} received`;
  say(byId("counts"), `${all}${rest}`);
  const shown = `${count(matching)} of ${count(kept - held)}`;
  tellMatching(filter.isEmpty ? "" : shown);
  set(byId("pause"), { "aria-pressed": isPaused });
  say(byId("pause"), isPaused ? `Resume · ${ofNewer(held, newer)} held` : "Pause");
  byId("empty").hidden = matching > 0 || visible.length > 1; // below one gap there is room for it
}

/** @param {string} words that stand over the end of the filter, and must not cover its text */
function tellMatching(words) {
  say(byId("filter-count"), words);
  byId("search").style.setProperty("--count", `${words.length}ch`);
}

/**
 * @param {number} held
 * @param {number} newer messages, those included that were dropped for newer ones
 */
const ofNewer = (held, newer) => (held < newer ? `${count(held)} of ${count(newer)}` : count(held));

/** @param {number} number */
const count = (number) => number.toLocaleString("en");

/** @param {Arrival[]} arrivals */
export function tally(arrivals) {
  const gaps = arrivals.filter(({ kind }) => kind === "gap").length;
  const messages = countOf(arrivals.length - gaps, "message");
  return gaps ? `${messages}, ${countOf(gaps, "gap")}` : messages;
}

/**
 * @param {number} number
 * @param {string} noun
 */
export const countOf = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
