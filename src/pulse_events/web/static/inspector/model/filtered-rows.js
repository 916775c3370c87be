// @ts-check
/**
 * The entries of a store that pass a filter, kept up to date entry by entry.
 *
 * A new filter is applied in slices, so that 10,000 long messages do not stop the page; until it is
 * through, the rows are those of the old one.
 */
import { Deque } from "./deque.js";

/** @import { Entry, MessageEntry } from "../types.d.ts" */
/** @import { MessageStore } from "./message-store.js" */
/** @typedef {(entry: MessageEntry) => boolean} Test */

const SLICE_MS = 10;

export class FilteredRows {
  #store;
  #onChange;
  #later;
  #now;
  /** @type {Test | null} */
  #test = null;
  /** @type {Deque<Entry>} */
  #rows = new Deque();
  /** @type {{ rows: Deque<Entry>, nextSeq: number } | null} */
  #coming = null;

  /**
   * @param {MessageStore} store
   * @param {() => void} onChange
   * @param {{ later?: (work: () => void) => void, now?: () => number }} means
   */
  constructor(store, onChange, { later = (work) => setTimeout(work), now = () => performance.now() } = {}) {
    this.#store = store;
    this.#onChange = onChange;
    this.#later = later;
    this.#now = now;
    store.observe({
      added: (entry) => this.#added(entry),
      removed: (entry) => this.#removed(entry),
      cleared: () => this.#cleared(),
    });
  }

  get length() {
    return this.#rows.length;
  }

  /** @param {number} index from the oldest */
  at(index) {
    return this.#rows.at(index);
  }

  /** @returns {Iterable<Entry>} oldest first */
  entries() {
    return this.#rows;
  }

  /**
   * @param {number} seq
   * @returns {number} of the last row that is not newer, from the oldest; -1 if all are
   */
  indexOf(seq) {
    let [low, high] = [0, this.#rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (/** @type {Entry} */ (this.#rows.at(middle)).seq <= seq) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** @param {Test | null} test null lets everything pass */
  setTest(test) {
    this.#test = test;
    const coming = { rows: /** @type {Deque<Entry>} */ (new Deque()), nextSeq: -1 };
    this.#coming = coming;
    this.#slice(coming);
  }

  /** @param {{ rows: Deque<Entry>, nextSeq: number }} coming */
  #slice(coming) {
    if (this.#coming !== coming) return;
    const first = this.#store.at(0)?.seq ?? 0;
    const end = this.#now() + SLICE_MS;
    let at = Math.max(coming.nextSeq - first, 0);
    for (let entry = this.#store.at(at); entry; entry = this.#store.at(++at)) {
      if (this.#passes(entry)) coming.rows.push(entry);
      coming.nextSeq = entry.seq + 1;
      if (this.#now() > end) return this.#later(() => this.#slice(coming));
    }
    while (/** @type {Entry} */ (coming.rows.at(0))?.seq < first) coming.rows.shift();
    this.#rows = coming.rows;
    this.#coming = null;
    this.#onChange();
  }

  /** @param {Entry} entry */
  #passes(entry) {
    return entry.kind !== "message" || !this.#test || this.#test(entry);
  }

  /** @param {Entry} entry */
  #added(entry) {
    if (this.#coming || !this.#passes(entry)) return;
    this.#rows.push(entry);
    this.#onChange();
  }

  /** @param {Entry} entry */
  #removed(entry) {
    if (this.#rows.at(0) === entry) this.#rows.shift();
  }

  #cleared() {
    this.#rows = new Deque();
    this.#coming = null;
    this.#onChange();
  }
}
