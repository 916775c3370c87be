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

/** The year 10,000: near the last moment that a date can be, it cannot be reckoned with. */
const END_MS = 253_402_300_800_000;

/**
 * @param {Message} message
 * @returns {number} when it says it was published, milliseconds since the epoch; NaN if it does not
 */
export function saidBy({ exchange, payload }) {
  const event = exchange.slice(exchange.lastIndexOf("/") + 1);
  const name = Object.hasOwn(RUN_TIMES, event) ? RUN_TIMES[event] : "";
  // Anything may stand there: what is no number may not even have a text.
  const run = typeof payload?.runId === "number" ? payload.status?.runs?.[payload.runId] : null;
  // Mozilla's other publishers say it in `_meta`.
  const said = run?.[name] ?? payload?._meta?.sent;
  const saidMs = typeof said === "string" ? Date.parse(said) : NaN;
  return saidMs >= 0 && saidMs < END_MS ? saidMs : NaN;
}

/**
 * @param {Arrival} arrival
 * @returns {{ atMs: number, isBound: boolean }} `isBound`: it was before that, nobody knows how long
 */
export function publishedAt({ atMs, isPast, lateMs = 0, publishedMs = NaN }) {
  if (!Number.isNaN(publishedMs)) return { atMs: publishedMs, isBound: false };
  return { atMs: atMs - lateMs, isBound: isPast || lateMs > 0 };
}
