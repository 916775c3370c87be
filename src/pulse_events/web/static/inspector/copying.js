// @ts-check
/**
 * Buttons that copy, and bindings as lines to run elsewhere.
 */
import { button, element, freshId, say, set } from "./dom.js";
import { snippetsFor } from "./snippets.js";

/** @import { Binding } from "../pulse-events.d.ts" */
/** @import { Snippets } from "./snippets.js" */

const SHOWN_MS = 1500;
/** @type {[keyof Snippets, string][]} */
const LANGUAGES = [
  ["curl", "curl"],
  ["javascript", "JavaScript"],
  ["node", "Node"],
  ["python", "Python"],
  ["cli", "CLI"],
];

/**
 * @param {string} text
 * @returns {Promise<void>} rejected if the browser does not allow it
 */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Not on plain http: the old way still works there.
  const area = element("textarea", { class: "heard", readonly: true });
  area.value = text;
  document.body.append(area);
  area.select();
  const isDone = document.execCommand("copy");
  area.remove();
  if (!isDone) throw new Error("the browser does not allow to copy");
}

/**
 * @param {string} label
 * @param {() => string} textOf
 */
export function copyButton(label, textOf) {
  const made = button(label, async () => {
    const outcome = await copy(textOf()).then(
      () => "Copied",
      () => "Not allowed",
    );
    say(made, outcome);
    setTimeout(() => say(made, label), SHOWN_MS);
  });
  set(made, { class: "quiet copy", "aria-live": "polite" });
  return made;
}

/** One tab for each language, and the lines of the chosen one. */
export class SnippetTabs {
  /** @type {keyof Snippets} */
  static #chosen = "curl";
  /** @type {Snippets} */
  #snippets = { curl: "", javascript: "", node: "", python: "", cli: "" };
  #pre = element("pre", { id: freshId("snippet"), tabindex: 0, role: "tabpanel" });
  /** @type {Map<keyof Snippets, HTMLButtonElement>} */
  #tabs = new Map();

  constructor() {
    for (const [language, label] of LANGUAGES) {
      const attributes = { role: "tab", "aria-controls": this.#pre.id, id: freshId("tab") };
      this.#tabs.set(
        language,
        button(label, () => this.#choose(language), attributes),
      );
    }
    const list = element(
      "div",
      {
        role: "tablist",
        "aria-label": "Language",
        onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
      },
      ...this.#tabs.values(),
    );
    const copyThis = copyButton("Copy", () => this.#snippets[SnippetTabs.#chosen]);
    this.element = element(
      "div",
      { class: "snippets" },
      element("div", { class: "line" }, list, copyThis),
      this.#pre,
    );
    this.#choose(SnippetTabs.#chosen);
  }

  /** @param {readonly Binding[]} bindings */
  show(bindings) {
    this.#snippets = snippetsFor(bindings, document.baseURI);
    this.#choose(SnippetTabs.#chosen);
  }

  /** @param {keyof Snippets} language */
  #choose(language) {
    SnippetTabs.#chosen = language;
    for (const [each, tab] of this.#tabs) {
      const isChosen = each === language;
      set(tab, { "aria-selected": isChosen, tabindex: isChosen ? 0 : -1 });
      if (isChosen) set(this.#pre, { "aria-labelledby": tab.id });
    }
    say(this.#pre, this.#snippets[language]);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const languages = LANGUAGES.map(([language]) => language);
    const at = languages.indexOf(SnippetTabs.#chosen) + by;
    const next = languages[(at + languages.length) % languages.length];
    this.#choose(next);
    this.#tabs.get(next)?.focus();
    event.preventDefault();
  }
}
