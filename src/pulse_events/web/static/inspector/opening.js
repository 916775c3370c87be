// @ts-check
/**
 * The page's first listening, begun before the rest of the page is there: what it hears waits.
 */
import { listen } from "../pulse-events.js";
import { placeOf } from "./start.js";
import { readView } from "./view.js";

/** @import { Binding, Listening, ListenOptions } from "../pulse-events.d.ts" */
/** @import { Source } from "./live.js" */
/** @import { Place } from "./start.js" */
/**
 * What is called while it listens.
 * @typedef {Required<Pick<ListenOptions, (typeof HEARD)[number]>>} Ears
 */

const HEARD = /** @type {const} */ ([
  "onMessage",
  "onGap",
  "onPing",
  "onStatus",
  "onReady",
  "onState",
  "onError",
]);
/** With more it is given up: the page begins anew where this one began. */
const MOST_WAITING = 10_000;
/** What the demo has most of; to a page whose URL names nothing. */
const DEMO = ["pending", "running", "completed", "failed"].map((state) => ({
  exchange: `exchange/taskcluster-queue/v1/task-${state}`,
  routingKeyPattern: "primary.#",
}));

/**
 * @param {string} hash of the page's URL
 * @param {boolean} isDemo
 * @returns {Binding[]} what the page listens to first
 */
export function firstBindings(hash, isDemo) {
  return hash.length < 2 && isDemo ? DEMO : readView(hash).bindings;
}

export class Opening {
  /** @type {Listening | null} */
  #listening = null;
  /** @type {Ears | null} */
  #ears = null;
  /** @type {((ears: Ears) => void)[]} */
  #waiting = [];
  /** What was asked for. */
  #key = "";

  /**
   * Begins, if the URL says so.
   * @param {Source} source
   * @param {string} hash of the page's URL
   * @param {{ isDemo: boolean, keepsHistory: boolean }} server
   */
  begin(source, hash, { isDemo, keepsHistory }) {
    const { start, running } = readView(hash);
    const bindings = firstBindings(hash, isDemo);
    if (!running || !bindings.length) return;
    const place = keepsHistory ? placeOf(start) : {};
    this.#key = keyOf(bindings, place);
    const ears = Object.fromEntries(HEARD.map((name) => [name, this.#earOf(name)]));
    this.#listening = listen(bindings, { ...source, share: true, ...place, ...ears });
  }

  /** How much of what it heard waits. */
  get length() {
    return this.#waiting.length;
  }

  /**
   * Hands it over, once; one that was asked for something else ends.
   * @param {readonly Binding[]} bindings
   * @param {Place & { cursor?: string }} place
   * @returns {{ listening: Listening, hear: (ears: Ears) => void } | null}
   */
  take(bindings, place) {
    const listening = this.#listening;
    this.#listening = null;
    if (!listening) return null;
    if (this.#key !== keyOf(bindings, place)) return this.#giveUp(listening);
    return { listening, hear: (ears) => this.#hear(ears) };
  }

  /** Ends it, if nobody has taken it. */
  end() {
    this.#giveUp(this.#listening);
  }

  /** @param {Ears} ears */
  #hear(ears) {
    this.#ears = ears;
    for (const tell of this.#waiting.splice(0)) tell(ears);
  }

  /**
   * @template {keyof Ears} Name
   * @param {Name} name
   * @returns {(...what: any[]) => void}
   */
  #earOf(name) {
    return (...what) => {
      /** @param {any} ears */
      const tell = (ears) => ears[name](...what);
      if (this.#ears) tell(this.#ears);
      else this.#waiting.push(tell);
      if (this.#waiting.length > MOST_WAITING) this.end();
    };
  }

  /** @param {Listening | null} listening */
  #giveUp(listening) {
    listening?.close();
    this.#listening = null;
    this.#waiting = [];
    return null;
  }
}

/**
 * @param {readonly Binding[]} bindings
 * @param {Place & { cursor?: string }} place
 */
const keyOf = (bindings, place) => JSON.stringify([bindings, place]);
