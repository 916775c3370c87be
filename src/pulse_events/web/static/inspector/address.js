// @ts-check
/**
 * The view, the URL that holds it, and the steps of the browser's history: what is listened to, the
 * filter, the beginning, and the opened message.
 */
import { USUAL_COLUMNS } from "./columns.js";
import { readView, writeView } from "./view.js";

/** @import { View } from "./view.js" */

/**
 * What the browser keeps of a step, beside the URL.
 * @typedef {object} Step
 * @property {number} page which load of the page it is of: entries' ids mean nothing to another
 * @property {number} message
 * @property {boolean} [isOpening] it differs from the step before by the opened message alone
 */

const PAGE = performance.timeOrigin;

export class Address {
  /** @type {View} */
  view = {
    bindings: [],
    filter: "",
    columns: USUAL_COLUMNS,
    start: "",
    running: false,
    faults: [],
  };

  /** The opened message, by its entry's id; 0 if none is. */
  #message = 0;
  /** What the URL was given last. */
  #hash = location.hash || "#";
  /** What waits for the browser to have gone back by itself. @type {(() => void)[] | null} */
  #afterBack = null;
  #on;

  /**
   * @param {object} on what is called when the browser goes to another step
   * @param {(view: View) => void} on.onView the URL is another one
   * @param {(message: number) => void} on.onMessage this is to be open; 0 is none
   */
  constructor(on) {
    this.#on = on;
    addEventListener("popstate", ({ state }) => this.#went(state));
  }

  /** @returns {View} what the URL says */
  read() {
    const view = readView(location.hash);
    return view.columns.length ? view : { ...view, columns: USUAL_COLUMNS };
  }

  /**
   * Changes the view, and the URL with it.
   * @param {Partial<View>} change
   * @param {boolean} [isStep] whether the browser's button is to lead back to what was before
   */
  write(change, isStep = false) {
    this.view = { ...this.view, ...change };
    const { bindings, columns, running } = this.view;
    const isUsual = columns.join() === USUAL_COLUMNS.join();
    const hash = writeView({
      ...this.view,
      columns: isUsual ? [] : columns,
      running: running || !bindings.length,
    });
    const message = this.#message;
    this.#hash = hash;
    this.#later(() => writeHash(hash, message, isStep));
  }

  /**
   * Makes the opened message a step, so that the browser's button closes it; one after the other is
   * one step.
   * @param {number} message
   */
  open(message) {
    if (message === this.#message) return;
    const wasOpen = this.#message !== 0;
    this.#message = message;
    this.#later(() => {
      if (wasOpen) history.replaceState({ ...history.state, message }, "");
      else history.pushState({ page: PAGE, message, isOpening: true }, "");
    });
  }

  /**
   * No message is open.
   * @param {boolean} isGoingBack whether to leave the step that opened it, as the browser's button does
   */
  close(isGoingBack) {
    if (!this.#message) return;
    const hash = this.#hash;
    this.#message = 0;
    this.#later(() => {
      if (isGoingBack && history.state?.isOpening) {
        this.#afterBack = [() => writeHash(hash, 0, false)]; // what is no step may have changed
        history.back();
      } else {
        history.replaceState(null, "");
      }
    });
  }

  /** @param {() => void} change */
  #later(change) {
    if (this.#afterBack) this.#afterBack.push(change);
    else change();
  }

  /** @param {Step | null} state */
  #went(state) {
    const waiting = this.#afterBack;
    this.#afterBack = null;
    if (waiting) return waiting.forEach((change) => this.#later(change));
    this.#message = state?.page === PAGE ? state.message : 0;
    const hash = location.hash || "#";
    if (hash !== this.#hash) {
      this.#hash = hash;
      this.#on.onView(this.read());
    }
    this.#on.onMessage(this.#message);
  }
}

/**
 * @param {string} hash
 * @param {number} message that is open
 * @param {boolean} isStep
 */
function writeHash(hash, message, isStep) {
  if (hash === (location.hash || "#")) return;
  if (isStep) history.pushState(message ? { page: PAGE, message } : null, "", hash);
  else history.replaceState(history.state, "", hash);
}
