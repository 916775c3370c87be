// @ts-check
/**
 * The control that says where the stream begins.
 */
import { byId, element } from "./dom.js";
import { STARTS, titleOf } from "./start.js";

export class StartMenu {
  #select = /** @type {HTMLSelectElement} */ (byId("start"));

  /**
   * @param {boolean} keepsHistory without one there is nothing to choose
   * @param {(start: string) => void} onChoose
   */
  constructor(keepsHistory, onChoose) {
    this.#select.hidden = !keepsHistory;
    this.#select.addEventListener("change", () => onChoose(this.#select.value));
  }

  /** @param {string} start what the URL says: it need not be one of those that are offered */
  show(start) {
    const starts = [...new Set([...STARTS, start])];
    this.#select.replaceChildren(
      ...starts.map((value) => element("option", { value }, titleOf(value))),
    );
    this.#select.value = start;
  }
}
