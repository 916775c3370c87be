// @ts-check
/**
 * The messages and gaps that the page keeps, and which of them are to be seen.
 *
 * Has no clock and no stream: it is told what came when.
 */
import { parseFilter } from "./filter.js";
import { Ring } from "./ring.js";

/** @import { Gap, Message } from "../pulse-events.d.ts" */
/** @import { Field } from "./catalogue.js" */
/** @import { Filter } from "./filter.js" */
/**
 * @typedef {object} Arrival what came; `message` and `text` are of a message, `gap` of a gap
 * @property {"message" | "gap"} kind
 * @property {number} atMs milliseconds since the epoch; NaN if nobody knows
 * @property {Message} message
 * @property {string} text its JSON as the server sent it
 * @property {Gap | null} gap
 * @property {boolean} isPast it came from the server's history: nobody knows how long before `atMs`
 *   it was published
 * @property {number} [lateMs] how far the stream was behind at least when it came
 * @property {number} [publishedMs] when the message says that it was, milliseconds since the epoch
 */
/** @typedef {Pick<Arrival, "lateMs" | "publishedMs">} Times */
/**
 * @typedef {Arrival & { id: number, fields: Field[] | null }} Entry `id` rises; `fields` are the
 *   named words of the routing key
 */
/** @typedef {(exchange: string, routingKey: string) => Field[] | null} FieldsOf */

/** With more a page gets slow, and may be ended by the browser: parsed it is some five times. */
const MOST_CHARACTERS = 50_000_000;

const NO_MESSAGE = Object.freeze(
  /** @type {Message} */ ({
    payload: null,
    exchange: "",
    routingKey: "",
    redelivered: false,
    routes: [],
    cc: [],
  }),
);

/**
 * @param {Gap} gap
 * @param {number} atMs
 * @returns {Arrival}
 */
export function gapArrival(gap, atMs) {
  return { kind: "gap", atMs, message: NO_MESSAGE, text: "", gap, isPast: false };
}

/** @type {Ring<Entry>} */
const NO_ENTRIES = new Ring(1);

/**
 * @param {Ring<Entry>} entries
 * @param {number} id
 * @returns {number} the index of the first with a higher id
 */
function firstAfter(entries, id) {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries.at(middle).id <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Entries, and those of them that the filter lets through; both oldest first, the newest kept. */
class Shelf {
  #characters = 0;
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
  }

  /**
   * @param {Entry} entry
   * @param {boolean} isMatching
   * @returns {number} how many messages had to go for it
   */
  push(entry, isMatching) {
    let dropped = 0;
    this.#characters += entry.text.length;
    while (this.kept.length && this.#isFull()) dropped += this.#dropOldest();
    this.kept.push(entry);
    if (isMatching) this.matching.push(entry);
    return dropped;
  }

  #isFull() {
    return this.kept.length === this.kept.limit || this.#characters > this.#mostCharacters;
  }

  #dropOldest() {
    const oldest = this.kept.at(0);
    if (this.matching.length && this.matching.at(0) === oldest) this.matching.shift();
    this.kept.shift();
    this.#characters -= oldest.text.length;
    return oldest.kind === "message" ? 1 : 0;
  }

  /** @param {Filter} filter */
  sift(filter) {
    this.matching = new Ring(this.kept.limit);
    for (const entry of this.kept) if (filter.test(entry)) this.matching.push(entry);
  }
}

/**
 * @typedef {{ shown: Shelf, behind: Shelf | null, received: number, dropped: number }} Cleared
 */

/** Of all logs: an id means the same entry whichever log is shown. */
let lastId = 0;

export class Log {
  #limit;
  #fieldsOf;
  #filter = parseFilter("");
  /** What is to be seen. @type {Shelf} */
  #shown;
  /** What came since the pause. @type {Shelf | null} */
  #behind = null;
  /** What `clear` took away. @type {Cleared | null} */
  #cleared = null;
  /** Messages that came. */
  received = 0;
  /** Messages that are no longer kept, because newer ones came. */
  dropped = 0;

  /** @param {{ limit?: number, fields?: FieldsOf }} options */
  constructor({ limit = 10_000, fields = () => null } = {}) {
    this.#limit = limit;
    this.#fieldsOf = fields;
    this.#shown = new Shelf(limit);
  }

  /**
   * @param {Message} message
   * @param {string} text its JSON as the server sent it
   * @param {number} atMs
   * @param {boolean} [isPast]
   * @param {Times} [times]
   */
  add(message, text, atMs, isPast = false, times = {}) {
    this.received += 1;
    this.#push({ kind: "message", atMs, message, text, gap: null, isPast, ...times });
  }

  /**
   * @param {Gap} gap
   * @param {number} atMs
   */
  gap(gap, atMs) {
    this.#push(gapArrival(gap, atMs));
  }

  /** Takes all away, which `restore` brings back; a pause goes on. */
  clear() {
    const { received, dropped } = this;
    // Who clears twice means what was there the first time.
    if (this.kept) this.#cleared = { shown: this.#shown, behind: this.#behind, received, dropped };
    this.received = this.dropped = 0;
    this.#shown = new Shelf(this.#limit);
    if (this.#behind) this.#behind = new Shelf(this.#limit);
  }

  /** Whether there is something to restore. */
  get isCleared() {
    return this.#cleared !== null;
  }

  /** Brings back what was taken away last, before what came since. */
  restore() {
    const cleared = this.#cleared;
    if (!cleared) return;
    const since = this.#shown.kept;
    this.#cleared = null;
    this.received += cleared.received;
    this.dropped += cleared.dropped;
    this.#shown = cleared.shown;
    this.#shown.sift(this.#filter); // which may be another one now
    for (const entry of [...(cleared.behind?.kept ?? []), ...since]) {
      this.dropped += this.#shown.push(entry, this.#filter.test(entry));
    }
  }

  /** Forgets what was taken away. */
  forget() {
    this.#cleared = null;
  }

  /**
   * Shows other entries instead: a download, all of it.
   * @param {Arrival[]} arrivals oldest first
   */
  load(arrivals) {
    this.clear();
    this.forget();
    this.#behind = null;
    this.#shown = new Shelf(Math.max(this.#limit, arrivals.length), Infinity);
    for (const arrival of arrivals) {
      if (arrival.kind === "message") this.received += 1;
      this.#push(arrival);
    }
  }

  /** Freezes what is visible; what comes is kept behind it, up to the limit. */
  pause() {
    this.#behind ??= new Shelf(this.#limit);
  }

  /** Shows what came meanwhile. */
  resume() {
    const behind = this.#behind;
    if (!behind) return;
    this.#behind = null;
    let next = 0;
    for (const entry of behind.kept) {
      const isMatching = next < behind.matching.length && behind.matching.at(next) === entry;
      if (isMatching) next += 1;
      this.dropped += this.#shown.push(entry, isMatching);
    }
  }

  get paused() {
    return this.#behind !== null;
  }

  /** Entries that wait behind the pause. */
  get held() {
    return this.#behind?.kept.length ?? 0;
  }

  /** Entries kept, visible or not. */
  get kept() {
    return this.#shown.kept.length + this.held;
  }

  get filter() {
    return this.#filter;
  }

  set filter(filter) {
    this.#filter = filter;
    this.#shown.sift(filter);
    this.#behind?.sift(filter);
  }

  /** Newest first.  A view: it changes as entries come. */
  get visible() {
    const { matching } = this.#shown;
    return {
      length: matching.length,
      /** @param {number} i */
      at: (i) => matching.at(matching.length - 1 - i),
    };
  }

  /** @returns {Entry[]} all that is kept, oldest first */
  all() {
    return [...this.#shown.kept, ...(this.#behind?.kept ?? [])];
  }

  /**
   * @param {number} id
   * @returns {{ count: number, oldestMs: number }} how much is kept from the first message on that
   *   came after that entry, and when it came
   */
  after(id) {
    const found = { count: 0, oldestMs: NaN };
    for (const kept of [this.#shown.kept, this.#behind?.kept ?? NO_ENTRIES]) {
      let i = firstAfter(kept, id);
      while (!found.count && i < kept.length && kept.at(i).kind !== "message") i += 1;
      if (!found.count && i < kept.length) found.oldestMs = kept.at(i).atMs;
      found.count += kept.length - i;
    }
    return found;
  }

  /**
   * @param {number} id
   * @returns {Entry | null} the entry in `visible` with this id
   */
  find(id) {
    const position = this.position({ id });
    return position < 0 ? null : this.visible.at(position);
  }

  /**
   * @param {Pick<Entry, "id">} entry
   * @returns {number} its index in `visible`, -1 if it is not there
   */
  position({ id }) {
    const { matching } = this.#shown;
    const at = firstAfter(matching, id - 1);
    const isThere = at < matching.length && matching.at(at).id === id;
    return isThere ? matching.length - 1 - at : -1;
  }

  /** @param {Arrival} arrival */
  #push(arrival) {
    const { kind, message } = arrival;
    const isMessage = kind === "message";
    const fields = isMessage ? this.#fieldsOf(message.exchange, message.routingKey) : null;
    const entry = { ...arrival, id: ++lastId, fields };
    this.dropped += (this.#behind ?? this.#shown).push(entry, this.#filter.test(entry));
  }
}
