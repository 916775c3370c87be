// @ts-check
/**
 * A text field with completion: any text may be typed, the list only helps (ARIA 1.2, combobox with a
 * listbox popup, focus stays in the field).
 */
import { h } from "./dom.js";
import { placeBelow } from "./popup.js";

/** @typedef {{ value: string, label?: string, note?: string }} Option */

const SHOWN = 60;
let count = 0;

/**
 * @param {readonly Option[]} options
 * @param {string} text whose words must all occur
 */
export function complete(options, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = ({ value, label = "", note = "" }) => {
    const all = `${value} ${label} ${note}`.toLowerCase();
    return words.every((word) => all.includes(word));
  };
  return options.filter((option) => fits(option)).slice(0, SHOWN);
}

export class Combobox {
  #options;
  #onChange;
  #list;
  /** @type {Option[]} */
  #shown = [];
  #active = -1;

  /**
   * @param {{
   *   label: string, options: () => readonly Option[], onChange?: (value: string) => void,
   *   value?: string, placeholder?: string, describedBy?: string, class?: string,
   * }} setting
   */
  constructor({ label, options, onChange = () => {}, value = "", placeholder = "", describedBy, ...others }) {
    const id = `options-${++count}`;
    this.#options = options;
    this.#onChange = onChange;
    this.#list = h("ul", { id, role: "listbox", "aria-label": label, class: "options", popover: "manual" });
    this.input = h("input", {
      type: "text", role: "combobox", "aria-label": label, "aria-autocomplete": "list", "aria-expanded": "false",
      "aria-controls": id, "aria-describedby": describedBy, autocomplete: "off", spellcheck: "false",
      autocapitalize: "none", placeholder, class: others.class,
      on: {
        input: () => this.#typed(),
        focus: () => this.input.select(),
        click: () => this.#open(""),
        keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
        blur: () => this.#close(),
      },
    });
    this.input.value = value;
    this.element = h("div", { class: "combobox" }, this.input, this.#list);
  }

  #typed() {
    this.#onChange(this.input.value);
    this.#open(this.input.value);
  }

  /** @param {string} text */
  #open(text) {
    this.#shown = complete(this.#options(), text).filter(({ value }) => value !== text);
    this.#list.replaceChildren(...this.#shown.map((option, index) => this.#item(option, index)));
    this.#activate(-1);
    if (!this.#shown.length) return this.#close();
    if (!this.#isOpen) this.#list.showPopover();
    this.#list.style.minWidth = `${this.input.offsetWidth}px`;
    placeBelow(this.#list, this.input);
    this.input.setAttribute("aria-expanded", "true");
  }

  get #isOpen() {
    return this.#list.matches(":popover-open");
  }

  #close() {
    if (this.#isOpen) this.#list.hidePopover();
    this.input.setAttribute("aria-expanded", "false");
    this.#activate(-1);
  }

  /**
   * @param {Option} option
   * @param {number} index
   */
  #item({ value, label, note }, index) {
    return h(
      "li",
      {
        id: `${this.#list.id}-${index}`, role: "option", "aria-selected": "false",
        on: {
          // Before the field loses the focus.
          pointerdown: (/** @type {Event} */ event) => {
            event.preventDefault();
            this.#choose(index);
          },
        },
      },
      h("span", {}, label ?? value),
      note && h("span", { class: "note" }, note),
    );
  }

  /** @param {number} index */
  #activate(index) {
    this.#list.children[this.#active]?.setAttribute("aria-selected", "false");
    this.#active = index;
    const item = this.#list.children[index];
    item?.setAttribute("aria-selected", "true");
    item?.scrollIntoView({ block: "nearest" });
    if (item) this.input.setAttribute("aria-activedescendant", item.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  /** @param {number} index */
  #choose(index) {
    this.input.value = this.#shown[index].value;
    this.#close();
    this.#onChange(this.input.value);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      if (!this.#isOpen) this.#open("");
      else this.#activate((this.#active + step + this.#shown.length) % this.#shown.length);
    } else if (event.key === "Enter" && this.#isOpen && this.#active >= 0) this.#choose(this.#active);
    else if (event.key === "Escape" && this.#isOpen) this.#close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
