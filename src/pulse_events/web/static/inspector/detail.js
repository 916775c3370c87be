// @ts-check
/**
 * The pane of one message: where it came from, what it is about, what is in it.
 */

import { matchesMessage } from "../pulse-events.js";
import { columnOf, shortName, termFor } from "./columns.js";
import { SnippetTabs } from "./copying.js";
import { button, byId, element, present } from "./dom.js";
import { textOf, WrittenNumber } from "./exact.js";
import { termOf } from "./filter.js";
import { bindingsOfTask, idsOf, linksOf } from "./links.js";
import { payloadSection } from "./payload.js";
import { publishedAt } from "./published.js";
import { withOneStop } from "./rove.js";
import { inLine } from "./signs.js";
import { zonedTime } from "./times.js";

/** @import { Binding } from "../pulse-events.d.ts" */
/** @import { Catalogue } from "./catalogue.js" */
/** @import { Entry } from "./log.js" */
/** @import { Place } from "./tree.js" */
/** @import { Child } from "./dom.js" */
/**
 * @typedef {object} Surroundings
 * @property {Catalogue} catalogue
 * @property {string | null} rootUrl
 * @property {() => readonly Binding[]} bindings what is listened to
 * @property {(term: string) => void} onFilter
 * @property {(name: string) => void} onColumn
 * @property {(bindings: Binding[]) => void} onListen
 * @property {(by: number) => void} onStep
 * @property {() => void} onClose
 */

export class Detail {
  /** @type {Entry | null} */
  #entry = null;
  #pane = byId("detail");
  #around;

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.#around = surroundings;
  }

  get isOpen() {
    return !this.#pane.hidden;
  }

  /** @param {Entry} entry */
  show(entry) {
    if (entry === this.#entry) return;
    this.#entry = entry;
    this.#pane.hidden = false;
    document.body.classList.add("has-detail");
    const parts = entry.kind === "gap" ? this.#gap(entry) : this.#message(entry);
    this.#pane.replaceChildren(this.#head(entry), ...present(parts));
    this.#pane.scrollTop = 0;
  }

  close() {
    this.#entry = null;
    this.#pane.hidden = true;
    this.#pane.replaceChildren();
    document.body.classList.remove("has-detail");
  }

  get hasFocus() {
    return this.#pane.contains(document.activeElement);
  }

  /** @param {Entry} entry */
  #head(entry) {
    const { onStep, onClose } = this.#around;
    const { kind, message } = entry;
    const title = kind === "gap" ? "Gap" : shortName(message.exchange);
    const { atMs, isBound } = publishedAt(entry);
    const day = Number.isNaN(atMs) ? "" : new Date(atMs).toLocaleDateString();
    return element(
      "div",
      { class: "detail-head" },
      element(
        "div",
        { class: "title" },
        element("h2", {}, title),
        element(
          "span",
          { class: "muted" },
          isBound ? "before " : "",
          element("span", { class: "day" }, `${day} `),
          zonedTime(atMs),
        ),
      ),
      button("↑", () => onStep(-1), plain("Newer message")),
      button("↓", () => onStep(1), plain("Older message")),
      button("×", () => onClose(), plain("Close (Escape)")),
    );
  }

  /**
   * @param {Entry} entry
   * @returns {Child[]}
   */
  #gap({ gap }) {
    return [
      element(
        "dl",
        {},
        ...pair("reason", gap?.reason ?? ""),
        ...pair("from", gap?.from ?? "nobody knows"),
        ...pair("to", gap?.to ?? ""),
      ),
      element(
        "p",
        { class: "note" },
        "What was published between these times may not be in the table.",
      ),
    ];
  }

  /**
   * @param {Entry} entry
   * @returns {Child[]}
   */
  #message(entry) {
    return [
      this.#links(entry),
      this.#envelope(entry),
      entry.fields && this.#fields(entry),
      payloadSection(entry, (place) => this.#actionsFor(place)),
      this.#copyAs(entry),
    ];
  }

  /** @param {Entry} entry */
  #links({ message, fields }) {
    const { catalogue, rootUrl, onListen } = this.#around;
    const ids = idsOf(message, fields);
    const links = linksOf(ids, rootUrl).map(({ label, href }) =>
      element("a", { href, target: "_blank", rel: "noopener noreferrer" }, `Open ${label}`),
    );
    const { taskId } = ids;
    const bindings = taskId ? bindingsOfTask(taskId, catalogue) : [];
    const listen = bindings.length
      ? button("Listen to this task", () => onListen(bindings), {
          title: "Replace the bindings by all that the queue says of this task",
        })
      : null;
    const parts = present([...links, listen]);
    return parts.length ? element("p", { class: "links" }, ...parts) : null;
  }

  /** @param {Entry} entry */
  #envelope(entry) {
    const { exchange, routingKey, cc, routes, redelivered } = entry.message;
    const list = element(
      "dl",
      {},
      ...pair("exchange", this.#value(exchange, termFor(columnOf("exchange"), entry))),
      ...pair("routing key", this.#value(routingKey, termFor(columnOf("key"), entry))),
      ...(redelivered ? pair("redelivered", "yes: the broker may have sent it before") : []),
      ...cc.flatMap((key) => pair("cc", this.#value(key, termOf("cc", key)))),
      ...routes.flatMap((route) => pair("route", element("code", {}, inLine(route)))),
    );
    return withOneStop(list, "dd");
  }

  /** @param {Entry} entry */
  #fields({ fields }) {
    const pairs = (fields ?? []).flatMap(({ name, value }) =>
      pair(name, this.#value(value, value ? termOf(name, value) : null)),
    );
    return element(
      "section",
      {},
      element("div", { class: "section-head" }, element("h3", {}, "Words of the routing key")),
      withOneStop(element("dl", {}, ...pairs), "dd"),
    );
  }

  /**
   * @param {string} text
   * @param {string | null} term
   */
  #value(text, term) {
    const code = element("code", {}, inLine(text));
    if (!term) return code;
    return element(
      "span",
      { class: "value" },
      code,
      element("span", { class: "acts" }, ...this.#filterButtons(term)),
    );
  }

  /** @param {string} term */
  #filterButtons(term) {
    const { onFilter } = this.#around;
    return [
      button("=", () => onFilter(term), labelled("Only with this value")),
      button("≠", () => onFilter(`-${term}`), labelled("Without this value")),
    ];
  }

  /** @param {Place} place */
  #actionsFor({ value, path }) {
    const { onColumn } = this.#around;
    const isLeaf = value === null || typeof value !== "object" || value instanceof WrittenNumber;
    const isNamed = path !== "payload" && !/[\s:"]/.test(path);
    if (!isNamed) return null;
    const text = textOf(value);
    const term = isLeaf && text.length < 200 ? termOf(path, text) : null;
    return element(
      "span",
      {},
      ...(term ? this.#filterButtons(term) : []),
      button("column", () => onColumn(path), labelled("Show as a column")),
    );
  }

  /** @param {Entry} entry */
  #copyAs({ message }) {
    const { exchange, routingKey } = message;
    const matching = this.#around
      .bindings()
      .filter((binding) => matchesMessage([binding], message));
    const bindings = matching.length ? matching : [{ exchange, routingKeyPattern: routingKey }];
    const tabs = new SnippetTabs();
    tabs.show(bindings);
    return element(
      "section",
      {},
      element(
        "div",
        { class: "section-head" },
        element("h3", {}, "Listen to such messages elsewhere"),
      ),
      tabs.element,
    );
  }
}

/** @param {string} label */
const plain = (label) => ({ class: "quiet", title: label, "aria-label": label });

/** @param {string} label */
const labelled = (label) => ({ class: "quiet act", title: label, "aria-label": label });

/**
 * @param {string} name
 * @param {Child} value
 * @returns {HTMLElement[]}
 */
function pair(name, value) {
  return [element("dt", {}, name), element("dd", {}, value)];
}
