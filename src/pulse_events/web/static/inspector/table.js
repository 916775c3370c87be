// @ts-check
/**
 * The live table: what the log shows, newest first, drawn once per animation frame.
 *
 * It follows the newest while it is at the top and nothing is selected.  Else it holds still, by
 * pausing the log: what comes is counted on a button that leads back to the top.
 */
import { button, byId, element, say, set } from "./dom.js";
import { columnOf, termFor, widthsOf } from "./columns.js";
import { Rows } from "./rows.js";

/** @import { Column } from "./columns.js" */
/** @import { Entry, Log } from "./log.js" */
/** @import { Palette } from "./palette.js" */
/**
 * @typedef {object} Listeners
 * @property {(entry: Entry | null) => void} onSelect
 * @property {(entry: Entry) => void} onOpen
 * @property {() => void} onClose
 * @property {(term: string) => void} onFilter
 * @property {() => void} onDrawn
 */

/** Of the head too. */
const ROW_PX = 26;
const SPARE_ROWS = 4;
const FRESH_MS = 1500;
/** Between two drawings of what came: eyes cannot follow more, and painting costs. */
const PACE_MS = 80;

export class Table {
  paused = false;
  /** @type {Entry | null} */
  active = null;
  #activeCell = 0;
  /** @type {Column[]} */
  #columns = [];
  #frame = 0;
  #drawnAtMs = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #soon;
  /** Kept, since to ask the element for it makes the browser lay out. */
  #scrollTop = 0;
  #height = 0;
  #length = -1;
  #newestId = 0;
  /**
   * What stood at the top when it was drawn last.
   * @type {Entry | null}
   */
  #anchor = null;
  /**
   * What the pointer went down on: the rows may have moved when it comes up.
   * @type {Entry | null}
   */
  #pressed = null;
  /** @type {{ fromId: number, atMs: number }[]} */
  #arrivals = [];
  #scroller = byId("grid");
  #body = byId("grid-body");
  #head = byId("grid-head");
  #newer = byId("newer");
  #rows;
  #log;
  #on;
  #cellFilter;

  /**
   * @param {Log} log
   * @param {Palette} palette
   * @param {Listeners} listeners
   */
  constructor(log, palette, listeners) {
    this.#log = log;
    this.#on = listeners;
    this.#rows = new Rows(this.#body, { palette, height: ROW_PX });
    const label = "Filter by this value; with Shift leave it out";
    this.#cellFilter = button("", (event) => this.#filterByButton(event), {
      class: "cell-filter",
      tabindex: -1,
      title: label,
      "aria-label": label,
    });
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#scroller.addEventListener("keydown", (event) => this.#key(event));
    this.#body.addEventListener("pointerdown", (event) => this.#press(event));
    this.#body.addEventListener("click", (event) => this.#click(event));
    this.#body.addEventListener("pointerover", (event) => this.#hover(event.target));
    this.#newer.addEventListener("click", () => this.follow());
    new ResizeObserver(() => this.#resized()).observe(this.#scroller);
  }

  /** @param {string[]} names */
  useColumns(names) {
    this.#columns = names.map(columnOf);
    this.#cellFilter.remove();
    this.#rows.useColumns(this.#columns);
    const { widths, least } = widthsOf(this.#columns);
    this.#scroller.style.setProperty("--widths", widths);
    this.#scroller.style.setProperty("--least", least);
    set(this.#scroller, { "aria-colcount": names.length });
    const cells = this.#columns.map(({ title, name }) =>
      element("div", { role: "columnheader", class: "cell", "data-column": name }, title),
    );
    this.#head.replaceChildren(
      element("div", { role: "row", class: "row head", "aria-rowindex": 1 }, ...cells),
    );
    this.draw();
  }

  /** @param {Log} log */
  useLog(log) {
    this.#log = log;
    this.#rows.clear();
    this.#newestId = 0;
    this.#arrivals = [];
    this.follow();
  }

  /** Draws with the next frame. */
  draw() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  /** Draws soon: something came. */
  drawSoon() {
    if (this.#frame || this.#soon !== undefined) return;
    const sinceMs = performance.now() - this.#drawnAtMs;
    if (sinceMs >= PACE_MS) return this.draw();
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      this.draw();
    }, PACE_MS - sinceMs);
  }

  /** Goes to the top, and on with what comes. */
  follow() {
    this.#select(null);
    this.#anchor = null;
    this.#scrollTo(0);
    this.draw();
  }

  /**
   * Selects the entry that is so many rows below the selected one.
   * @param {number} by
   */
  step(by) {
    const position = this.active ? this.#log.position(this.active) : -1;
    this.#goTo(position < 0 ? this.#topIndex() : position + by);
  }

  /** Whether something other than the button holds the table. */
  get isReading() {
    return this.active !== null || this.#scrollTop > 0;
  }

  #scrolled() {
    this.#scrollTop = this.#scroller.scrollTop;
    this.draw();
  }

  #resized() {
    this.#height = this.#scroller.clientHeight;
    this.draw();
  }

  /** @param {number} topPx */
  #scrollTo(topPx) {
    if (topPx === this.#scrollTop) return;
    this.#scroller.scrollTop = topPx;
    this.#scrollTop = this.#scroller.scrollTop;
  }

  #draw() {
    this.#frame = 0;
    this.#drawnAtMs = performance.now();
    this.#hold();
    const nowMs = Date.now();
    const { visible } = this.#log;
    this.#setLength(visible.length);
    const first = Math.max(0, this.#topIndex() - SPARE_ROWS);
    const last = Math.min(visible.length, this.#topIndex() + this.#pageRows() + SPARE_ROWS);
    const entries = [];
    for (let i = first; i < last; i += 1) entries.push(visible.at(i));
    this.#anchor = visible.length > this.#topIndex() ? visible.at(this.#topIndex()) : null;
    const cell = this.#rows.show({
      entries,
      first,
      active: this.active,
      activeCell: this.#activeCell,
      freshFrom: this.#freshFrom(nowMs),
      nowMs,
    });
    this.#tellState(visible.length, cell);
    this.#on.onDrawn();
  }

  /** Holds or lets go; entries that came since the last drawing must not move what is read. */
  #hold() {
    const wants = this.paused || this.isReading;
    if (!wants) this.#log.resume();
    else if (!this.#log.paused) {
      this.#log.pause();
      if (!this.isReading || !this.#anchor) return;
      const position = this.#log.position(this.#anchor);
      const moved = position - this.#topIndex();
      if (position >= 0 && moved > 0) {
        this.#setLength(this.#log.visible.length);
        this.#scrollTo(this.#scrollTop + moved * ROW_PX);
      }
    }
  }

  /** @param {number} length */
  #setLength(length) {
    if (length === this.#length) return;
    this.#length = length;
    this.#body.style.height = `${length * ROW_PX}px`;
  }

  /**
   * @param {number} nowMs
   * @returns {number} the id after which entries are marked as new
   */
  #freshFrom(nowMs) {
    const { visible } = this.#log;
    const newest = visible.length ? visible.at(0).id : 0;
    if (newest > this.#newestId) {
      this.#arrivals.push({ fromId: this.#newestId, atMs: nowMs });
      this.#newestId = newest;
    }
    while (this.#arrivals.length && nowMs - this.#arrivals[0].atMs > FRESH_MS) {
      this.#arrivals.shift();
    }
    const fromId = this.#arrivals[0]?.fromId ?? Infinity;
    return newest - fromId > this.#pageRows() ? Infinity : fromId; // all would be marked
  }

  /**
   * @param {number} length
   * @param {HTMLElement | null} activeCell
   */
  #tellState(length, activeCell) {
    set(this.#scroller, {
      "aria-rowcount": length + 1,
      "aria-activedescendant": activeCell?.id,
    });
    const { held } = this.#log;
    const shows = held > 0 && this.isReading;
    this.#newer.hidden = !shows;
    if (shows) say(this.#newer, `↑ ${held.toLocaleString("en")} newer`);
  }

  #topIndex() {
    return Math.floor(this.#scrollTop / ROW_PX);
  }

  #pageRows() {
    return Math.max(1, Math.ceil((this.#height - ROW_PX) / ROW_PX));
  }

  /** @param {number} index */
  #goTo(index) {
    const { visible } = this.#log;
    if (!visible.length) return;
    const at = Math.max(0, Math.min(visible.length - 1, index));
    this.#select(visible.at(at));
    const topPx = at * ROW_PX;
    const pagePx = this.#height - ROW_PX;
    if (topPx < this.#scrollTop) this.#scrollTo(topPx);
    else if (topPx + ROW_PX > this.#scrollTop + pagePx) this.#scrollTo(topPx + ROW_PX - pagePx);
  }

  /** @param {Entry | null} entry */
  #select(entry) {
    if (entry === this.active) return;
    this.active = entry;
    if (entry) this.#hold();
    this.#on.onSelect(entry);
    this.draw();
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button !== 0 || this.#isButton(event.target)) return;
    const place = this.#rows.at(event.target);
    this.#pressed = place?.entry ?? null;
    if (!place) return;
    this.#activeCell = place.cell;
    if (event.pointerType === "mouse") this.#select(place.entry);
  }

  /** @param {MouseEvent} event */
  #click(event) {
    if (this.#isButton(event.target) || getSelection()?.type === "Range") return;
    const entry = this.#pressed ?? this.#rows.at(event.target)?.entry;
    if (!entry) return;
    this.#select(entry);
    this.#on.onOpen(entry);
  }

  /** @param {EventTarget | null} target */
  #isButton(target) {
    return target instanceof Node && this.#cellFilter.contains(target);
  }

  /** @param {EventTarget | null} target */
  #hover(target) {
    const cell = target instanceof Element ? target.closest("[role=gridcell]") : null;
    const place = cell && this.#rows.at(cell);
    if (!place || cell === this.#cellFilter.parentElement) return;
    if (termFor(this.#columns[place.cell], place.entry)) cell.append(this.#cellFilter);
    else this.#cellFilter.remove();
  }

  /** @param {MouseEvent} event */
  #filterByButton(event) {
    const place = this.#rows.at(this.#cellFilter);
    if (place) this.#filterBy(place.entry, place.cell, event.shiftKey);
  }

  /**
   * @param {Entry} entry
   * @param {number} cell
   * @param {boolean} without
   */
  #filterBy(entry, cell, without) {
    const term = termFor(this.#columns[cell], entry);
    if (term) this.#on.onFilter(without ? `-${term}` : term);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const action = this.#actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  /** @type {Record<string, () => void>} */
  #actions = {
    ArrowDown: () => this.step(1),
    ArrowUp: () => this.step(-1),
    PageDown: () => this.step(this.#pageRows() - 1),
    PageUp: () => this.step(1 - this.#pageRows()),
    Home: () => this.#goTo(0),
    End: () => this.#goTo(Infinity),
    ArrowRight: () => this.#moveCell(1),
    ArrowLeft: () => this.#moveCell(-1),
    Enter: () => this.active && this.#on.onOpen(this.active),
    Escape: () => this.#leave(),
    f: () => this.active && this.#filterBy(this.active, this.#activeCell, false),
    x: () => this.active && this.#filterBy(this.active, this.#activeCell, true),
  };

  #leave() {
    this.#on.onClose();
    this.follow();
  }

  /** @param {number} by */
  #moveCell(by) {
    const last = this.#columns.length - 1;
    this.#activeCell = Math.max(0, Math.min(last, this.#activeCell + by));
    if (!this.active) this.step(0);
    this.draw();
  }
}
