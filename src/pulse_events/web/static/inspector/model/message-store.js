// @ts-check
/**
 * The entries that are kept: the newest ones, up to a number and a size.
 *
 * While paused, what comes waits aside up to the same limits, so that nothing shown moves and nothing is
 * lost; what is beyond them is said to be missing.  Knows no filter and nothing of how entries look.
 */
import { Deque } from "./deque.js";

/** @import { Entry, NewEntry } from "../types.d.ts" */

export const KEPT_LIMIT = 10_000;
/** Of all texts together, in characters; messages of 1 MiB would else fill the memory. */
export const KEPT_CHARS = 64_000_000;

/** @param {NewEntry} entry */
const sizeOf = (entry) => (entry.kind === "message" ? entry.text.length : entry.words.length);

/** A deque with limits. */
class Shelf {
  /** @type {Deque<NewEntry>} */
  items = new Deque();
  #chars = 0;
  #limit;
  #limitChars;

  /**
   * @param {number} limit
   * @param {number} limitChars
   */
  constructor(limit, limitChars) {
    this.#limit = limit;
    this.#limitChars = limitChars;
  }

  /** @param {NewEntry} entry */
  put(entry) {
    this.items.push(entry);
    this.#chars += sizeOf(entry);
  }

  /** @returns {NewEntry | undefined} what is too much, oldest first; the newest one always stays */
  spill() {
    const isFull = this.items.length > this.#limit || this.#chars > this.#limitChars;
    return isFull && this.items.length > 1 ? this.take() : undefined;
  }

  take() {
    const entry = this.items.shift();
    if (entry) this.#chars -= sizeOf(entry);
    return entry;
  }
}

/** @typedef {{ added(entry: Entry): void, removed(entry: Entry): void, cleared(): void }} Observer */

export class MessageStore {
  /** Messages since the last clear, kept or not. */
  received = 0;
  isPaused = false;
  #kept;
  #waiting;
  #makeShelf;
  #now;
  #nextSeq = 0;
  #missed = 0;
  #missedFrom = 0;
  #missedTo = 0;
  /** @type {Observer[]} */
  #observers = [];

  /** @param {{ limit?: number, limitChars?: number, now?: () => number }} means */
  constructor({ limit = KEPT_LIMIT, limitChars = KEPT_CHARS, now = Date.now } = {}) {
    this.#now = now;
    this.#makeShelf = () => new Shelf(limit, limitChars);
    this.#kept = this.#makeShelf();
    this.#waiting = this.#makeShelf();
  }

  /** @param {Observer} observer */
  observe(observer) {
    this.#observers.push(observer);
  }

  get length() {
    return this.#kept.items.length;
  }

  /** How many entries came since the pause. */
  get waiting() {
    return this.#waiting.items.length + this.#missed;
  }

  /**
   * @param {number} index from the oldest
   * @returns {Entry | undefined}
   */
  at(index) {
    return /** @type {Entry | undefined} */ (this.#kept.items.at(index));
  }

  /** @returns {Iterable<Entry>} oldest first */
  entries() {
    return /** @type {Iterable<Entry>} */ (this.#kept.items);
  }

  /** @param {NewEntry} entry */
  add(entry) {
    if (entry.kind === "message") this.received++;
    if (this.isPaused) this.#wait(entry);
    else this.#keep(entry);
  }

  pause() {
    this.isPaused = true;
  }

  /** Brings what waited. */
  resume() {
    this.isPaused = false;
    if (this.#missed) this.#keep(this.#missing());
    for (let entry = this.#waiting.take(); entry; entry = this.#waiting.take()) this.#keep(entry);
  }

  clear() {
    this.#kept = this.#makeShelf();
    this.#waiting = this.#makeShelf();
    this.#missed = this.received = 0;
    for (const observer of this.#observers) observer.cleared();
  }

  /** @param {NewEntry} added */
  #keep(added) {
    const entry = /** @type {Entry} */ (added);
    entry.seq = this.#nextSeq++;
    entry.shownAt = this.#now();
    this.#kept.put(entry);
    for (const observer of this.#observers) observer.added(entry);
    for (let old = this.#kept.spill(); old; old = this.#kept.spill()) {
      for (const observer of this.#observers) observer.removed(/** @type {Entry} */ (old));
    }
  }

  /** @param {NewEntry} entry */
  #wait(entry) {
    this.#waiting.put(entry);
    for (let old = this.#waiting.spill(); old; old = this.#waiting.spill()) {
      if (!this.#missed++) this.#missedFrom = old.at;
      this.#missedTo = old.at;
    }
  }

  /** @returns {NewEntry} */
  #missing() {
    const count = this.#missed;
    this.#missed = 0;
    return {
      kind: "note",
      tone: "gap",
      at: this.#missedTo,
      words: `${count.toLocaleString("en")} messages came during the pause beyond what is kept`,
      from: new Date(this.#missedFrom).toISOString(),
      to: new Date(this.#missedTo).toISOString(),
    };
  }
}
