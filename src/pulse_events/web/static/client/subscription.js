// @ts-check
/**
 * What one listener is subscribed to: the bindings in force, and those it has asked for instead.
 *
 * A link for each list of bindings.  Knows not whether the links are streams of their own or shared.
 */
import { isBehind } from "./cursors.js";
import { PulseEventsError } from "./errors.js";
import { Deferred } from "./queue.js";
import { Relay } from "./relay.js";
import { SoleRoute } from "./routes.js";

/** @import { Binding } from "../pulse-events.d.ts" */
/** @import { Ready, Sink } from "./connection.js" */
/** @import { Heard, Link, Source } from "./link.js" */
/** @import { Owner } from "./relay.js" */
/** @typedef {Link<boolean, SoleRoute>} SoleLink */
/**
 * @typedef {Omit<Sink, "message" | "ready"> & {
 *   message(heard: Heard): void, ready(event: { first: boolean, resumed: boolean }): void,
 * }} Listener
 */
/**
 * Opens a source that goes on behind the last event of another one, if that has a cursor.
 * @typedef {(bindings: readonly Binding[], sink: Sink, live: SoleLink | null) => Source} Open
 */
/** @typedef {{ bindings: readonly Binding[], done: Deferred }} Wish */

/** One of two streams is read later than the other by less; nobody notices that much. */
const HOLD_MS = 100;

export class Subscription {
  /** What is in force; at first what is to be. @type {readonly Binding[]} */
  #bindings;
  /** What is asked for, until it is ready. @type {Wish | null} */
  #wish = null;
  /** Of the wish that is ready, until nothing of the bindings before it comes. @type {Deferred | null} */
  #taking = null;
  /** Why what is in force has ended, while there is hope in a wish. @type {PulseEventsError | null} */
  #failure = null;
  /** The listener's. @type {string | null} */
  #place = null;
  #isRunning = false;
  #isPaused = false;
  #wasReady = false;
  #relay;
  #open;
  #listener;

  /**
   * @param {Open} open
   * @param {readonly Binding[]} bindings
   * @param {Listener} listener
   */
  constructor(open, bindings, listener) {
    this.#open = open;
    this.#bindings = bindings;
    this.#listener = listener;
    this.#relay = new Relay(HOLD_MS, this.#owner());
  }

  start() {
    this.#isRunning = true;
    this.#proceed();
  }

  close() {
    const why = "the listening was closed before the bindings were in force";
    this.#stop(new PulseEventsError(why, { code: "Closed" }));
  }

  wake() {
    for (const link of this.#relay.links) link.wake();
  }

  /** @param {string} reason */
  pause(reason) {
    this.#isPaused = true;
    for (const link of this.#relay.links) link.pause(reason);
  }

  resume() {
    this.#isPaused = false;
    for (const link of this.#relay.links) link.resume();
    this.#proceed();
  }

  /**
   * @param {readonly Binding[]} bindings
   * @returns {Promise<void>} see `pulse-events.d.ts`
   */
  rebind(bindings) {
    const why = "other bindings were asked for before these were ready";
    giveUp(this.#wish?.done, new PulseEventsError(why, { code: "Replaced" }));
    this.#wish = { bindings, done: new Deferred() };
    const { promise } = this.#wish.done;
    this.#relay.drop();
    this.#proceed();
    return promise;
  }

  /** Opens what is wanted and not there. */
  #proceed() {
    if (!this.#isRunning || this.#isPaused || this.#relay.isBusy) return;
    const wanted = this.#wish?.bindings ?? (this.#relay.live ? null : this.#bindings);
    if (!wanted) return;
    const { live } = this.#relay;
    this.#relay.open((sink) => this.#open(wanted, sink, live), new SoleRoute(wanted));
  }

  /** @returns {Owner<boolean, SoleRoute>} what the relay calls */
  #owner() {
    const listener = this.#listener;
    return {
      changed: (link, old, event) => this.#changed(link, old, event),
      led: () => this.#led(),
      over: () => this.#proceed(),
      refused: (_link, error) => this.#refused(error),
      ended: (_link, error) => this.#ended(error),
      readyAgain: (link, { resumed }) => {
        this.#at(link);
        listener.ready({ first: false, resumed });
      },
      give: (heard) => listener.message({ ...heard, cursor: this.#move(heard.cursor) }),
      isAmong: (one, had) => had.has(one),
      gap: (link, gap) => {
        this.#place = null; // what follows may be another log, with lower places
        this.#at(link);
        listener.gap(gap);
      },
      moved: (link) => this.#at(link),
      lost: (old, reason) => this.#gap(reason, old.heardAt),
      ping: (link, ping) => {
        if (link === this.#waitedFor) return;
        this.#at(link);
        listener.ping(ping);
      },
      status: (_link, status) => listener.status(status),
      stale: (link, stale) => link !== this.#waitedFor && listener.stale(stale),
      error: (_link, error) => listener.error(error),
      state: (link, state) => {
        // Who has asked for other bindings wants to know why they are not in force.
        const isOfInterest = link === (this.#relay.next ?? this.#relay.live);
        if (isOfInterest && state.phase !== "closed") listener.state(state);
      },
    };
  }

  /** The link that is to replace one that is there. */
  get #waitedFor() {
    return this.#relay.live && this.#relay.next;
  }

  /**
   * Tells the listener its place, unless messages before it may still be held.
   * @param {SoleLink} link
   */
  #at({ cursor }) {
    const place = this.#relay.isBusy ? null : this.#move(cursor);
    if (place !== null) this.#listener.at(place);
  }

  /**
   * @param {string | null} cursor of an event
   * @returns {string | null} the listener's place: the same, or a newer one, as what only new
   *   bindings match comes behind newer messages; `null` if the event has none
   */
  #move(cursor) {
    if (cursor === null) return null;
    if (!isBehind(cursor, this.#place)) this.#place = cursor;
    return this.#place;
  }

  /**
   * @param {SoleLink} link
   * @param {SoleLink | null} old
   * @param {Ready} event
   */
  #changed(link, old, { resumed, isTold }) {
    if (this.#wish) {
      this.#bindings = this.#wish.bindings;
      this.#taking = this.#wish.done;
      this.#wish = null;
    }
    this.#failure = null;
    if (old?.isReady) return;
    const first = !this.#wasReady;
    this.#wasReady = true;
    if (old && !first && !isTold) this.#gap(old.reason, old.heardAt);
    this.#at(link);
    this.#listener.ready({ first, resumed });
  }

  #led() {
    this.#taking?.resolve();
    this.#taking = null;
  }

  /** @param {PulseEventsError} error */
  #refused(error) {
    const wish = this.#wish;
    const { live } = this.#relay;
    this.#wish = null;
    if (!wish || this.#failure) this.#end(this.#failure ?? error);
    else if (live) this.#listener.state(live.lastState);
    else this.#proceed();
    wish?.done.reject(error);
  }

  /** @param {PulseEventsError} error */
  #ended(error) {
    if (this.#relay.next) this.#failure = error;
    else this.#end(error);
  }

  /** @param {PulseEventsError} error */
  #end(error) {
    this.#stop(error);
    this.#listener.end(error);
  }

  /** @param {PulseEventsError} why */
  #stop(why) {
    this.#isRunning = false;
    this.#relay.close();
    giveUp(this.#taking, why);
    giveUp(this.#wish?.done, why);
    this.#taking = this.#wish = null;
  }

  /**
   * @param {string} reason
   * @param {number} from
   */
  #gap(reason, from) {
    const [since, until] = [from, Date.now()].map((ms) => new Date(ms).toISOString());
    this.#listener.gap({ reason, from: since, to: until });
  }
}

/**
 * Rejects what its own caller has made pointless, so that it is nobody's unhandled rejection.
 * @param {Deferred | null | undefined} done
 * @param {PulseEventsError} why
 */
function giveUp(done, why) {
  done?.promise.catch(() => {});
  done?.reject(why);
}
