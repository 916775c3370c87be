// @ts-check
/**
 * How many messages came, are kept, shown and held.
 */
import { byId, say, set } from "./dom.js";

/** @import { Log } from "./log.js" */

/**
 * @param {Log} log
 * @param {boolean} isPaused by the button
 */
export function tellCounts({ received, kept, held, visible, filter }, isPaused) {
  const rest = received > kept ? `, ${count(kept)} kept` : "";
  say(byId("counts"), `${count(received)} received${rest}`);
  const shown = `${count(visible.length)} of ${count(kept - held)}`;
  say(byId("filter-count"), filter.isEmpty ? "" : shown);
  set(byId("pause"), { "aria-pressed": isPaused });
  say(byId("pause"), isPaused ? `Resume · ${count(held)} held` : "Pause");
  byId("empty").hidden = visible.length > 0;
}

/** @param {number} number */
const count = (number) => number.toLocaleString("en");
