// @ts-check
/**
 * Tells from a stream's pings whether it is alive.  Pure: the clock is an argument.
 *
 * Anything that arrives proves life; only pings are promised.  Works on the time of day, which goes
 * on while the computer sleeps.
 */

export const DEFAULT_INTERVAL_MS = 20_000;
const PATIENCE = 2.5;
const PATIENCE_IF_SUSPECT = 1.25;
const GAPS_KEPT = 5;

/** @typedef {{ silentMs: number, intervalMs: number, slept: boolean }} Staleness */

export class Watch {
  intervalMs = DEFAULT_INTERVAL_MS;
  #now;
  #heardAt;
  #checkedAt;
  #slept = false;
  #suspectAt = NaN;
  #pingAt = NaN;
  #isEarly = false;
  /** @type {number[]} */
  #gaps = [];

  /** @param {() => number} now milliseconds */
  constructor(now = Date.now) {
    this.#now = now;
    this.#heardAt = this.#checkedAt = now();
  }

  /** How often to call `check`. */
  get tickMs() {
    return Math.max(20, Math.min(1000, this.intervalMs / 4));
  }

  /** Starts to wait for a new stream, whose first ping has no predecessor. */
  begin() {
    this.#pingAt = NaN;
    this.#isEarly = false;
    this.#checkedAt = this.#now();
    this.heard();
  }

  /** The stream's first ping will say that it has caught up; when that is says nothing else. */
  expectEarlyPing() {
    this.#isEarly = true;
  }

  /** Notes that something arrived. */
  heard() {
    this.#heardAt = this.#now();
    this.#slept = false;
    this.#suspectAt = NaN;
  }

  /**
   * Takes an interval that somebody says; what the pings themselves say counts more.
   * @param {number} intervalMs
   */
  suggest(intervalMs) {
    if (!this.#gaps.length && intervalMs > 0) this.intervalMs = intervalMs;
  }

  /**
   * Learns the interval from the server's own times: arrivals bunch up in a throttled tab.  The
   * median, since a server that hung once has one long gap.
   * @param {string} time ISO 8601
   */
  ping(time) {
    if (this.#isEarly) {
      this.#isEarly = false;
      return;
    }
    const at = Date.parse(time);
    const gap = at - this.#pingAt;
    this.#pingAt = at;
    if (!(gap > 0)) return;
    this.#gaps = [...this.#gaps, gap].slice(-GAPS_KEPT);
    const sorted = [...this.#gaps].sort((a, b) => a - b);
    this.intervalMs = sorted[sorted.length >> 1];
  }

  /** Notes that the network changed: a stream that lives must show it by its next ping. */
  suspect() {
    this.#suspectAt = this.#now();
  }

  /**
   * To be called each `tickMs`.  A call that comes late means that the computer slept or the page
   * was frozen; then what waits in the socket gets one more tick to be read before the verdict.
   * @returns {Staleness | null} how stale the stream is, if it is
   */
  check() {
    const now = this.#now();
    const late = now - this.#checkedAt > Math.max(2000, 3 * this.tickMs);
    this.#checkedAt = now;
    this.#heardAt = Math.min(this.#heardAt, now); // the clock was set back
    const silentMs = now - this.#heardAt;
    const overdue = now - this.#suspectAt > PATIENCE_IF_SUSPECT * this.intervalMs;
    if (silentMs <= PATIENCE * this.intervalMs && !overdue) return null;
    if (late) {
      this.#slept = true;
      return null;
    }
    return { silentMs, intervalMs: this.intervalMs, slept: this.#slept };
  }
}
