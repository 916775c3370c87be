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
  /** What the table was filtered by last. */
  #text = "";
  /** Whether what is typed goes on with what was typed before. */
  #isTyping = false;
  #onFilter;
  #onLeave;

  /**
   * @param {(text: string, isStep: boolean) => void} onFilter `isStep`: it does not go on with what
   *   was typed before
   * @param {() => void} onLeave
   */
  constructor(onFilter, onLeave) {
    this.#onFilter = onFilter;
    this.#onLeave = onLeave;
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#apply(true), AFTER_MS);
    });
    this.#input.addEventListener("blur", () => (this.#isTyping = false));
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
    this.#apply(false);
  }

  /** @param {string} text */
  show(text) {
    clearTimeout(this.#timer);
    this.#text = text;
    this.#isTyping = false;
    if (text !== this.#input.value.trim()) this.#input.value = text;
  }

  focus() {
    this.#input.select();
  }

  /** @param {string} term */
  add(term) {
    const words = this.#input.value.trim();
    if (!` ${words} `.includes(` ${term} `)) this.#input.value = `${words} ${term}`.trim();
    this.#apply(false);
  }

  clear() {
    this.#input.value = "";
    this.#apply(false);
  }

  /** @param {boolean} isTyped as one goes on typing; else it is done */
  #apply(isTyped) {
    clearTimeout(this.#timer);
    const text = this.#input.value.trim();
    if (text !== this.#text) {
      const isStep = !(isTyped && this.#isTyping);
      this.#text = text;
      this.#onFilter(text, isStep);
    }
    this.#isTyping = isTyped;
  }

  /** What was typed is done; the last of it may not have been applied yet. */
  #enter() {
    this.#apply(this.#isTyping);
    this.#isTyping = false;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    const leaves = event.key === "Enter" || this.#input.value === "";
    if (event.key === "Enter") this.#enter();
    else if (!leaves) this.clear();
    if (leaves) this.#onLeave();
  }
}
