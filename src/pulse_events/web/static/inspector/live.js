// @ts-check
/**
 * What the page listens to: one listening, whose bindings change.
 *
 * One that was stopped goes on where it was, if the server keeps a history.
 */
import { listen } from "../pulse-events.js";

/** @import { Binding, BrokerStatus, Gap, Listening, ListenOptions, Message, State } from "../pulse-events.d.ts" */
/** @import { PulseEventsError } from "../pulse-events.js" */
/** @import { Ears, Opening } from "./opening.js" */
/** @import { Place } from "./start.js" */
/** @typedef {Pick<ListenOptions, "url" | "worker" | "config">} Source */
/**
 * @typedef {object} Events
 * @property {(message: Message, text: string, cursor: string | null) => void} onMessage
 * @property {(gap: Gap) => void} onGap
 * @property {(state: State) => void} onState
 * @property {(isPast: boolean) => void} onReady the bindings are in force; whether the history
 *   comes first
 * @property {(ping: { time: string }) => void} onPing
 * @property {(status: BrokerStatus) => void} onStatus
 * @property {(bindings: readonly Binding[]) => void} onTaken the server has nothing against these,
 *   or is away
 * @property {(error: PulseEventsError) => void} onRefused
 */

export class Live {
  /** @type {Listening | null} */
  #listening = null;
  /** What goes on if the server refuses others. @type {readonly Binding[]} */
  #bindings = [];
  /** What was asked for last, until it is taken. @type {readonly Binding[] | null} */
  #asked = null;
  /** Where the last one was when it ended; `null` if there is no history. @type {string | null} */
  #cursor = null;
  #source;
  #opening;
  #on;

  /**
   * @param {Source} source
   * @param {Opening | null} opening may have begun what is listened to first
   * @param {Events} events
   */
  constructor(source, opening, events) {
    this.#source = source;
    this.#opening = opening;
    this.#on = events;
  }

  /** @returns {readonly Binding[]} what it listens to; none if it is stopped */
  get bindings() {
    return this.#bindings;
  }

  get isRunning() {
    return this.#listening !== null;
  }

  /** Whether the next one goes on where the last one was. */
  get goesOn() {
    return this.#cursor !== null;
  }

  /**
   * @param {readonly Binding[]} bindings
   * @param {Place} [start] where it begins, if nothing goes on
   */
  listenTo(bindings, start = {}) {
    this.#asked = bindings;
    if (this.#listening) void this.#rebind(this.#listening, bindings);
    else this.#begin(bindings, start);
  }

  stop() {
    this.#leave()?.close();
  }

  /** Stops; the next one begins anew. */
  forget() {
    this.stop();
    this.#cursor = null;
  }

  /**
   * @param {readonly Binding[]} bindings
   * @param {Place} start
   */
  #begin(bindings, start) {
    const place = this.#cursor === null ? start : { cursor: this.#cursor };
    this.#bindings = bindings;
    /** @type {Ears} */
    const ears = {
      onMessage: this.#on.onMessage,
      onGap: this.#on.onGap,
      onPing: this.#on.onPing,
      onStatus: this.#on.onStatus,
      onReady: (event) => this.#ready(bindings, isFromPast(event, place)),
      onState: (state) => this.#state(state),
      onError: (error) => error.permanent && this.#refused(error),
    };
    const begun = this.#opening?.take(bindings, place);
    this.#listening =
      begun?.listening ?? listen(bindings, { ...this.#source, share: true, ...place, ...ears });
    begun?.hear(ears);
  }

  /**
   * @param {Listening} listening
   * @param {readonly Binding[]} bindings
   */
  async #rebind(listening, bindings) {
    try {
      await listening.rebind(bindings);
    } catch (error) {
      const refusal = /** @type {PulseEventsError} */ (error);
      const isOver = listening !== this.#listening || refusal.code === "Replaced";
      if (!isOver) this.#on.onRefused(refusal);
      return;
    }
    if (listening !== this.#listening) return;
    this.#bindings = bindings;
    this.#ready(bindings, false);
  }

  /**
   * @param {readonly Binding[]} bindings
   * @param {boolean} isPast
   */
  #ready(bindings, isPast) {
    this.#take(bindings);
    this.#on.onReady(isPast);
  }

  /** @param {State} state */
  #state(state) {
    this.#on.onState(state);
    if (state.phase === "waiting" && this.#asked) this.#take(this.#asked);
  }

  /** @param {readonly Binding[]} bindings */
  #take(bindings) {
    if (bindings !== this.#asked) return;
    this.#asked = null;
    this.#on.onTaken(bindings);
  }

  /** @param {PulseEventsError} error */
  #refused(error) {
    this.#leave();
    this.#on.onRefused(error);
  }

  #leave() {
    const listening = this.#listening;
    this.#cursor = listening?.cursor ?? this.#cursor;
    this.#listening = this.#asked = null;
    this.#bindings = [];
    return listening;
  }
}

/**
 * @param {{ first: boolean, resumed: boolean }} event
 * @param {Place & { cursor?: string }} place where the first stream was to begin
 * @returns {boolean} whether messages of the history come first
 */
function isFromPast({ first, resumed }, { last, since }) {
  return resumed || (first && (last !== undefined || since !== undefined));
}
