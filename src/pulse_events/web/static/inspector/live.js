// @ts-check
/**
 * What the page listens to: one listening, whose bindings change.
 */
import { listen } from "../pulse-events.js";

/** @import { Binding, Gap, Listening, Message, State } from "../pulse-events.d.ts" */
/** @import { PulseEventsError } from "../pulse-events.js" */
/**
 * @typedef {object} Events
 * @property {(message: Message, text: string) => void} onMessage
 * @property {(gap: Gap) => void} onGap
 * @property {(state: State) => void} onState
 * @property {() => void} onReady the bindings are in force
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
  #url;
  #on;

  /**
   * @param {URL} url of the connect endpoint
   * @param {Events} events
   */
  constructor(url, events) {
    this.#url = url;
    this.#on = events;
  }

  /** @returns {readonly Binding[]} what it listens to; none if it is stopped */
  get bindings() {
    return this.#bindings;
  }

  get isRunning() {
    return this.#listening !== null;
  }

  /** @param {readonly Binding[]} bindings */
  listenTo(bindings) {
    this.#asked = bindings;
    if (this.#listening) void this.#rebind(this.#listening, bindings);
    else this.#begin(bindings);
  }

  stop() {
    this.#forget()?.close();
  }

  /** @param {readonly Binding[]} bindings */
  #begin(bindings) {
    this.#bindings = bindings;
    this.#listening = listen(bindings, {
      url: this.#url,
      share: true,
      onMessage: this.#on.onMessage,
      onGap: this.#on.onGap,
      onReady: () => this.#ready(bindings),
      onState: (state) => this.#state(state),
      onError: (error) => error.permanent && this.#refused(error),
    });
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
    this.#ready(bindings);
  }

  /** @param {readonly Binding[]} bindings */
  #ready(bindings) {
    this.#take(bindings);
    this.#on.onReady();
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
    this.#forget();
    this.#on.onRefused(error);
  }

  #forget() {
    const listening = this.#listening;
    this.#listening = this.#asked = null;
    this.#bindings = [];
    return listening;
  }
}
