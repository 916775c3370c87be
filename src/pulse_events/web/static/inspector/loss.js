// @ts-check
/**
 * What the page itself dropped at one place, since it keeps so much only: a gap like the server's.
 */

/** @import { Arrival, Entry } from "./log.js" */
/** @import { Gap, Message } from "../pulse-events.d.ts" */

/** What a gap has in the place of a message. */
const NO_MESSAGE = Object.freeze(
  /** @type {Message} */ ({
    payload: null,
    exchange: "",
    routingKey: "",
    redelivered: false,
    routes: [],
    cc: [],
  }),
);

/**
 * @param {Gap} gap
 * @param {number} atMs
 * @returns {Arrival}
 */
export function gapArrival(gap, atMs) {
  return { kind: "gap", atMs, message: NO_MESSAGE, text: "", gap, isPast: false };
}

export class Loss {
  /** Messages. */
  count = 0;
  #fromMs = Infinity;
  #toMs = NaN;
  #lastId = 0;
  /** The same one until more is dropped, so that a row stays with it. @type {Entry | null} */
  #entry = null;

  /** @param {Entry} entry that is dropped; a gap makes this one as much longer */
  take(entry) {
    this.count += entry.kind === "message" ? 1 : entry.lost;
    this.#fromMs = Math.min(this.#fromMs, startOf(entry));
    this.#toMs = entry.atMs;
    this.#lastId = entry.id;
    this.#entry = null;
  }

  /** The gap, right behind the last one that was dropped; `null` if none was. */
  get entry() {
    if (this.#lastId) this.#entry ??= this.#gap();
    return this.#entry;
  }

  /** @returns {Entry} */
  #gap() {
    const gap = { reason: this.#reason, from: iso(this.#fromMs), to: iso(this.#toMs) ?? "" };
    const id = this.#lastId + 0.5; // not the dropped one's: its row may still be there
    return { ...gapArrival(gap, this.#toMs), id, fields: null, lost: this.count };
  }

  get #reason() {
    const messages = this.count === 1 ? "message" : "messages";
    return `this page dropped ${this.count.toLocaleString("en")} ${messages} to keep newer ones`;
  }
}

/** @param {Entry} entry */
function startOf({ kind, atMs, gap }) {
  if (kind === "message" || !gap) return atMs;
  const fromMs = gap.from === null ? -Infinity : Date.parse(gap.from);
  return Number.isNaN(fromMs) ? atMs : fromMs;
}

/** @param {number} ms */
const iso = (ms) => (Number.isFinite(ms) ? new Date(ms).toISOString() : null);
