// @ts-check
/**
 * The view, and the URL that holds it.
 */
import { USUAL_COLUMNS } from "./columns.js";
import { readView, writeView } from "./view.js";

/** @import { View } from "./view.js" */

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

  /** @param {(view: View) => void} onChange the URL was changed by hand, or by the Back button */
  constructor(onChange) {
    addEventListener("hashchange", () => onChange(this.read()));
  }

  get isBare() {
    return location.hash.length < 2;
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
    if (hash === (location.hash || "#")) return;
    if (isStep) history.pushState(null, "", hash);
    else history.replaceState(null, "", hash);
  }
}
