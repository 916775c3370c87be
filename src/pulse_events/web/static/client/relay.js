// @ts-check
/**
 * One link after the other: which one leads, which one is to follow it, and the change.
 *
 * The next link is opened beside the one that leads, and takes over when it is ready.  If it goes on
 * behind a cursor of the one that led, it brings again what that one has brought since, under the
 * same cursors, and then what follows.  If not (no history, or another process' one), what both
 * bring is compared for a while: `Handover`.  Knows whom messages are for only by the links' routes,
 * and nothing of how many listeners there are.
 */
import { Handover } from "./handover.js";
import { Link } from "./link.js";

/** @import { BrokerStatus, Gap, State } from "../pulse-events.d.ts" */
/** @import { Ready, Sink } from "./connection.js" */
/** @import { PulseEventsError } from "./errors.js" */
/** @import { Heard, LinkListener, Routing, Source } from "./link.js" */
/**
 * What a relay tells its owner.
 * @template T
 * @template {Routing<T>} R
 * @typedef {object} Owner
 * @property {(link: Link<T, R>, old: Link<T, R> | null, event: Ready) => void} changed the link that
 *   was next leads; `old` is what led before
 * @property {() => void} led nothing comes any more that `old` alone brings
 * @property {() => void} over nothing is left of the change; the next link may be opened
 * @property {(link: Link<T, R>, error: PulseEventsError) => void} refused it was the next one
 * @property {(link: Link<T, R>, error: PulseEventsError) => void} ended the leading one, for good
 * @property {(link: Link<T, R>, event: Ready) => void} readyAgain
 * @property {(heard: Heard, to: Iterable<T>) => void} give
 * @property {(one: T, those: ReadonlySet<T>) => boolean} isAmong also in the place of another one
 * @property {(link: Link<T, R>, gap: Gap) => void} gap
 * @property {(old: Link<T, R>, reason: string) => void} lost messages since `old` was heard last
 * @property {(link: Link<T, R>) => void} moved it is at another place, where nothing is to be told of
 * @property {(link: Link<T, R>, ping: { time: string }) => void} ping
 * @property {(link: Link<T, R>, status: BrokerStatus) => void} status
 * @property {(link: Link<T, R>, stale: { silentMs: number, intervalMs: number }) => void} stale
 * @property {(link: Link<T, R>, error: PulseEventsError) => void} error
 * @property {(link: Link<T, R>, state: State) => void} state
 */

/**
 * Why a stream lacks what is before its beginning, in the server's words.  The stream before it had
 * that, but for what only new bindings match.
 */
const REASONS_OF_THE_BEGINNING = new Set([
  "these bindings were not all in force before",
  "the history was another process'",
  "the cursor is not of this server's history",
]);

/** They are the first that the link brings; those that it has not brought by then, it does not. */
const REPEATED_WITHIN_MS = 60_000;

/**
 * @template T the listeners
 * @template {Routing<T>} R
 */
export class Relay {
  /** What led before, while it is compared with what leads. @type {Link<T, R> | null} */
  #old = null;
  /** @type {Link<T, R> | null} */
  #live = null;
  /** @type {Link<T, R> | null} */
  #next = null;
  /** @type {Handover<T> | null} */
  #handover = null;
  /**
   * Who has had what was heard while the next link was waited for, by the cursors: that one brings
   * it again.
   * @type {Map<string, ReadonlySet<T>>}
   */
  #repeats = new Map();
  #changedAt = 0;
  /** Whether what led before had all up to where the leading link begins. */
  #isBridged = false;
  #holdMs;
  #owner;
  #listener;

  /**
   * @param {number} holdMs see `Handover`
   * @param {Owner<T, R>} owner
   */
  constructor(holdMs, owner) {
    this.#holdMs = holdMs;
    this.#owner = owner;
    this.#listener = this.#listen();
  }

  /** The link that leads. */
  get live() {
    return this.#live;
  }

  /** The link that is to lead when it is ready. */
  get next() {
    return this.#next;
  }

  get links() {
    return [this.#old, this.#live, this.#next].filter((link) => link !== null);
  }

  /** Whether another link cannot be opened now. */
  get isBusy() {
    return this.#next !== null || this.#old !== null;
  }

  /**
   * Opens the link that is to lead.
   * @param {(sink: Sink) => Source} source
   * @param {R} routes
   */
  open(source, routes) {
    const next = new Link(source, routes, this.#listener);
    this.#next = next;
    if (Date.now() - this.#changedAt > REPEATED_WITHIN_MS) this.#repeats.clear();
    if (this.#live) this.#handover = this.#handoverTo(next, this.#live);
    next.start();
  }

  /** Gives up the link that is to lead; does nothing when it does. */
  drop() {
    if (!this.#next) return;
    this.#next.close();
    this.#next = null;
    this.#handover?.cancel();
    this.#handover = null;
  }

  close() {
    this.#handover?.stop();
    this.#repeats.clear();
    for (const link of this.links) link.close();
    this.#old = this.#live = this.#next = this.#handover = null;
  }

  /**
   * @param {Link<T, R>} next
   * @param {Link<T, R>} live
   * @returns {Handover<T>}
   */
  #handoverTo(next, live) {
    return new Handover(live.routes, next.routes, this.#holdMs, {
      give: this.#owner.give,
      lost: (reason) => this.#owner.lost(live, reason),
      led: () => this.#owner.led(),
      over: () => this.#over(),
    });
  }

  /**
   * @param {Link<T, R>} link
   * @param {Ready} event
   */
  #change(link, event) {
    const old = this.#live;
    if (event.resumed) this.#handover?.cancel(); // gives what it held
    if (link !== this.#next) return; // who got that closed it
    this.#isBridged = old?.isReady ?? false;
    this.#changedAt = Date.now();
    this.#old = old;
    this.#live = link;
    this.#next = null;
    this.#owner.changed(link, old, event);
    if (old && !event.resumed) return this.#handover?.begin(old.isReady);
    this.#owner.led();
    this.#over();
  }

  #over() {
    this.#old?.close();
    this.#old = this.#handover = null;
    this.#owner.over();
  }

  /** @returns {LinkListener<T, R>} what all links call */
  #listen() {
    const { give, isAmong, readyAgain, gap, moved, ping, status, stale, error, state } =
      this.#owner;
    /** @type {<A>(tell: (link: Link<T, R>, event: A) => void) => (link: Link<T, R>, event: A) => void} */
    const unlessOld = (tell) => (link, event) => link !== this.#old && tell(link, event);
    return {
      onReady: (link, event) => {
        if (link === this.#next) return this.#change(link, event);
        if (link !== this.#live) return;
        this.#isBridged = false;
        readyAgain(link, event);
      },
      onMessage: (link, heard) => {
        const had = link === this.#live ? this.#whoHad(link, heard) : undefined;
        if (!had && this.#handover) return this.#handover.hear(link.routes, heard);
        const matching = link.routes.match(heard.message);
        if (!had) return give(heard, matching);
        const others = [...matching].filter((one) => !isAmong(one, had));
        if (others.length) give(heard, others);
      },
      onDown: (link) => this.#down(link),
      onEnd: (link, why) => this.#end(link, why),
      onGap: (link, what) => {
        const isBridged = link === this.#live && this.#isBridged;
        if (isBridged && REASONS_OF_THE_BEGINNING.has(what.reason)) return moved(link);
        // Later ones are before where the next one leads, or were told when the old one broke.
        if (link !== this.#old || !this.#handover?.isLed) gap(link, what);
      },
      onPing: unlessOld(ping),
      onStatus: unlessOld(status),
      onStale: unlessOld(stale),
      onError: unlessOld(error),
      onState: unlessOld(state),
    };
  }

  /**
   * @param {Link<T, R>} link that leads
   * @param {Heard} heard by it
   * @returns {ReadonlySet<T> | undefined} who has had it from the one before
   */
  #whoHad({ routes }, { cursor }) {
    if (cursor === null) return undefined;
    const had = this.#repeats.get(cursor);
    if (this.#next) this.#repeats.set(cursor, routes.carries);
    else this.#repeats.delete(cursor);
    return had;
  }

  /** @param {Link<T, R>} link */
  #down(link) {
    const isInChange = link !== this.#next;
    if (isInChange) this.#handover?.breakOff(link.reason || "a stream broke while it was replaced");
  }

  /**
   * @param {Link<T, R>} link
   * @param {PulseEventsError} why
   */
  #end(link, why) {
    if (link === this.#next) {
      this.drop();
      this.#owner.refused(link, why);
    } else if (link === this.#live) {
      this.#owner.ended(link, why);
    }
  }
}
