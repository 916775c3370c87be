// @ts-check
/**
 * One row of the bindings editor: exchange, pattern, the pattern in words, its builder, its fault.
 */
import { Builder } from "./builder.js";
import { button, element, freshId, present, say, set } from "./dom.js";
import { bindingsIn } from "./pasted.js";
import { hasUnseen } from "./signs.js";
import { explain } from "./words.js";

/** @import { Binding } from "../pulse-events.d.ts" */
/** @import { ValuesSeen } from "./builder.js" */
/** @import { Catalogue } from "./catalogue.js" */
/** @import { Completion, SuggestionsFor } from "./completion.js" */
/** @import { Doubt } from "./doubts.js" */
/** @import { FieldName } from "./faults.js" */
/** @import { Palette } from "./palette.js" */
/**
 * @typedef {object} Surroundings
 * @property {Catalogue} catalogue
 * @property {Palette} palette
 * @property {ValuesSeen} valuesSeen
 * @property {Completion} completion
 * @property {SuggestionsFor} exchanges
 * @property {() => void} onChange
 * @property {(row: BindingRow, bindings: Binding[]) => void} onPaste several bindings
 * @property {(row: BindingRow) => void} onRemove
 */

const PLAIN = { spellcheck: "false", autocapitalize: "off", autocomplete: "off" };

export class BindingRow {
  #words = element("p", { class: "words", id: freshId("words") });
  #fault = element("p", { class: "fault", id: freshId("fault"), hidden: true });
  #doubt = element("p", { class: "doubt", id: freshId("doubt"), hidden: true });
  /** @type {Doubt | null} */
  #doubted = null;
  #legend = element("legend", { class: "heard" });
  #isInSight = false;
  #dot = element("i", { class: "dot", "aria-hidden": "true" });
  #catalogue;
  #palette;
  #onChange;

  /**
   * @param {Binding} binding
   * @param {Surroundings} surroundings
   */
  constructor(binding, surroundings) {
    const { catalogue, palette, completion, valuesSeen, exchanges, onRemove } = surroundings;
    this.#catalogue = catalogue;
    this.#palette = palette;
    this.#onChange = surroundings.onChange;
    this.exchange = this.#field("Exchange", "exchange", {
      onpaste: (/** @type {ClipboardEvent} */ event) => {
        const bindings = bindingsIn(event.clipboardData?.getData("text/plain") ?? "");
        if (!bindings.length) return;
        event.preventDefault();
        surroundings.onPaste(this, bindings);
      },
    });
    completion.attach(this.exchange, exchanges);
    this.pattern = this.#field("Routing key pattern", "pattern", { placeholder: "the empty key" });
    this.exchange.value = binding.exchange;
    this.pattern.value = binding.routingKeyPattern;
    this.builder = new Builder(catalogue, completion, valuesSeen, (pattern) => {
      this.pattern.value = pattern;
      this.#changed();
    });
    this.toggle = button("Fields", () => this.showFields(this.builder.element.hidden), {
      class: "quiet",
      "aria-expanded": "false",
      "aria-controls": this.builder.element.id,
      title: "Compose the pattern from the named words of the routing key",
    });
    this.remove = button("×", () => onRemove(this), { class: "quiet remove" });
    this.element = element(
      "fieldset",
      { class: "binding" },
      this.#legend,
      element("div", { class: "line" }, this.#dot, this.exchange),
      element("div", { class: "line" }, this.pattern, this.toggle, this.remove),
      this.#fault,
      this.#doubt,
      this.#words,
      this.builder.element,
    );
    this.element.addEventListener("contentvisibilityautostatechange", (event) => {
      this.#isInSight = !(/** @type {ContentVisibilityAutoStateChangeEvent} */ (event).skipped);
      this.showEnd();
    });
    this.#describe();
  }

  /** @returns {Binding} */
  get binding() {
    return { exchange: this.exchange.value.trim(), routingKeyPattern: this.pattern.value.trim() };
  }

  get isEmpty() {
    const { exchange, routingKeyPattern } = this.binding;
    return exchange === "" && (routingKeyPattern === "" || routingKeyPattern === "#");
  }

  /** @param {number} number counted from one */
  set number(number) {
    const name = `Binding ${number}`;
    if (this.#legend.textContent === name) return;
    say(this.#legend, name);
    set(this.remove, { "aria-label": `Remove binding ${number}`, title: "Remove" });
  }

  /** @param {boolean} shows */
  showFields(shows) {
    this.builder.element.hidden = !shows;
    set(this.toggle, { "aria-expanded": shows });
    this.#describe();
    if (shows) this.builder.focus();
  }

  /**
   * @param {string} message empty if nothing is wrong
   * @param {FieldName} field
   */
  setFault(message, field) {
    say(this.#fault, message);
    this.#fault.hidden = !message;
    const inputs = { exchange: this.exchange, routingKeyPattern: this.pattern };
    for (const [name, input] of Object.entries(inputs)) {
      const isFaulty = message !== "" && name === field;
      const about = `${isFaulty ? this.#fault.id : ""} ${this.#about(name)}`.trim();
      set(input, { "aria-invalid": isFaulty ? "true" : null, "aria-describedby": about });
    }
  }

  /** @param {Doubt | null} doubt whether the exchange is the one that is meant */
  showDoubt(doubt) {
    if (doubt === this.#doubted) return;
    this.#doubted = doubt;
    this.#doubt.hidden = !doubt;
    if (!doubt) return this.#doubt.replaceChildren();
    const { words, nearest } = doubt;
    const choice = button(nearest, () => this.#mend(nearest), { class: "quiet more" });
    const question = nearest ? [" Did you mean ", choice, "?"] : [];
    this.#doubt.replaceChildren(...present([words, ...question]));
  }

  /** @param {string} exchange that was meant */
  #mend(exchange) {
    this.exchange.value = exchange;
    this.exchange.focus();
    this.#changed();
  }

  /**
   * @param {string} label
   * @param {string} kind
   * @param {Record<string, unknown>} attributes
   */
  #field(label, kind, attributes) {
    return element("input", {
      class: kind,
      "aria-label": label,
      "aria-describedby": this.#about(kind),
      placeholder: "exchange/…",
      oninput: () => this.#changed(),
      onblur: () => this.showEnd(),
      ...PLAIN,
      ...attributes,
    });
  }

  /** @param {string} kind of field */
  #about(kind) {
    return kind === "exchange" ? `${this.#doubt.id} ${this.#words.id}` : this.#words.id;
  }

  #changed() {
    this.setFault("", "exchange");
    this.#describe();
    this.#onChange();
  }

  /** Shows the end of a name that is too long: the beginnings are all alike. */
  showEnd() {
    const input = this.exchange;
    // To ask what is out of sight makes the browser lay it out, a thousand times over.
    if (!this.#isInSight || input === document.activeElement) return;
    input.scrollLeft = input.scrollWidth;
  }

  #describe() {
    const { exchange, routingKeyPattern } = this.binding;
    const known = this.#catalogue.find(exchange);
    this.toggle.hidden = !known;
    if (!known) this.builder.element.hidden = true;
    if (!this.builder.element.hidden) this.builder.show(exchange, routingKeyPattern);
    const words = [...unseenIn(exchange), explain(routingKeyPattern, known)];
    say(this.#words, exchange ? words.join("; ") : "");
    this.showHue();
  }

  /** Shows the colour that its messages have, if there are some. */
  showHue() {
    const { exchange } = this.binding;
    const hue = exchange ? `dot ${this.#palette.knownClassOf(exchange)}` : "dot";
    if (this.#dot.className !== hue) this.#dot.className = hue; // there may be a thousand rows
  }
}

/**
 * A field cannot show it: what it shows would be what is listened to.
 * @param {string} exchange
 */
const unseenIn = (exchange) =>
  hasUnseen(exchange) ? [`the exchange holds what does not show: ${exchange}`] : [];
