// @ts-check
/**
 * What the page listens to now, and the change to other bindings without a stop.
 *
 * New bindings are listened to beside the old ones until they are ready; if the server refuses
 * them, the old ones go on.
 */
import { listen } from "../pulse-events.js";
import { Overlap } from "./overlap.js";

/** @import { Binding, Gap, Listening, Message, State } from "../pulse-events.d.ts" */
/** @import { PulseEventsError } from "../pulse-events.js" */
/**
 * @typedef {object} Events
 * @property {(message: Message, text: string) => void} onMessage
 * @property {(gap: Gap) => void} onGap
 * @property {(state: State) => void} onState
 * @property {(bindings: readonly Binding[]) => void} onReady these are in force now
 * @property {(error: PulseEventsError, bindings: readonly Binding[]) => void} onRefused
 */
/** @typedef {{ bindings: readonly Binding[], listening: Listening, isReady: boolean }} Attempt */

/** How long two listenings may bring the same message twice. */
const OVERLAP_MS = 500;

export class Live {
  /** @type {Attempt | null} */
  #current = null;
  /** @type {Attempt | null} */
  #next = null;
  /**
   * What ran before, until what runs now has brought all that both do.
   * @type {{ old: Attempt, texts: Overlap, timer: ReturnType<typeof setTimeout> } | null}
   */
  #overlap = null;
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

  /** @returns {readonly Binding[]} what it listens to, or is about to; none if it is stopped */
  get bindings() {
    return (this.#next ?? this.#current)?.bindings ?? [];
  }

  get isRunning() {
    return (this.#next ?? this.#current) !== null;
  }

  /** @param {readonly Binding[]} bindings */
  listenTo(bindings) {
    this.#next?.listening.close();
    this.#next = null;
    const attempt = this.#attempt(bindings);
    if (this.#current?.isReady) this.#next = attempt;
    else this.#become(attempt);
  }

  stop() {
    const attempts = [this.#next, this.#current];
    this.#next = this.#current = null;
    for (const attempt of attempts) attempt?.listening.close();
    this.#endOverlap();
  }

  /**
   * @param {readonly Binding[]} bindings
   * @returns {Attempt}
   */
  #attempt(bindings) {
    /** @type {Attempt} */
    const attempt = {
      bindings,
      isReady: false,
      listening: listen(bindings, {
        url: this.#url,
        share: true,
        onReady: () => this.#ready(attempt),
        onMessage: (message, text) => this.#message(attempt, message, text),
        onGap: (gap) => this.#on.onGap(gap),
        onState: (state) => this.#state(attempt, state),
        onError: (error) => error.permanent && this.#refused(attempt, error),
      }),
    };
    return attempt;
  }

  /** @param {Attempt} attempt */
  #ready(attempt) {
    attempt.isReady = true;
    if (attempt === this.#next) {
      this.#next = null;
      this.#become(attempt);
    }
    if (attempt === this.#current) this.#on.onReady(attempt.bindings);
  }

  /** @param {Attempt} attempt */
  #become(attempt) {
    const old = this.#current;
    this.#current = attempt;
    this.#endOverlap();
    if (!old?.isReady) return old?.listening.close();
    const timer = setTimeout(() => this.#endOverlap(), OVERLAP_MS);
    this.#overlap = { old, texts: new Overlap(), timer };
  }

  #endOverlap() {
    clearTimeout(this.#overlap?.timer);
    this.#overlap?.old.listening.close();
    this.#overlap = null;
  }

  /**
   * @param {Attempt} attempt
   * @param {Message} message
   * @param {string} text
   */
  #message(attempt, message, text) {
    const isRepeated = this.#overlap?.texts.isRepeated(attempt, text) ?? false;
    if (!isRepeated) this.#on.onMessage(message, text);
  }

  /**
   * @param {Attempt} attempt
   * @param {State} state
   */
  #state(attempt, state) {
    const leads = attempt === this.#current && !(this.#next && state.phase === "open");
    if (leads || attempt === this.#next) this.#on.onState(state);
  }

  /**
   * @param {Attempt} attempt
   * @param {PulseEventsError} error
   */
  #refused(attempt, error) {
    if (attempt === this.#next) this.#next = null;
    else if (attempt === this.#current) this.#current = null;
    else return;
    this.#on.onRefused(error, attempt.bindings);
    if (this.#current) this.#on.onState(this.#current.listening.state);
  }
}
