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
/** Over how long a rate is told, in seconds. */
export const RECENT_S = 10;
/** An exchange overtakes another one by so much: who is about as frequent stays in its place. */
const LEAD_MESSAGES = 2;
const LEAD_SHARE = 0.25;

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
  /** Exchanges as they were told last. @type {string[]} */
  #order = [];
  /** The second in which it was begun to count. */
  #began = -Infinity;

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

  /**
   * What comes is counted from now on: the time before says nothing of how much comes.
   * @param {number} atMs
   */
  begin(atMs) {
    this.#began = Math.floor(atMs / 1000);
  }

  /** Forgets all. */
  /** @returns {Iterable<string>} those of which something was counted lately */
  get exchanges() {
    return this.#tracks.keys();
  }

  clear() {
    this.#tracks.clear();
    this.#order = [];
  }

  /**
   * @param {Series} series
   * @param {number} nowMs the same as for the series
   * @returns {number} messages a second lately
   */
  recent({ counts }, nowMs) {
    const whole = Math.floor(nowMs / 1000) - this.#began; // it was begun within a second
    const seconds = Math.max(1, Math.min(RECENT_S, whole));
    return counts.slice(-seconds).reduce((sum, count) => sum + count, 0) / seconds;
  }

  /**
   * @param {number} nowMs
   * @returns {Series[]} most frequent first, but for small differences, by which lines would change
   *   places each second; those beyond the eighth are one
   */
  series(nowMs) {
    const second = Math.floor(nowMs / 1000);
    this.#forget(second - this.spanS);
    const all = [...this.#tracks]
      .map(([exchange, track]) => seriesOf(exchange, track.until(second)))
      .filter(({ total }) => total > 0)
      .sort((a, b) => b.total - a.total || (a.exchange < b.exchange ? -1 : 1));
    const ordered = this.#inOrder(all);
    const rest = ordered.slice(MOST_SERIES);
    return rest.length ? [...ordered.slice(0, MOST_SERIES), together(rest)] : ordered;
  }

  /** @param {Series[]} all most frequent first */
  #inOrder(all) {
    const places = new Map(this.#order.map((exchange, i) => [exchange, i]));
    /** @param {Series} series */
    const placeOf = ({ exchange }) => places.get(exchange) ?? Infinity;
    /** @type {Series[]} */
    const ordered = [];
    for (const each of all.filter((series) => placeOf(series) < Infinity).sort(byPlace(placeOf))) {
      insert(ordered, each, isAhead);
    }
    for (const each of all.filter((series) => placeOf(series) === Infinity)) {
      insert(ordered, each, (one, other) => one.total > other.total);
    }
    this.#order = ordered.map(({ exchange }) => exchange);
    return ordered;
  }

  /** @param {number} second nothing came since */
  #forget(second) {
    for (const [exchange, { last }] of this.#tracks) {
      if (last <= second) this.#tracks.delete(exchange);
    }
  }
}

/** @param {(series: Series) => number} placeOf @returns {(a: Series, b: Series) => number} */
const byPlace = (placeOf) => (a, b) => placeOf(a) - placeOf(b);

/** @param {Series} one @param {Series} other */
function isAhead({ total }, other) {
  return total - other.total > Math.max(LEAD_MESSAGES, LEAD_SHARE * other.total);
}

/**
 * @param {Series[]} ordered
 * @param {Series} series that goes before those at the end that it passes
 * @param {(one: Series, other: Series) => boolean} passes
 */
function insert(ordered, series, passes) {
  let at = ordered.length;
  while (at && passes(series, ordered[at - 1])) at -= 1;
  ordered.splice(at, 0, series);
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
