// @ts-check
/**
 * The pattern builder of one binding: a field for each named word of the exchange's routing keys.
 */
import { element, freshId, say } from "./dom.js";

/** @import { Catalogue, Exchange, Word } from "./catalogue.js" */
/** @import { Completion } from "./completion.js" */
/** @typedef {(exchange: string, field: string) => string[]} ValuesSeen */

export class Builder {
  element = element("div", { class: "builder", hidden: true, id: freshId("builder") });
  /** @type {Map<string, HTMLInputElement>} */
  #inputs = new Map();
  #note = element("p", { class: "note", hidden: true });
  /** @type {Exchange | undefined} */
  #exchange;
  #catalogue;
  #completion;
  #valuesSeen;
  #onPattern;

  /**
   * @param {Catalogue} catalogue
   * @param {Completion} completion
   * @param {ValuesSeen} valuesSeen
   * @param {(pattern: string) => void} onPattern
   */
  constructor(catalogue, completion, valuesSeen, onPattern) {
    this.#catalogue = catalogue;
    this.#completion = completion;
    this.#valuesSeen = valuesSeen;
    this.#onPattern = onPattern;
  }

  /**
   * Shows the pattern as fields.
   * @param {string} exchange
   * @param {string} pattern
   */
  show(exchange, pattern) {
    const known = this.#catalogue.find(exchange);
    if (known !== this.#exchange) this.#build(known);
    const values = known && this.#catalogue.valuesOf(exchange, pattern);
    const isOther = known !== undefined && !values && pattern !== "";
    this.#note.hidden = !isOther;
    say(this.#note, isOther ? "The pattern is not of this shape; a field starts it anew." : "");
    for (const [name, input] of this.#inputs) {
      if (input !== document.activeElement) input.value = values?.[name] ?? "";
    }
  }

  focus() {
    const open = this.#exchange?.words.find(({ constant }) => !constant);
    if (open) this.#inputs.get(open.name)?.focus();
  }

  /** @param {Exchange | undefined} exchange */
  #build(exchange) {
    this.#exchange = exchange;
    this.#inputs.clear();
    const fields = exchange?.words.map((word) => this.#field(exchange, word)) ?? [];
    this.element.replaceChildren(this.#note, ...fields);
  }

  /**
   * @param {Exchange} exchange
   * @param {Word} word
   */
  #field({ exchange }, { name, constant, many }) {
    const input = element("input", {
      placeholder: constant ?? (many ? "#" : "*"),
      spellcheck: "false",
      autocapitalize: "off",
      oninput: () => this.#compose(),
    });
    this.#completion.attach(input, () =>
      this.#valuesSeen(exchange, name).map((value) => ({ value })),
    );
    this.#inputs.set(name, input);
    return element("label", {}, element("span", {}, name), input);
  }

  #compose() {
    if (!this.#exchange) return;
    /** @type {Record<string, string>} */
    const values = Object.create(null);
    for (const [name, input] of this.#inputs) values[name] = input.value;
    this.#note.hidden = true;
    this.#onPattern(this.#catalogue.patternOf(this.#exchange.exchange, values));
  }
}
