// @ts-check
/**
 * The live table: what the log shows, newest first, drawn once per animation frame.
 *
 * It follows the newest while it is at the top and nothing is selected.  Else it holds still, by
 * pausing the log: what comes is counted on a button that leads back to the top.
 */
import { CellFilter } from "./cell-filter.js";
import { columnOf, termFor, widthsOf } from "./columns.js";
import { byId, element, say, set } from "./dom.js";
import { Freshness } from "./freshness.js";
import { Pacer } from "./pacer.js";
import { Rows } from "./rows.js";
import { ROW_PX, Viewport } from "./viewport.js";

/** @import { Column } from "./columns.js" */
/** @import { Entry, Log } from "./log.js" */
/** @import { Palette } from "./palette.js" */
/** @import { Place } from "./rows.js" */
/**
 * @typedef {object} Listeners
 * @property {(entry: Entry | null) => void} onSelect
 * @property {(entry: Entry) => void} onOpen
 * @property {() => void} onClose
 * @property {(term: string) => void} onFilter
 * @property {() => void} onDrawn
 */

const SPARE_ROWS = 4;

export class Table {
  paused = false;
  /** @type {Entry | null} */
  active = null;
  #activeCell = 0;
  /** Whether it followed the newest before something was selected. */
  #wasFollowing = true;
  /** The first row in sight when it was: what came since the last drawing is above. */
  #leftAt = 0;
  /** @type {Column[]} */
  #columns = [];
  #pacer = new Pacer(() => this.#draw());
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
  #freshness = new Freshness();
  #scroller = byId("grid");
  #body = byId("grid-body");
  #head = byId("grid-head");
  #newer = byId("newer");
  #viewport;
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
    this.#cellFilter = new CellFilter(
      this.#body,
      (cell) => this.#termAt(this.#rows.at(cell)) !== null,
      (cell, isWithout) => this.#filterBy(this.#rows.at(cell), isWithout),
    );
    this.#viewport = new Viewport(this.#scroller, this.#body, () => this.draw());
    this.#scroller.addEventListener("keydown", (event) => this.#key(event));
    this.#body.addEventListener("pointerdown", (event) => this.#press(event));
    this.#body.addEventListener("click", (event) => this.#click(event));
    this.#newer.addEventListener("click", () => this.toNewest());
  }

  /** @param {string[]} names */
  useColumns(names) {
    this.#columns = names.map(columnOf);
    this.#cellFilter.hide();
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
    this.#freshness.clear();
    this.follow();
  }

  /** @returns {string[]} of the rows in sight */
  get exchanges() {
    return this.#rows.exchanges;
  }

  /** Draws with the next frame. */
  draw() {
    this.#pacer.now();
  }

  /** Draws soon: something came. */
  drawSoon() {
    this.#pacer.soon();
  }

  /** Goes to the top, and on with what comes. */
  follow() {
    this.#select(null);
    this.#anchor = null;
    this.#viewport.scrollToTop();
    this.draw();
  }

  /** Ends what holds the table, the button too, and goes on with what comes. */
  toNewest() {
    this.paused = false;
    this.follow();
  }

  /** Selects nothing; goes back to the newest if it was left there, or nothing was selected. */
  release() {
    const { first, rows } = this.#viewport;
    const isNear = first < rows || Math.abs(first - this.#leftAt) < rows;
    if (!this.active || (this.#wasFollowing && isNear)) this.follow();
    else this.#select(null);
  }

  /**
   * Selects the entry that is so many rows below the selected one.
   * @param {number} by
   */
  step(by) {
    const position = this.active ? this.#log.position(this.active) : -1;
    this.#goTo(position < 0 ? this.#viewport.first : position + by);
  }

  /** @param {Entry} entry to select, if it is there */
  goTo(entry) {
    const position = this.#log.position(entry);
    if (position >= 0) this.#goTo(position);
  }

  /** Whether something other than the button holds the table. */
  get isReading() {
    return this.active !== null || !this.#viewport.isAtTop;
  }

  #draw() {
    this.#hold();
    const nowMs = Date.now();
    const { visible } = this.#log;
    this.#viewport.length = visible.length;
    const top = this.#viewport.first;
    const first = Math.max(0, top - SPARE_ROWS);
    const last = Math.min(visible.length, top + this.#viewport.rows + SPARE_ROWS);
    const entries = [];
    for (let i = first; i < last; i += 1) entries.push(visible.at(i));
    this.#anchor = visible.length > top ? visible.at(top) : null;
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
      const moved = position - this.#viewport.first;
      if (position >= 0 && moved > 0) {
        this.#viewport.length = this.#log.visible.length;
        this.#viewport.scrollBy(moved);
      }
    }
  }

  /**
   * @param {number} nowMs
   * @returns {number} the id after which entries are marked as new
   */
  #freshFrom(nowMs) {
    const { visible } = this.#log;
    const newest = visible.length ? visible.at(0).id : 0;
    const fromId = this.#freshness.since(newest, nowMs);
    return newest - fromId > this.#viewport.rows ? Infinity : fromId; // all would be marked
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
    const { held, newer } = this.#log;
    const shows = newer > 0 && this.isReading;
    this.#newer.hidden = !shows;
    const rest = held < newer ? `, ${held.toLocaleString("en")} kept` : "";
    if (shows) say(this.#newer, `↑ ${newer.toLocaleString("en")} newer${rest}`);
  }

  /** @param {number} index */
  #goTo(index) {
    const { visible } = this.#log;
    if (!visible.length) return;
    const at = Math.max(0, Math.min(visible.length - 1, index));
    this.#select(visible.at(at));
    this.#viewport.reveal(at);
  }

  /** @param {Entry | null} entry */
  #select(entry) {
    if (entry === this.active) return;
    const isFirst = !this.active;
    if (isFirst) this.#wasFollowing = !this.isReading;
    this.active = entry;
    if (entry) this.#hold();
    if (isFirst) this.#leftAt = this.#viewport.first;
    this.#on.onSelect(entry);
    this.draw();
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button !== 0 || this.#cellFilter.contains(event.target)) return;
    const place = this.#rows.at(event.target);
    this.#pressed = place?.entry ?? null;
    if (!place) return;
    this.#activeCell = place.cell;
    if (event.pointerType === "mouse") this.#select(place.entry);
  }

  /** @param {MouseEvent} event */
  #click(event) {
    if (this.#cellFilter.contains(event.target) || getSelection()?.type === "Range") return;
    const entry = this.#pressed ?? this.#rows.at(event.target)?.entry;
    if (!entry) return;
    this.#select(entry);
    this.#on.onOpen(entry);
  }

  /** @param {Place | null} place */
  #termAt(place) {
    return place && termFor(this.#columns[place.cell], place.entry);
  }

  /**
   * @param {Place | null} place
   * @param {boolean} isWithout
   */
  #filterBy(place, isWithout) {
    const term = this.#termAt(place);
    if (term) this.#on.onFilter(isWithout ? `-${term}` : term);
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
    PageDown: () => this.step(this.#viewport.rows - 1),
    PageUp: () => this.step(1 - this.#viewport.rows),
    Home: () => this.#goTo(0),
    End: () => this.#goTo(Infinity),
    ArrowRight: () => this.#moveCell(1),
    ArrowLeft: () => this.#moveCell(-1),
    Enter: () => this.active && this.#on.onOpen(this.active),
    Escape: () => this.#on.onClose(),
    f: () => this.#filterBy(this.#activePlace, false),
    x: () => this.#filterBy(this.#activePlace, true),
  };

  get #activePlace() {
    return this.active && { entry: this.active, cell: this.#activeCell };
  }

  /** @param {number} by */
  #moveCell(by) {
    const last = this.#columns.length - 1;
    this.#activeCell = Math.max(0, Math.min(last, this.#activeCell + by));
    if (!this.active) this.step(0);
    this.draw();
  }
}
