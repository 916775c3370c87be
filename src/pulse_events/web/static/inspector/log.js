// @ts-check
/**
 * The messages and gaps that the page keeps, and which of them are to be seen.
 *
 * Has no clock and no stream: it is told what came when.  What it drops to stay within its limit
 * leaves a gap in its place, so that neither the table nor a download has a silent hole.
 */
import { parseFilter } from "./filter.js";
import { gapArrival } from "./loss.js";
import { Ring } from "./ring.js";
import { Shelf } from "./shelf.js";

/** @import { Gap, Message } from "../pulse-events.d.ts" */
/** @import { Field } from "./catalogue.js" */
/**
 * @typedef {object} Arrival what came; `message` and `text` are of a message, `gap` of a gap
 * @property {"message" | "gap"} kind
 * @property {number} atMs milliseconds since the epoch; NaN if nobody knows
 * @property {Message} message
 * @property {string} text its JSON as the server sent it
 * @property {Gap | null} gap
 * @property {boolean} isPast it came from the server's history, or waited at the broker: nobody knows
 *   how long before `atMs` it was published
 * @property {number} [lateMs] how far the stream was behind at least when it came
 * @property {number} [publishedMs] when the message says that it was, milliseconds since the epoch
 */
/** @typedef {Pick<Arrival, "lateMs" | "publishedMs">} Times */
/**
 * @typedef {Arrival & { id: number, fields: Field[] | null, lost: number }} Entry `id` rises;
 *   `fields` are the named words of the routing key; `lost`, of a gap, are the messages that came
 *   and were dropped here
 */
/** @typedef {(exchange: string, routingKey: string) => Field[] | null} FieldsOf */

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

/** @typedef {{ shown: Shelf, behind: Shelf | null, received: number }} Cleared */

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
  /** Whether there was something that `clear` took away. */
  wasCleared = false;

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
    // Who clears twice means what was there the first time.
    const { received } = this;
    if (this.kept) {
      this.#cleared = { shown: this.#shown, behind: this.#behind, received };
      this.wasCleared = true;
    }
    this.received = 0;
    this.#shown = new Shelf(this.#limit);
    if (this.#behind) this.#behind = new Shelf(this.#limit);
  }

  /** Takes all away for good, as if nothing had been there. */
  begin() {
    this.clear();
    this.forget();
    this.wasCleared = false;
  }

  /** The newest entry's id, be it taken away. */
  get lastId() {
    return lastId;
  }

  /** Whether there is something to restore. */
  get isCleared() {
    return this.#cleared !== null;
  }

  /** Brings back what was taken away last, before what came since. */
  restore() {
    const cleared = this.#cleared;
    if (!cleared) return;
    const since = [...(cleared.behind?.all() ?? []), ...this.#shown.all()];
    this.#cleared = null;
    this.received += cleared.received;
    this.#shown = cleared.shown;
    for (const entry of since) this.#shown.push(entry, false);
    this.filter = this.#filter; // which may be another one now
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
    this.begin();
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
    if (behind.loss.entry) this.#shown.push(behind.loss.entry, true);
    let next = 0;
    for (const entry of behind.kept) {
      const isMatching = next < behind.matching.length && behind.matching.at(next) === entry;
      if (isMatching) next += 1;
      this.#shown.push(entry, isMatching);
    }
  }

  get paused() {
    return this.#behind !== null;
  }

  /** Messages that wait behind the pause. */
  get held() {
    return this.#behind?.messages ?? 0;
  }

  /** Messages that came since the pause, with those that were dropped for newer ones. */
  get newer() {
    return this.held + (this.#behind?.loss.count ?? 0);
  }

  /** Messages kept, visible or not. */
  get kept() {
    return this.#shown.messages + this.held;
  }

  /** Messages that are no longer kept, because newer ones came. */
  get dropped() {
    return this.#shown.loss.count + this.newer - this.held;
  }

  /** Messages to be seen. */
  get matching() {
    return this.#shown.matchingMessages;
  }

  get filter() {
    return this.#filter;
  }

  set filter(filter) {
    this.#filter = filter;
    for (const entry of this.newest()) filter.learn(entry);
    this.#sift();
  }

  #sift() {
    this.#shown.sift(this.#filter);
    this.#behind?.sift(this.#filter);
  }

  /** @returns {Generator<Entry>} all that is kept, newest first */
  *newest() {
    for (const shelf of [this.#behind, this.#shown]) {
      for (let i = (shelf?.kept.length ?? 0) - 1; i >= 0; i -= 1) {
        yield/** @type {Shelf} */ (shelf).kept.at(i);
      }
    }
  }

  /** Newest first, what was dropped as the last.  A view: it changes as entries come. */
  get visible() {
    const { matching, loss } = this.#shown;
    return {
      length: matching.length + (loss.entry ? 1 : 0),
      /** @param {number} i */
      at: (i) =>
        i < matching.length
          ? matching.at(matching.length - 1 - i)
          : /** @type {Entry} */ (loss.entry),
    };
  }

  /**
   * Corrects when messages say that they were published.
   * @param {number} byMs
   */
  shift(byMs) {
    for (const entry of this.all()) {
      if (entry.kind === "message" && entry.publishedMs !== undefined) entry.publishedMs += byMs;
    }
  }

  /** @returns {Entry[]} all that is kept, oldest first, with a gap where something was dropped */
  all() {
    return [...this.#shown.all(), ...(this.#behind?.all() ?? [])];
  }

  /** @returns {Entry[]} those of all that the filter lets through */
  allMatching() {
    return [...this.#shown.allMatching(), ...(this.#behind?.allMatching() ?? [])];
  }

  /**
   * @param {number} id
   * @returns {{ count: number, oldestMs: number, oldestId: number }} how much is kept from the first
   *   message on that came after that entry, when it came, and its id
   */
  after(id) {
    const found = { count: 0, oldestMs: NaN, oldestId: NaN };
    for (const kept of [this.#shown.kept, this.#behind?.kept ?? NO_ENTRIES]) {
      let i = firstAfter(kept, id);
      while (!found.count && i < kept.length && kept.at(i).kind !== "message") i += 1;
      if (!found.count && i < kept.length) {
        ({ atMs: found.oldestMs, id: found.oldestId } = kept.at(i));
      }
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
    const { matching, loss } = this.#shown;
    if (id === loss.entry?.id) return matching.length;
    const at = firstAfter(matching, id) - 1;
    const isThere = at >= 0 && matching.at(at).id === id;
    return isThere ? matching.length - 1 - at : -1;
  }

  /** @param {Arrival} arrival */
  #push(arrival) {
    const { kind, message } = arrival;
    const isMessage = kind === "message";
    const fields = isMessage ? this.#fieldsOf(message.exchange, message.routingKey) : null;
    const entry = { ...arrival, id: ++lastId, fields, lost: 0 };
    if (this.#filter.learn(entry)) this.#sift();
    (this.#behind ?? this.#shown).push(entry, this.#filter.test(entry));
  }
}
