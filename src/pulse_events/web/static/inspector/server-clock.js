// @ts-check
/**
 * The server's time of day, as far as a request can tell it: how late a message is must not depend on
 * whether this computer's clock is right.
 */

/** @import { Config } from "./server.js" */

/** After so long it may have drifted, or this computer's clock was set. */
const FRESH_MS = 30_000;
const TRUSTED_MS = 90_000;
/** Times are told in whole milliseconds. */
const ROUNDED_MS = 1;

export class ServerClock {
  /** What to add to the own time. */
  #aheadMs = NaN;
  /** By how much that may be wrong. */
  #doubtMs = 0;
  #measuredAtMs = -Infinity;
  /** When it was asked for last, whether there was an answer or not. */
  #askedAtMs = -Infinity;
  /** @type {(aheadMs: number) => void} */
  #tellKnown = () => {};
  /** What `aheadMs` is, once it was measured; times that were taken before lack it. */
  known = new Promise((/** @type {(aheadMs: number) => void} */ resolve) => {
    this.#tellKnown = resolve;
  });
  #ask;
  #now;

  /**
   * @param {() => Promise<Config>} ask the server, which says its time
   * @param {() => number} [now] milliseconds since the epoch
   */
  constructor(ask, now = Date.now) {
    this.#ask = ask;
    this.#now = now;
  }

  /**
   * What to take from a time of the server's to have this computer's; 0 if nobody knows, or if it may
   * be none: a time that somebody said is not to be altered by what a request took.
   */
  get aheadMs() {
    const isAhead = Math.abs(this.#aheadMs) > this.#doubtMs + ROUNDED_MS;
    return isAhead ? this.#aheadMs : 0;
  }

  /** Whether it was asked lately. */
  get isTrusted() {
    return this.#ageMs < TRUSTED_MS;
  }

  async measure() {
    const askedAtMs = this.#now();
    this.#askedAtMs = askedAtMs;
    const { time = "" } = await this.#ask();
    const answeredAtMs = this.#now();
    const timeMs = Date.parse(time);
    if (Number.isNaN(timeMs)) return;
    this.#doubtMs = (answeredAtMs - askedAtMs) / 2;
    this.#aheadMs = timeMs - askedAtMs - this.#doubtMs;
    this.#measuredAtMs = answeredAtMs;
    this.#tellKnown(this.aheadMs);
  }

  /** Asks, if it was not asked lately. */
  async refresh() {
    const sinceMs = Math.abs(this.#now() - this.#askedAtMs); // by a clock that is set back, too
    if (sinceMs < FRESH_MS) return;
    await this.measure();
  }

  /**
   * @param {number} timeMs a time that the server has said
   * @param {number} atMs own time
   * @returns {number} how much later that was at least; NaN if nobody knows
   */
  since(timeMs, atMs = this.#now()) {
    return atMs + this.#aheadMs - this.#doubtMs - timeMs;
  }

  get #ageMs() {
    return Math.abs(this.#now() - this.#measuredAtMs); // it ages by a clock that is set back, too
  }
}
