// @ts-check
/**
 * Suggestions under a text field: a listbox that arrows, Enter and the pointer choose from.
 *
 * One list serves all fields.  It is in the top layer, where no scrolling part can cut it off.
 */
import { byId, element, freshId, set } from "./dom.js";

/** @typedef {{ value: string, label?: string }} Suggestion */
/** @typedef {() => Suggestion[]} SuggestionsFor */

const SHOWN = 50;
const LEAST_PX = 240;
const EDGE_PX = 8;
/** Less is no list. */
const LEAST_HEIGHT_PX = 90;

export class Completion {
  #list = byId("suggestions");
  /** @type {HTMLInputElement | null} */
  #input = null;
  /** @type {HTMLElement | null} */
  #active = null;
  /** @type {WeakMap<HTMLInputElement, SuggestionsFor>} */
  #sources = new WeakMap();

  constructor() {
    // Not to take the focus from the field.
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#list.addEventListener("click", ({ target }) => {
      const option = target instanceof Element ? target.closest("[role=option]") : null;
      if (option) this.#choose(/** @type {HTMLElement} */ (option));
    });
    addEventListener("resize", () => this.#close());
    addEventListener("scroll", (event) => this.#scrolled(event.target), true);
  }

  /**
   * @param {HTMLInputElement} input
   * @param {SuggestionsFor} suggestionsFor asked whenever the list is shown
   */
  attach(input, suggestionsFor) {
    this.#sources.set(input, suggestionsFor);
    set(input, {
      role: "combobox",
      autocomplete: "off",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.#list.id,
      oninput: () => this.#open(input, input.value),
      onblur: () => this.#close(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(input, event),
    });
  }

  /**
   * @param {HTMLInputElement} input
   * @param {string} typed words that a suggestion must all hold
   */
  #open(input, typed) {
    const words = typed.toLowerCase().split(/\s+/);
    const fitting = (this.#sources.get(input)?.() ?? [])
      .filter(({ value, label = "" }) => holdsAll(`${value} ${label}`.toLowerCase(), words))
      .slice(0, SHOWN);
    const isDone = fitting.length === 1 && fitting[0].value === typed;
    if (!fitting.length || isDone) return this.#close();
    this.#list.replaceChildren(...fitting.map(optionOf));
    this.#activate(null);
    this.#input = input;
    set(input, { "aria-expanded": "true" });
    this.#list.showPopover();
    this.#place(input);
  }

  #close() {
    if (!this.#input) return;
    set(this.#input, { "aria-expanded": "false", "aria-activedescendant": null });
    this.#input = this.#active = null;
    this.#list.hidePopover();
  }

  /** @param {EventTarget | null} part */
  #scrolled(part) {
    const isAround = part instanceof Node && part !== this.#input && part.contains(this.#input);
    if (isAround) this.#close(); // the field itself scrolls where its text is long
  }

  /**
   * Where it covers no button of the field's form: a click on one would choose a suggestion.
   * @param {HTMLInputElement} input
   */
  #place(input) {
    const { left, top, bottom, width } = input.getBoundingClientRect();
    const { style } = this.#list;
    style.maxHeight = "";
    style.minWidth = `${Math.max(LEAST_PX, width)}px`;
    const { height, width: ownWidth } = this.#list.getBoundingClientRect();
    const right = (input.form?.getBoundingClientRect().right ?? Infinity) + EDGE_PX;
    if (right + ownWidth + EDGE_PX < innerWidth) {
      style.left = `${right}px`;
      style.top = `${Math.max(EDGE_PX, Math.min(top, innerHeight - height - EDGE_PX))}px`;
      return;
    }
    const above = Math.min(height, top - 2 * EDGE_PX);
    const room = (roomBelow(input) ?? innerHeight) - bottom - EDGE_PX;
    const isBelow = room >= Math.min(height, Math.max(above, LEAST_HEIGHT_PX));
    const shown = isBelow ? Math.min(height, room) : Math.max(above, LEAST_HEIGHT_PX);
    style.maxHeight = `${shown}px`;
    style.left = `${Math.max(EDGE_PX, Math.min(left, innerWidth - ownWidth - EDGE_PX))}px`;
    style.top = `${isBelow ? bottom + 2 : top - shown - 2}px`;
  }

  /**
   * @param {HTMLInputElement} input
   * @param {KeyboardEvent} event
   */
  #key(input, event) {
    const isOpen = this.#input === input;
    if (event.key === "ArrowDown" && !isOpen) this.#open(input, "");
    else if (event.key === "ArrowDown") this.#move(1);
    else if (event.key === "ArrowUp" && isOpen) this.#move(-1);
    else if (event.key === "Enter" && this.#active) this.#choose(this.#active);
    else if (event.key === "Escape" && isOpen) this.#close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {1 | -1} by */
  #move(by) {
    const options = [...this.#list.children];
    const at = this.#active ? options.indexOf(this.#active) + by : by > 0 ? 0 : -1;
    this.#activate(/** @type {HTMLElement | null} */ (options.at(at % options.length)));
  }

  /** @param {HTMLElement | null} option */
  #activate(option) {
    this.#active?.setAttribute("aria-selected", "false");
    this.#active = option;
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (this.#input) set(this.#input, { "aria-activedescendant": option?.id });
  }

  /** @param {HTMLElement} option */
  #choose(option) {
    const input = this.#input;
    if (!input) return;
    input.value = option.dataset.value ?? "";
    input.dispatchEvent(new Event("input"));
    this.#close();
  }
}

/**
 * @param {HTMLInputElement} input
 * @returns {number | undefined} where the form's next line of buttons begins
 */
function roomBelow(input) {
  const lines = [...(input.form?.querySelectorAll(".actions") ?? [])];
  const { bottom } = input.getBoundingClientRect();
  return lines.map((line) => line.getBoundingClientRect().top).find((top) => top >= bottom);
}

/** @param {Suggestion} suggestion */
function optionOf({ value, label = "" }) {
  return element(
    "li",
    { role: "option", id: freshId("option"), "aria-selected": "false", "data-value": value },
    element("span", { class: "option-value" }, value),
    label && element("span", { class: "muted" }, label),
  );
}

/**
 * @param {string} text
 * @param {string[]} words
 */
function holdsAll(text, words) {
  return words.every((word) => text.includes(word));
}
