// @ts-check
/**
 * From one stream to the next without loss, and without repetition where it can be told.
 *
 * Messages have no ids.  What both streams match comes in the same order on both, on the next one
 * from its `ready` on.  So the old stream is read until it has surely passed that point (it brings
 * a message that the next one has brought too, or is quiet), and what the next one then repeats is
 * dropped by comparing texts.  Where that is in doubt (equal messages, several server processes), a
 * message may come twice; the old stream failing meanwhile is a gap.
 */

/** @import { Link } from "./link.js" */
/** @import { Heard } from "./link.js" */
/** @import { Member } from "./switchboard.js" */

/** Silence of the old stream that means that it has passed the next one's beginning. */
const QUIET_MS = 300;
/** How long the old stream may lag behind before it is given up. */
const OVERLAP_LIMIT_MS = 10_000;
/** How long the next stream may take to repeat the last message of the old one. */
const REPEATS_LIMIT_MS = 2000;

export class Handover {
  #old;
  #next;
  #on;
  /**
   * Texts that the old stream brought and the next one may still repeat, oldest first.
   * @type {string[]}
   */
  #ahead;
  /** What the next stream brought for listeners that the old one still serves. @type {Heard[]} */
  #held = [];
  #overlapping = true;
  #isOver = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #quiet;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #limit;

  /**
   * @param {Link} old
   * @param {Link} next
   * @param {{
   *   deliver(text: string, members: Iterable<Member>): void, lost(reason: string): void,
   *   over(): void,
   * }} on
   */
  constructor(old, next, on) {
    this.#old = old;
    this.#next = next;
    this.#on = on;
    this.#ahead = old
      .stopRecording()
      .filter((heard) => this.#isCommon(heard))
      .map(({ text }) => text);
  }

  start() {
    this.#next.onMessage = (heard) => this.#fromNext(heard);
    if (!this.#old.connection.isReady) {
      this.#ahead = []; // what it brought last is older than the gap
      return this.#switch();
    }
    const deliver = this.#old.onMessage;
    this.#old.onMessage = (heard) => {
      deliver(heard);
      this.#fromOld(heard);
    };
    this.#old.onDown = this.#next.onDown = () =>
      this.#breakOff("a stream broke while it was replaced");
    this.#old.onFailed = () => this.#breakOff(this.#old.reason);
    this.#limit = setTimeout(
      () => this.#breakOff("the old stream was too far behind the new one"),
      OVERLAP_LIMIT_MS,
    );
    this.#awaitQuiet();
  }

  /** Ends it where it is; the old stream is closed. */
  stop() {
    clearTimeout(this.#quiet);
    clearTimeout(this.#limit);
    this.#old.close();
  }

  /** @param {Heard} heard */
  #isCommon({ message }) {
    return this.#old.match(message).size > 0 && this.#next.match(message).size > 0;
  }

  #awaitQuiet() {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      if (this.#held.length) return this.#awaitQuiet(); // the next one is ahead: the old one lags
      this.#ahead = []; // from before the next one's beginning
      this.#switch();
    }, QUIET_MS);
  }

  /** @param {Heard} heard */
  #fromOld(heard) {
    if (!this.#isCommon(heard)) return;
    this.#ahead.push(heard.text);
    if (this.#held.some(({ text }) => text === heard.text)) this.#switch();
    else this.#awaitQuiet();
  }

  /** @param {Heard} heard */
  #fromNext(heard) {
    const members = [...this.#next.match(heard.message)];
    this.#on.deliver(
      heard.text,
      members.filter((member) => !this.#old.carries.has(member)),
    );
    if (!this.#isCommon(heard)) return;
    if (!this.#overlapping) return this.#pass(heard);
    this.#held.push(heard);
    if (this.#ahead.includes(heard.text)) this.#switch();
  }

  /**
   * Gives a message of the next stream to the old one's listeners, unless they have had it.
   * @param {Heard} heard
   */
  #pass({ text, message }) {
    const at = this.#ahead.lastIndexOf(text);
    this.#ahead = at < 0 ? [] : this.#ahead.slice(at + 1);
    if (at < 0) {
      const members = [...this.#next.match(message)];
      this.#on.deliver(
        text,
        members.filter((member) => this.#old.carries.has(member)),
      );
    }
    if (!this.#ahead.length) this.#finish();
  }

  /** @param {string} reason */
  #breakOff(reason) {
    if (!this.#overlapping) return;
    this.#on.lost(reason);
    this.#switch();
  }

  #switch() {
    this.stop();
    this.#overlapping = false;
    this.#limit = setTimeout(() => this.#finish(), REPEATS_LIMIT_MS);
    const held = this.#held;
    this.#held = [];
    for (const heard of held) this.#pass(heard);
    if (!this.#ahead.length) this.#finish();
  }

  #finish() {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#limit);
    this.#next.onDown = () => {};
    this.#on.over();
  }
}
