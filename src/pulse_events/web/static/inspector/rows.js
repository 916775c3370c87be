// @ts-check
/**
 * The few row elements of the table, each showing one entry for as long as that is in sight.
 *
 * An element stays with its entry, so that what is hovered, marked or moving stays right; elements
 * whose entry has left are used again.
 */
import { say, set } from "./dom.js";
import { inLine } from "./signs.js";
import { clockTime, spanOf, zonedTime } from "./times.js";

/** @import { Column } from "./columns.js" */
/** @import { Entry } from "./log.js" */
/** @import { Palette } from "./palette.js" */
/**
 * @typedef {object} Row
 * @property {HTMLElement} element
 * @property {HTMLElement[]} cells
 * @property {Entry} entry
 * @property {number} index
 * @property {string} kind class of what it shows: a gap, or the colour of an exchange
 */
/** @typedef {{ entry: Entry, cell: number }} Place */
/**
 * @typedef {object} Scene what the rows are to show
 * @property {Entry[]} entries
 * @property {number} first index of the first of them among all that are visible
 * @property {Entry | null} active
 * @property {number} activeCell
 * @property {number} freshFrom entries with a higher id have just come
 * @property {number} nowMs
 */

let lastSlot = 0;

export class Rows {
  /** @type {Map<number, Row>} by entry id */
  #shown = new Map();
  /** @type {Row[]} */
  #spare = [];
  /** @type {Column[]} */
  #columns = [];
  #body;
  #palette;
  #height;

  /**
   * @param {HTMLElement} body
   * @param {{ palette: Palette, height: number }} options `height` of a row in pixels
   */
  constructor(body, { palette, height }) {
    this.#body = body;
    this.#palette = palette;
    this.#height = height;
  }

  /** @param {Column[]} columns */
  useColumns(columns) {
    this.#columns = columns;
    this.#shown.clear();
    this.#spare = [];
    this.#body.replaceChildren();
  }

  /** @returns {string[]} of what is shown */
  get exchanges() {
    return [...this.#shown.values()].map(({ entry }) => entry.message.exchange);
  }

  /** Forgets which entry is where: another log may use the same ids. */
  clear() {
    for (const row of this.#shown.values()) this.#putAside(row);
    this.#shown.clear();
  }

  /**
   * @param {Scene} scene
   * @returns {HTMLElement | null} the active cell, if it is in sight
   */
  show(scene) {
    const wanted = new Set(scene.entries.map(({ id }) => id));
    for (const [id, row] of this.#shown) {
      if (wanted.has(id)) continue;
      this.#shown.delete(id);
      this.#putAside(row);
    }
    scene.entries.forEach((entry, i) => this.#place(entry, scene.first + i, scene));
    const active = scene.active && this.#shown.get(scene.active.id);
    return active ? (active.cells[scene.activeCell] ?? active.cells[0]) : null;
  }

  /**
   * @param {EventTarget | null} target
   * @returns {Place | null} what is shown there
   */
  at(target) {
    const element = target instanceof Element ? target.closest("[role=row]") : null;
    for (const { element: own, entry, cells } of this.#shown.values()) {
      if (own !== element) continue;
      const cell = cells.findIndex((each) => each.contains(/** @type {Node} */ (target)));
      return { entry, cell: Math.max(0, cell) };
    }
    return null;
  }

  /** @param {Row} row */
  #putAside(row) {
    row.element.hidden = true;
    this.#spare.push(row);
  }

  /**
   * @param {Entry} entry
   * @param {number} index
   * @param {Scene} scene
   */
  #place(entry, index, scene) {
    let row = this.#shown.get(entry.id);
    if (!row) {
      row = this.#spare.pop() ?? this.#make();
      this.#shown.set(entry.id, row);
      this.#fill(row, entry, scene.nowMs);
    }
    if (row.index !== index) this.#move(row, index);
    this.#tick(row, scene.nowMs);
    const { classList } = row.element;
    const kind = this.#kindOf(entry);
    if (kind !== row.kind) classList.replace(row.kind, kind);
    row.kind = kind;
    classList.toggle("fresh", entry.id > scene.freshFrom);
    const isActive = entry.id === scene.active?.id;
    if (classList.toggle("active", isActive) || row.element.ariaSelected !== "false") {
      row.element.ariaSelected = String(isActive);
      row.cells.forEach((cell, i) =>
        cell.classList.toggle("active", isActive && i === scene.activeCell),
      );
    }
  }

  /**
   * @param {Row} row
   * @param {number} index
   */
  #move(row, index) {
    row.index = index;
    row.element.style.transform = `translateY(${index * this.#height}px)`;
    row.element.ariaRowIndex = String(index + 2); // the head is the first
    row.element.classList.toggle("odd", index % 2 === 1);
  }

  /**
   * @param {Row} row
   * @param {Entry} entry
   * @param {number} nowMs
   */
  #fill(row, entry, nowMs) {
    const isGap = entry.kind === "gap";
    row.entry = entry;
    row.index = -1;
    row.element.hidden = false;
    row.kind = this.#kindOf(entry);
    row.element.className = `row ${row.kind}`;
    row.cells.forEach((cell, i) => {
      const text = isGap ? "" : inLine(this.#columns[i].text(entry, nowMs));
      cell.hidden = isGap && i > 0;
      say(/** @type {Text} */ (cell.firstChild), text);
    });
    set(row.cells[0], { "aria-colspan": isGap ? row.cells.length : null });
    if (isGap) say(/** @type {Text} */ (row.cells[0].firstChild), gapText(entry));
  }

  /**
   * @param {Row} row
   * @param {number} nowMs
   */
  #tick({ entry, cells }, nowMs) {
    if (entry.kind === "gap") return;
    this.#columns.forEach(({ isTicking, text }, i) => {
      if (isTicking) say(/** @type {Text} */ (cells[i].firstChild), text(entry, nowMs));
    });
  }

  /** @returns {Row} */
  #make() {
    const element = document.createElement("div");
    const slot = ++lastSlot;
    set(element, { role: "row" });
    const cells = this.#columns.map((column, i) => {
      const cell = document.createElement("div");
      set(cell, { role: "gridcell", id: `cell-${slot}-${i}`, class: `cell of-${i}` });
      set(cell, { "data-column": column.name });
      cell.append("");
      return cell;
    });
    element.append(...cells);
    this.#body.append(element);
    return { element, cells, entry: /** @type {any} */ (null), index: -1, kind: "" };
  }

  /** @param {Entry} entry */
  #kindOf({ kind, message }) {
    return kind === "gap" ? kind : this.#palette.classOf(message.exchange);
  }
}

/** @param {Entry} entry */
function gapText({ gap }) {
  const [from, to] = [gap?.from, gap?.to].map((time) => Date.parse(time ?? ""));
  const span = spanOf(to - from);
  const until = `${zonedTime(to)}${span && ` (${span})`}`;
  const times = gap?.from === null ? `before ${until}` : `from ${clockTime(from)} to ${until}`;
  return `Messages may be missing ${times}: ${gap?.reason ?? ""}`;
}
