// @ts-check
/**
 * When a message was published: by what it says itself, else by when it came.
 */

/** @import { Message } from "../pulse-events.d.ts" */
/** @import { Arrival } from "./log.js" */

/** What Taskcluster's queue says of a run when it publishes, by the last word of the exchange. */
/** @type {Record<string, string>} */
const RUN_TIMES = {
  "task-pending": "scheduled",
  "task-running": "started",
  "task-completed": "resolved",
  "task-failed": "resolved",
  "task-exception": "resolved",
};

/**
 * @param {Message} message
 * @returns {number} when it says it was published, milliseconds since the epoch; NaN if it does not
 */
export function saidBy({ exchange, payload }) {
  const event = exchange.slice(exchange.lastIndexOf("/") + 1);
  const name = Object.hasOwn(RUN_TIMES, event) ? RUN_TIMES[event] : "";
  // Mozilla's other publishers say it in `_meta`.
  const said = payload?.status?.runs?.[payload.runId]?.[name] ?? payload?._meta?.sent;
  return typeof said === "string" ? Date.parse(said) : NaN;
}

/**
 * @param {Arrival} arrival
 * @returns {{ atMs: number, isBound: boolean }} `isBound`: it was before that, nobody knows how long
 */
export function publishedAt({ atMs, isPast, lateMs = 0, publishedMs = NaN }) {
  if (!Number.isNaN(publishedMs)) return { atMs: publishedMs, isBound: false };
  return { atMs: atMs - lateMs, isBound: isPast || lateMs > 0 };
}
