// @ts-check
/**
 * Exchanges that may be mistyped, at a broker that has any exchange one names: it refuses none, so
 * nothing else would say why nothing comes.
 */
import { slipsBetween } from "./fields.js";

/** @typedef {{ words: string, nearest: string }} Doubt `nearest` may be meant; empty if nothing is like it */

/** The server's name of the broker that is a part of it. */
const EMBEDDED = "memory:";
const WORDS =
  "Nothing has come from this exchange so far. The broker memory: refuses no name, be it mistyped.";
/** What the server holds of the past comes first. */
const PATIENCE_MS = 3000;
/** So many are looked for at one time: there may be a thousand bindings. */
const MOST_AT_ONCE = 10;
const LEAST_SLIPS = 2;
/** One letter in so many may be wrong. */
const LETTERS_PER_SLIP = 8;

export class Doubts {
  /** @type {Map<string, Doubt>} */
  #doubts = new Map();
  #sinceMs = Infinity;
  #lookedAtMs = NaN;
  #looked = 0;
  #isOpen;
  #catalogued;
  #seen;

  /**
   * @param {string} broker
   * @param {readonly string[]} catalogued exchanges that exist somewhere
   * @param {ReadonlySet<string>} seen exchanges from which something came
   */
  constructor(broker, catalogued, seen) {
    this.#isOpen = broker === EMBEDDED;
    this.#catalogued = new Set(catalogued);
    this.#seen = seen;
  }

  /** @param {number} nowMs bindings are in force since then */
  begin(nowMs) {
    this.#sinceMs = nowMs;
  }

  /**
   * @param {string} exchange that is listened to
   * @param {number} nowMs
   * @returns {Doubt | null}
   */
  of(exchange, nowMs) {
    const isKnown = this.#catalogued.has(exchange) || this.#seen.has(exchange);
    if (!this.#isOpen || isKnown || exchange === "") return null;
    let doubt = this.#doubts.get(exchange);
    if (!doubt && nowMs - this.#sinceMs >= PATIENCE_MS && this.#hasRoom(nowMs)) {
      doubt = { words: WORDS, nearest: nearestTo(exchange, [...this.#catalogued, ...this.#seen]) };
      this.#doubts.set(exchange, doubt);
    }
    return doubt ?? null;
  }

  /** @param {number} nowMs */
  #hasRoom(nowMs) {
    if (nowMs !== this.#lookedAtMs) this.#looked = 0;
    this.#lookedAtMs = nowMs;
    this.#looked += 1;
    return this.#looked <= MOST_AT_ONCE;
  }
}

/**
 * @param {string} exchange
 * @param {readonly string[]} known
 * @returns {string} empty if none is like it
 */
export function nearestTo(exchange, known) {
  const meant = exchange.toLowerCase();
  const most = Math.max(LEAST_SLIPS, Math.floor(meant.length / LETTERS_PER_SLIP));
  let [nearest, least] = ["", Infinity];
  for (const name of known) {
    const isEnd = name.toLowerCase().endsWith(`/${meant}`);
    const slips = isEnd ? 0 : slipsBetween(meant, name.toLowerCase(), most);
    if (slips < least) [nearest, least] = [name, slips];
  }
  return nearest;
}
