// @ts-check
/**
 * Suggestions for a text field: a listbox that arrows, Enter and the pointer choose from.
 *
 * One list serves all fields.  It stands beside their form, in the top layer, where no scrolling part
 * can cut it off; where there is no room, on a phone, it is a part of the form below the field's line
 * and moves what follows down.  In neither place does it cover what belongs to the form: a tap on a
 * button would choose a suggestion.
 */
import { byId, element, freshId, set } from "./dom.js";

/** @typedef {{ value: string, label?: string }} Suggestion */
/** @typedef {() => Suggestion[]} SuggestionsFor */

const SHOWN = 50;
const LEAST_PX = 240;
const EDGE_PX = 8;

export class Completion {
  #list = byId("suggestions");
  /** Where it is in the document unless it is within a form. */
  #home = /** @type {HTMLElement} */ (this.#list.parentElement);
  #isPressed = false;
  /** Whether the field of a list that is within its form has lost the focus. */
  #isLeft = false;
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
    addEventListener("pointerdown", () => (this.#isPressed = true), true);
    for (const kind of ["pointerup", "pointercancel"])
      addEventListener(kind, () => this.#released());
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
      onblur: () => this.#left(),
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
    this.#isLeft = false;
    set(input, { "aria-expanded": "true" });
    // Where it is within the form it stays while one types: to take it out could move the page.
    const isThere = this.#isWithin && this.#list.previousElementSibling?.contains(input);
    if (!isThere && !this.#placeBeside(input)) this.#placeWithin(input);
  }

  #close() {
    if (!this.#input) return;
    set(this.#input, { "aria-expanded": "false", "aria-activedescendant": null });
    this.#input = this.#active = null;
    this.#isLeft = false;
    this.#goHome();
    this.#list.hidePopover();
  }

  #left() {
    if (!this.#isWithin) return this.#close();
    this.#isLeft = true;
    if (!this.#isPressed) this.#closeSoon();
  }

  #released() {
    this.#isPressed = false;
    if (this.#isLeft) this.#closeSoon();
  }

  /** Not before the click is through that took the focus: what is clicked at would move away. */
  #closeSoon() {
    setTimeout(() => this.#isLeft && this.#close());
  }

  /** @param {EventTarget | null} part */
  #scrolled(part) {
    if (this.#isWithin) return; // it scrolls too
    const isAround = part instanceof Node && part !== this.#input && part.contains(this.#input);
    if (isAround) this.#close(); // the field itself scrolls where its text is long
  }

  get #isWithin() {
    return this.#list.parentElement !== this.#home;
  }

  /** Makes it what stands in the top layer when it is shown. */
  #goHome() {
    if (this.#isWithin) this.#home.append(this.#list);
    set(this.#list, { popover: "manual" });
  }

  /**
   * @param {HTMLInputElement} input
   * @returns {boolean} whether there is room
   */
  #placeBeside(input) {
    this.#goHome();
    const { style } = this.#list;
    const { top, width } = input.getBoundingClientRect();
    style.minWidth = `${Math.max(LEAST_PX, width)}px`;
    this.#list.showPopover();
    const { height, width: ownWidth } = this.#list.getBoundingClientRect();
    const right = (input.form?.getBoundingClientRect().right ?? Infinity) + EDGE_PX;
    style.left = `${right}px`;
    style.top = `${Math.max(EDGE_PX, Math.min(top, innerHeight - height - EDGE_PX))}px`;
    return right + ownWidth + EDGE_PX < innerWidth;
  }

  /** @param {HTMLInputElement} input */
  #placeWithin(input) {
    this.#list.hidePopover();
    this.#list.style.minWidth = "";
    set(this.#list, { popover: null });
    input.closest(".line, label")?.after(this.#list);
    this.#list.scrollIntoView({ block: "nearest" });
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
