// @ts-check
/**
 * From one stream to the next: nothing lost, nothing twice, the order kept.
 *
 * Messages have no ids, so texts are compared.  What both streams match comes in the same order on
 * both, on the next one from its `ready` on.  So when a message has come on both, the old stream has
 * passed the next one's beginning, and the next one leads; the same if the old one is quiet.  Until
 * then what the next one brings waits.  What the old one brings waits `holdMs` at most, if the
 * bindings differ: what only the new ones match may belong before it.
 *
 * Then both are compared for a moment: what the old one brings and the next one does not is given
 * late rather than lost (equal messages, server processes with orders of their own).  Where it is in
 * doubt a message comes twice.  A stream that fails meanwhile is a gap.
 *
 * Knows no connections: it is told what came.
 */

/** @import { Heard, Routing } from "./link.js" */

/** Silence of the old stream that means that it has passed the next one's beginning. */
const QUIET_MS = 300;
/** How long the old stream may lag behind before it is given up. */
const OVERLAP_LIMIT_MS = 10_000;
/** How long the old stream is listened to when the next one leads. */
const COMPARE_MS = 300;
/** How long one stream may take to bring what the other one has brought. */
const LAG_LIMIT_MS = 2000;

/**
 * @param {Heard[]} list
 * @param {Heard} heard
 */
const placeIn = (list, heard) => list.findIndex(({ text }) => text === heard.text);

/**
 * Calls in two steps: after a stall a timer is called before what has arrived is read, a second one
 * after it.
 * @param {number} ms
 * @param {() => void} act
 * @returns {() => void} stops it
 */
function after(ms, act) {
  let timer = setTimeout(() => {
    timer = setTimeout(act, ms / 2);
  }, ms / 2);
  return () => clearTimeout(timer);
}

/** @template T the listeners */
export class Handover {
  /** @type {"connecting" | "overlap" | "compare" | "catchUp" | "over"} */
  #phase = "connecting";
  /** What the old stream brought and nobody has got yet. @type {Heard[]} */
  #held = [];
  /** What the next stream brought before it led. @type {Heard[]} */
  #early = [];
  /** What the old stream brought and its listeners got. @type {(Heard & { at: number })[]} */
  #given = [];
  /** What the old stream has brought since the next one leads, and that one not. @type {Heard[]} */
  #owed = [];
  /** What the next one has brought since, and the old one not. @type {Heard[]} */
  #ahead = [];
  #stopQuiet = () => {};
  #stopLimit = () => {};
  #old;
  #next;
  #holdMs;
  #on;

  /**
   * @param {Routing<T>} old
   * @param {Routing<T>} next
   * @param {number} holdMs 0 if each listener has the same bindings on both
   * @param {{
   *   give(heard: Heard, to: Iterable<T>): void, lost(reason: string): void, led(): void,
   *   over(): void,
   * }} on
   */
  constructor(old, next, holdMs, on) {
    this.#old = old;
    this.#next = next;
    this.#holdMs = holdMs;
    this.#on = on;
  }

  /** Whether what the old stream says counts no more. */
  get isLed() {
    return this.#phase === "compare" || this.#phase === "catchUp";
  }

  /**
   * @param {Routing<T>} side the old or the next
   * @param {Heard} heard
   */
  hear(side, heard) {
    if (side === this.#next) this.#fromNext(heard);
    else if (this.#phase === "compare") this.#compare(heard);
    else if (this.#phase !== "catchUp") this.#fromOld(heard);
  }

  /**
   * The next stream is ready.
   * @param {boolean} isOldReady if not, what it brought last is older than the gap
   */
  begin(isOldReady) {
    this.#phase = "overlap";
    if (!isOldReady) return this.#switch();
    const late = "the old stream was too far behind the new one";
    this.#stopLimit = after(OVERLAP_LIMIT_MS, () => this.breakOff(late));
    this.#awaitQuiet();
  }

  /**
   * One of the two has failed.
   * @param {string} reason
   */
  breakOff(reason) {
    if (this.#phase === "connecting") return this.#release();
    if (this.#phase !== "overlap") return;
    this.#release();
    this.#on.lost(reason);
    this.#lead(0);
  }

  /** The next stream is given up, the old one goes on. */
  cancel() {
    this.stop();
    this.#release();
  }

  stop() {
    this.#stopQuiet();
    this.#stopLimit();
    this.#phase = "over";
  }

  /** @param {Heard} heard */
  #isShared({ message }) {
    return this.#old.brings(message) && this.#next.brings(message);
  }

  #awaitQuiet() {
    this.#stopQuiet();
    this.#stopQuiet = after(QUIET_MS, () => {
      const lags = this.#early.some((heard) => this.#isShared(heard));
      if (lags) this.#awaitQuiet();
      else this.#switch();
    });
  }

  // While the old stream leads.

  /** @param {Heard} heard */
  #fromOld(heard) {
    if (placeIn(this.#early, heard) >= 0) {
      this.#lead(this.#held.length);
      return this.#compare(heard);
    }
    this.#held.push(heard);
    if (this.#holdMs) after(this.#holdMs, () => this.#release(heard));
    else this.#release();
    if (this.#phase === "overlap" && this.#isShared(heard)) this.#awaitQuiet();
  }

  /** @param {Heard} heard */
  #fromNext(heard) {
    const members = [...this.#next.match(heard.message)];
    const fresh = members.filter((member) => !this.#old.carries.has(member));
    if (fresh.length) this.#on.give(heard, fresh);
    if (fresh.length === members.length) return;
    if (this.#phase !== "overlap") return this.#pass(heard);
    this.#early.push(heard);
    const at = placeIn(this.#held, heard);
    if (at >= 0 || placeIn(this.#given, heard) >= 0) this.#lead(Math.max(at, 0));
  }

  /** @param {Heard | undefined} last of those to give; else all that are held */
  #release(last = this.#held.at(-1)) {
    // One by one: a listener that gets one may end the hand-over, which gives the others.
    while (last && this.#held.includes(last)) {
      this.#giveOld(/** @type {Heard} */ (this.#held.shift()));
    }
  }

  /** @param {Heard} heard */
  #giveOld(heard) {
    const at = Date.now();
    this.#given.push({ ...heard, at });
    while (this.#given[0].at < at - LAG_LIMIT_MS) this.#given.shift();
    this.#on.give(heard, this.#old.match(heard.message));
  }

  // From where the next stream leads on.

  /**
   * @param {number} before how many of those held are older than the next one's beginning
   */
  #lead(before) {
    this.stop();
    this.#phase = "compare";
    const held = this.#held.splice(0);
    for (const heard of held.splice(0, before)) this.#giveOld(heard);
    for (const heard of this.#early.splice(0)) this.#pass(heard);
    for (const heard of held) this.#compare(heard);
    if (this.#phase !== "compare") return; // who got one of them closed it
    this.#stopLimit = after(COMPARE_MS, () => this.#catchUp());
    this.#on.led();
  }

  /** The old stream has nothing more to say. */
  #switch() {
    this.#lead(this.#held.length);
    this.#given = []; // from before the next one's beginning
    this.#finish();
  }

  /**
   * Gives a message of the next stream to the old one's listeners, unless they have had it.
   * @param {Heard} heard
   */
  #pass(heard) {
    const repeated = this.#given.map(({ text }) => text).lastIndexOf(heard.text);
    if (repeated >= 0) {
      this.#given.splice(0, repeated + 1);
    } else {
      if (this.#isShared(heard)) this.#noteShared(heard);
      const members = [...this.#next.match(heard.message)];
      this.#on.give(
        heard,
        members.filter((member) => this.#old.carries.has(member)),
      );
    }
    if (this.#phase === "catchUp" && this.#isEven) this.#finish();
  }

  /** @param {Heard} heard */
  #noteShared(heard) {
    this.#given = []; // the old one brought them before it, so the next one would have, too
    const at = placeIn(this.#owed, heard);
    if (at >= 0) this.#owed.splice(at, 1);
    else this.#ahead.push(heard);
  }

  /**
   * Takes what the old stream brings while the next one leads.
   * @param {Heard} heard
   */
  #compare(heard) {
    if (!this.#isShared(heard)) return; // the new bindings do not ask for it
    const at = placeIn(this.#ahead, heard);
    if (at >= 0) this.#ahead.splice(at, 1);
    else this.#owed.push(heard);
  }

  get #isEven() {
    return !this.#owed.length && !this.#given.some((heard) => this.#isShared(heard));
  }

  #catchUp() {
    this.#phase = "catchUp";
    if (this.#isEven) this.#finish();
    else this.#stopLimit = after(LAG_LIMIT_MS, () => this.#finish());
  }

  #finish() {
    if (this.#phase === "over") return;
    this.stop();
    for (const heard of this.#owed) this.#on.give(heard, this.#old.match(heard.message));
    this.#on.over();
  }
}
