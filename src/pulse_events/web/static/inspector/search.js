// @ts-check
/**
 * The field of the filter.
 */
import { button, byId, element } from "./dom.js";

/** @import { Advice } from "./advice.js" */

const AFTER_MS = 120;

export class Search {
  #input = /** @type {HTMLInputElement} */ (byId("filter"));
  #advice = byId("filter-advice");
  #advised = "[]";
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

  /**
   * Says what of the filter cannot do what it looks like, unless that is said already.
   * @param {Advice[]} advice
   */
  advise(advice) {
    const said = JSON.stringify(advice);
    if (said === this.#advised) return;
    this.#advised = said;
    this.#advice.replaceChildren(...advice.map((each) => this.#adviceNode(each)));
  }

  /** @param {Advice} advice */
  #adviceNode({ words, field, nearest }) {
    const choices = nearest.flatMap((name, i) => [
      i ? " or " : " Is it ",
      button(name, () => this.#rename(field, name), { class: "quiet more" }),
    ]);
    return element("p", {}, words, ...choices, choices.length ? "?" : "");
  }

  /**
   * @param {string} field
   * @param {string} name that was meant
   */
  #rename(field, name) {
    const words = this.#input.value.split(/(\s+)/);
    const renamed = words.map((word) => {
      const minus = word.startsWith("-") ? "-" : "";
      const begin = `${minus}${field}:`;
      return word.startsWith(begin) ? `${minus}${name}:${word.slice(begin.length)}` : word;
    });
    this.#input.value = renamed.join("");
    this.#input.focus();
    this.#typed();
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
