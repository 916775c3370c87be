// @ts-check
/**
 * Entries, and those of them that the filter lets through; both oldest first, the newest kept.
 * What was dropped stood before the oldest.
 */
import { Loss } from "./loss.js";
import { Ring } from "./ring.js";

/** @import { Entry } from "./log.js" */
/** @import { Filter } from "./filter.js" */

/** With more a page gets slow, and may be ended by the browser: parsed it is some five times. */
const MOST_CHARACTERS = 50_000_000;

export class Shelf {
  #characters = 0;
  #gaps = 0;
  #mostCharacters;

  /**
   * @param {number} limit
   * @param {number} mostCharacters of text in all
   */
  constructor(limit, mostCharacters = MOST_CHARACTERS) {
    this.#mostCharacters = mostCharacters;
    /** @type {Ring<Entry>} */
    this.kept = new Ring(limit);
    /** @type {Ring<Entry>} */
    this.matching = new Ring(limit);
    this.loss = new Loss();
  }

  /** Messages, without the gaps among them. */
  get messages() {
    return this.kept.length - this.#gaps;
  }

  /** Messages that the filter lets through, as it does all gaps. */
  get matchingMessages() {
    return this.matching.length - this.#gaps;
  }

  /** @returns {Entry[]} oldest first, what was dropped as the first */
  all() {
    return withLoss(this.loss, this.kept);
  }

  /** @returns {Entry[]} the same of those that the filter lets through */
  allMatching() {
    return withLoss(this.loss, this.matching);
  }

  /**
   * @param {Entry} entry
   * @param {boolean} isMatching
   */
  push(entry, isMatching) {
    this.#characters += entry.text.length;
    while (this.kept.length && this.#isFull()) this.#dropOldest();
    this.kept.push(entry);
    if (entry.kind === "gap") this.#gaps += 1;
    if (isMatching) this.matching.push(entry);
  }

  #isFull() {
    return this.kept.length === this.kept.limit || this.#characters > this.#mostCharacters;
  }

  #dropOldest() {
    const oldest = this.kept.at(0);
    if (this.matching.length && this.matching.at(0) === oldest) this.matching.shift();
    this.kept.shift();
    this.#characters -= oldest.text.length;
    if (oldest.kind === "gap") this.#gaps -= 1;
    this.loss.take(oldest);
  }

  /** @param {Filter} filter */
  sift(filter) {
    this.matching = new Ring(this.kept.limit);
    for (const entry of this.kept) if (filter.test(entry)) this.matching.push(entry);
  }
}

/**
 * @param {Loss} loss
 * @param {Iterable<Entry>} entries
 */
const withLoss = ({ entry }, entries) => (entry ? [entry, ...entries] : [...entries]);
