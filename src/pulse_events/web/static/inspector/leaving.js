// @ts-check
/**
 * Asks before the page is left, where messages would be lost: that were not saved, and would not come
 * again if the page were opened anew.
 */

import { agoMs } from "./start.js";

/** @import { Place } from "./start.js" */
/** @typedef {{ count: number, oldestMs: number }} Unsaved messages, and when the oldest came */
/** @typedef {{ most: number, reachMs: number }} Held so many of the newest, back to so long ago */

/**
 * @param {Place | null} place where a stream begins; `null` if the server keeps no history
 * @param {number} historyMs how far back that reaches
 * @param {number} nowMs
 * @returns {Held} what of the past a page that is opened anew gets
 */
export function heldAt(place, historyMs, nowMs) {
  if (place?.last !== undefined) return { most: place.last, reachMs: historyMs };
  if (place?.since === undefined) return { most: 0, reachMs: 0 };
  return { most: Infinity, reachMs: Math.min(historyMs, agoMs(place.since, nowMs)) };
}

/**
 * @param {Unsaved} unsaved
 * @param {Held} held
 * @param {number} nowMs
 * @returns {boolean} whether some of them would not come again
 */
export function isLost({ count, oldestMs }, { most, reachMs }, nowMs) {
  return count > 0 && (count > most || nowMs - oldestMs > reachMs);
}

export class Leaving {
  #isWatching = false;
  #wouldLose;

  /** @param {() => boolean} wouldLose */
  constructor(wouldLose) {
    this.#wouldLose = wouldLose;
  }

  /** Looks whether to ask: a listener that never asks would cost the page its place in a cache. */
  look() {
    const wouldLose = this.#wouldLose();
    if (wouldLose === this.#isWatching) return;
    this.#isWatching = wouldLose;
    if (wouldLose) addEventListener("beforeunload", this.#ask);
    else removeEventListener("beforeunload", this.#ask);
  }

  /** @param {BeforeUnloadEvent} event */
  #ask = (event) => {
    if (this.#wouldLose()) event.preventDefault();
  };
}
