// @ts-check
/**
 * Messages per second and exchange over the last while.  Has no clock: it is told the time.
 */

/**
 * @typedef {object} Series
 * @property {string} exchange
 * @property {boolean} isRest several exchanges together
 * @property {number[]} counts per second, oldest first
 * @property {number} total
 */

const MOST_SERIES = 8;

/** Counts of one exchange; the second `s` has its place at `s % span`. */
class Track {
  /** @param {number} span */
  constructor(span) {
    this.counts = new Float64Array(span);
    this.last = -Infinity;
  }

  /** @param {number} second */
  advance(second) {
    const span = this.counts.length;
    if (second - this.last >= span) this.counts.fill(0);
    else for (let s = this.last + 1; s <= second; s += 1) this.counts[s % span] = 0;
    this.last = Math.max(this.last, second);
  }

  /** @param {number} second */
  count(second) {
    this.advance(second);
    if (second > this.last - this.counts.length) this.counts[second % this.counts.length] += 1;
  }

  /**
   * @param {number} second the last one to be told
   * @returns {number[]}
   */
  until(second) {
    const span = this.counts.length;
    return Array.from({ length: span }, (_, i) => {
      const s = second - span + 1 + i;
      return s > this.last - span && s <= this.last ? this.counts[s % span] : 0;
    });
  }
}

export class Rates {
  /** @type {Map<string, Track>} */
  #tracks = new Map();

  /** @param {number} spanS how far back it remembers */
  constructor(spanS = 120) {
    this.spanS = spanS;
  }

  /**
   * @param {string} exchange
   * @param {number} atMs
   */
  count(exchange, atMs) {
    let track = this.#tracks.get(exchange);
    if (!track) {
      track = new Track(this.spanS);
      this.#tracks.set(exchange, track);
    }
    track.count(Math.floor(atMs / 1000));
  }

  /** Forgets all. */
  clear() {
    this.#tracks.clear();
  }

  /**
   * @param {number} nowMs
   * @returns {Series[]} most frequent first; those beyond the eighth are one
   */
  series(nowMs) {
    const second = Math.floor(nowMs / 1000);
    this.#forget(second - this.spanS);
    const all = [...this.#tracks]
      .map(([exchange, track]) => seriesOf(exchange, track.until(second)))
      .filter(({ total }) => total > 0)
      .sort((a, b) => b.total - a.total || (a.exchange < b.exchange ? -1 : 1));
    const rest = all.slice(MOST_SERIES);
    return rest.length ? [...all.slice(0, MOST_SERIES), together(rest)] : all;
  }

  /** @param {number} second nothing came since */
  #forget(second) {
    for (const [exchange, { last }] of this.#tracks) {
      if (last <= second) this.#tracks.delete(exchange);
    }
  }
}

/**
 * @param {string} exchange
 * @param {number[]} counts
 * @returns {Series}
 */
function seriesOf(exchange, counts, isRest = false) {
  return { exchange, isRest, counts, total: counts.reduce((sum, count) => sum + count, 0) };
}

/** @param {Series[]} rest */
function together(rest) {
  const counts = rest[0].counts.map((_, i) => rest.reduce((sum, { counts }) => sum + counts[i], 0));
  return seriesOf("other", counts, true);
}
