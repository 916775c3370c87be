// @ts-check
/**
 * How far the stream is behind, by its pings: they stand in line with the messages, and say when
 * the server wrote them.
 *
 * What is known is the least: of what comes between two pings only that it was written after the
 * first, and, if the second is due and has not come, before that.
 */

/** @import { ServerClock } from "./server-clock.js" */

/** Less is nobody's concern, and within what clocks and lines do. */
const TOLD_FROM_MS = 3000;

export class Lag {
  /** When the last ping was written, by the server's clock; NaN if the stream has brought none. */
  #writtenMs = NaN;
  /** When it came, by this computer's. */
  #cameMs = NaN;
  #clock;
  #intervalMs;
  #now;

  /**
   * @param {ServerClock} clock
   * @param {number} intervalMs between two pings
   * @param {() => number} now milliseconds since the epoch
   */
  constructor(clock, intervalMs, now = Date.now) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  /** A stream has begun: its first ping is due after an interval. */
  begin() {
    this.#cameMs = this.#now();
    this.#writtenMs = NaN;
  }

  /** There is no stream. */
  stop() {
    this.#cameMs = this.#writtenMs = NaN;
  }

  /** @param {{ time: string }} ping */
  ping({ time }) {
    this.#cameMs = this.#now();
    this.#writtenMs = Date.parse(time);
  }

  /** By how much it is behind at least, in milliseconds; 0 if that is little, or not known. */
  get ms() {
    if (Number.isNaN(this.#cameMs)) return 0;
    const least = this.#least;
    if (Math.abs(least) <= TOLD_FROM_MS) return 0;
    void this.#clock.refresh(); // it may be the clock that is wrong, or not known
    return least > 0 && this.#clock.isTrusted ? least : 0;
  }

  get #least() {
    const hasPing = !Number.isNaN(this.#writtenMs);
    // The clock may be measured only after the stream has begun.
    const writtenMs = hasPing ? this.#writtenMs : this.#cameMs + this.#clock.aheadMs;
    const whenItCame = this.#clock.since(writtenMs, this.#cameMs);
    const nextIsOverdue = this.#clock.since(writtenMs + this.#intervalMs);
    return Math.max(whenItCame, nextIsOverdue);
  }
}
