// @ts-check
/**
 * The field of the filter.
 */
import { byId } from "./dom.js";

const AFTER_MS = 120;

export class Search {
  #input = /** @type {HTMLInputElement} */ (byId("filter"));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #onFilter;
  #onLeave;

  /**
   * @param {(text: string) => void} onFilter
   * @param {() => void} onLeave
   */
  constructor(onFilter, onLeave) {
    this.#onFilter = onFilter;
    this.#onLeave = onLeave;
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#typed(), AFTER_MS);
    });
    this.#input.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {string} text */
  show(text) {
    if (text !== this.#input.value.trim()) this.#input.value = text;
  }

  focus() {
    this.#input.select();
  }

  /** @param {string} term */
  add(term) {
    const words = this.#input.value.trim();
    if (!` ${words} `.includes(` ${term} `)) this.#input.value = `${words} ${term}`.trim();
    this.#typed();
  }

  clear() {
    this.#input.value = "";
    this.#typed();
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#onFilter(this.#input.value.trim());
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    const leaves = event.key === "Enter" || this.#input.value === "";
    if (event.key === "Enter") this.#typed();
    else if (!leaves) this.clear();
    if (leaves) this.#onLeave();
  }
}
