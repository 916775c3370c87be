// @ts-check
/**
 * The bindings editor.  What is edited is not in force before it is applied.
 */
import { BindingRow } from "./binding.js";
import { Completion } from "./completion.js";
import { button, byId, element, say, set } from "./dom.js";
import { placeOf } from "./faults.js";
import { Undo } from "./undo.js";

/** @import { Binding } from "../pulse-events.d.ts" */
/** @import { ValuesSeen } from "./builder.js" */
/** @import { Catalogue } from "./catalogue.js" */
/** @import { Doubt } from "./doubts.js" */
/** @import { Palette } from "./palette.js" */
/**
 * @typedef {object} Surroundings
 * @property {Catalogue} catalogue
 * @property {Palette} palette
 * @property {ValuesSeen} valuesSeen
 * @property {() => string[]} exchangesSeen
 * @property {(edited: readonly Binding[], applied: readonly Binding[]) => void} onEdit
 * @property {(bindings: Binding[]) => void} onApply
 * @property {() => void} onStop
 */

/** @typedef {() => HTMLElement} Step takes something back; returns what is to have the focus */

const EMPTY = { exchange: "", routingKeyPattern: "#" };

export class Editor {
  /** @type {BindingRow[]} */
  #rows = [];
  /** @type {readonly Binding[]} */
  #applied = [];
  #isRunning = false;
  #form = byId("editor");
  #list = element("div", { class: "bindings" });
  #completion = new Completion();
  #fault = element("p", { class: "fault", role: "alert" });
  #apply = element("button", { type: "submit", class: "main" }, "Listen");
  #revert = button("Revert", () => this.show(this.#applied), { class: "quiet" });
  #stop = button("Stop", () => this.#around.onStop());
  #undoButton = element(
    "button",
    {
      type: "button",
      class: "quiet",
      title: "Bring back the bindings that were removed or replaced",
    },
    "Undo",
  );
  /** What was done to the rows and not applied, the last at the end. @type {Step[]} */
  #steps = [];
  #undo = new Undo(this.#undoButton, () => this.#takeBack());
  #around;

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.#around = surroundings;
    this.#form.replaceChildren(
      this.#list,
      this.#fault,
      element(
        "div",
        { class: "actions" },
        button("+ Add", () => this.#append(), { title: "Add a binding" }),
        element("span", { class: "space" }),
        this.#undoButton,
        this.#revert,
        this.#stop,
        this.#apply,
      ),
    );
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#around.onApply(this.bindings);
    });
    new ResizeObserver(() => this.#showEnds()).observe(this.#list);
    this.show([]);
  }

  /** @returns {Binding[]} as edited; rows with nothing in them do not count */
  get bindings() {
    return this.#filled().map(({ binding }) => binding);
  }

  /**
   * Shows bindings that are in force, or would be if it ran.
   * @param {readonly Binding[]} bindings
   */
  show(bindings) {
    const before = this.#applied;
    this.#applied = bindings;
    this.#replace(bindings, before);
  }

  /**
   * Shows bindings as if they had been typed here.
   * @param {readonly Binding[]} bindings
   */
  edit(bindings) {
    this.#replace(bindings, this.#applied);
  }

  /**
   * @param {readonly Binding[]} bindings
   * @param {readonly Binding[]} applied what was in force: it is not lost
   */
  #replace(bindings, applied) {
    const rows = this.#rows;
    const edited = JSON.stringify(this.bindings);
    const isKept = [bindings, applied, []].some((each) => JSON.stringify(each) === edited);
    this.#undo.end();
    this.#list.replaceChildren();
    this.#rows = [];
    for (const binding of bindings.length ? bindings : [EMPTY]) this.#add(binding);
    this.clearFaults();
    this.#tell();
    this.#showEnds();
    if (!isKept) this.#offer(() => this.#bringBack(rows));
  }

  /**
   * @param {BindingRow[]} rows instead of those that are there
   * @returns {HTMLElement}
   */
  #bringBack(rows) {
    this.#rows = rows;
    this.#list.replaceChildren(...rows.map(({ element: each }) => each));
    return rows[0].exchange;
  }

  /** @param {Step} step */
  #offer(step) {
    this.#steps.push(step);
    this.#undo.offer(() => (this.#steps = []));
  }

  /** @returns {boolean} whether more can be taken back */
  #takeBack() {
    const focused = this.#steps.pop()?.();
    this.showHues(); // they may have changed meanwhile
    this.#tell();
    const isMore = this.#steps.length > 0;
    if (!isMore) focused?.focus();
    return isMore;
  }

  /**
   * Shows what was applied without rows that are empty, unless it was edited further.
   * @param {readonly Binding[]} bindings
   */
  take(bindings) {
    const isAsEdited = JSON.stringify(bindings) === JSON.stringify(this.bindings);
    const isShown = JSON.stringify(bindings) === JSON.stringify(this.#applied);
    if (isAsEdited && !(isShown && this.#rows.length === bindings.length)) this.show(bindings);
    else this.settle(bindings);
  }

  /**
   * Says what is in force; what is edited stays.
   * @param {readonly Binding[]} bindings
   */
  settle(bindings) {
    this.#applied = bindings;
    this.#tell();
  }

  /** @param {boolean} isRunning */
  setRunning(isRunning) {
    this.#isRunning = isRunning;
    this.#tell();
  }

  /**
   * Shows at the field what the server said.
   * @param {string} message
   */
  setFault(message) {
    this.clearFaults();
    const rows = this.#filled();
    const place = placeOf(message, this.bindings);
    for (const at of place.rows) rows[at]?.setFault(message, place.field);
    const [first] = place.rows.map((at) => rows[at]).filter(Boolean);
    const input = first && (place.field === "exchange" ? first.exchange : first.pattern);
    say(this.#fault, message);
    this.#fault.classList.toggle("heard", first !== undefined); // it is seen at the field
    if (input && this.#form.contains(document.activeElement)) input.focus();
    first?.element.scrollIntoView({ block: "nearest" });
  }

  clearFaults() {
    say(this.#fault, "");
    for (const row of this.#rows) row.setFault("", "exchange");
  }

  /** @param {(exchange: string) => Doubt | null} doubtOf what is listened to */
  tellDoubts(doubtOf) {
    const inForce = new Set(this.#isRunning ? this.#applied.map(({ exchange }) => exchange) : []);
    for (const row of this.#rows) {
      const { exchange } = row.binding;
      row.showDoubt(inForce.has(exchange) ? doubtOf(exchange) : null);
    }
  }

  /** Shows the colours that exchanges have now. */
  showHues() {
    for (const row of this.#rows) row.showHue();
  }

  focus() {
    this.#rows[0]?.exchange.focus();
  }

  /**
   * @param {Binding} binding
   * @param {number} [at] its place; at the end if it has none
   */
  #add(binding, at = this.#rows.length) {
    const { catalogue, palette, valuesSeen } = this.#around;
    const row = new BindingRow(binding, {
      catalogue,
      palette,
      valuesSeen,
      completion: this.#completion,
      exchanges: () => this.#exchanges(),
      onChange: () => this.#tell(),
      onPaste: (onto, bindings) => this.#paste(onto, bindings),
      onRemove: (removed) => this.#remove(removed),
    });
    this.#insert(row, at);
    return row;
  }

  /** @param {BindingRow} row @param {number} at */
  #insert(row, at) {
    this.#list.insertBefore(row.element, this.#rows[at]?.element ?? null);
    this.#rows.splice(at, 0, row);
  }

  /**
   * @param {BindingRow} row
   * @returns {number} its place
   */
  #takeOut(row) {
    const at = this.#rows.indexOf(row);
    if (at >= 0) this.#rows.splice(at, 1);
    row.element.remove();
    return at;
  }

  /**
   * @param {BindingRow} onto goes if nothing is in it
   * @param {Binding[]} bindings
   */
  #paste(onto, bindings) {
    const at = this.#rows.indexOf(onto);
    const isOver = onto.binding.exchange === "";
    const added = bindings.map((binding, i) => this.#add(binding, at + 1 + i));
    if (isOver) this.#takeOut(onto);
    added[added.length - 1].exchange.focus();
    this.#tell();
    this.#offer(() => {
      for (const row of added) this.#takeOut(row);
      if (isOver) this.#insert(onto, at);
      return onto.exchange;
    });
  }

  #append() {
    const row = this.#add(EMPTY);
    this.#tell();
    row.exchange.focus();
  }

  /** @param {BindingRow} row */
  #remove(row) {
    const at = this.#takeOut(row);
    const wasOnly = !this.#rows.length;
    if (wasOnly) this.#add(EMPTY);
    (this.#rows[at] ?? this.#rows[at - 1]).remove.focus();
    this.#tell();
    if (row.isEmpty) return;
    this.#offer(() => {
      if (wasOnly && !this.bindings.length) this.#takeOut(this.#rows[0]);
      this.#insert(row, at);
      return row.remove;
    });
  }

  #showEnds() {
    for (const row of this.#rows) row.showEnd();
  }

  #filled() {
    return this.#rows.filter(({ isEmpty }) => !isEmpty);
  }

  /** Those seen first: they exist. */
  #exchanges() {
    const { catalogue, exchangesSeen } = this.#around;
    return [...new Set([...exchangesSeen(), ...catalogue.names()])].map((value) => {
      const known = catalogue.find(value);
      return { value, label: known ? `${known.service} ${known.event}` : "seen here" };
    });
  }

  #tell() {
    this.#rows.forEach((row, i) => (row.number = i + 1));
    this.#around.onEdit(this.bindings, this.#applied);
    const isChanged = JSON.stringify(this.bindings) !== JSON.stringify(this.#applied);
    this.#revert.hidden = !isChanged || !this.#applied.length;
    this.#stop.hidden = !this.#isRunning;
    say(this.#apply, this.#isRunning ? "Apply" : "Listen");
    set(this.#apply, { title: "Enter in a field does the same" });
    this.#apply.classList.toggle("main", isChanged || !this.#isRunning);
    const count = this.#applied.length;
    say(byId("bindings-summary"), count ? `${count}${isChanged ? ", changed" : ""}` : "none");
  }
}
