// @ts-check
/**
 * The page: makes its parts and lets them know of each other.
 */
import { Address } from "./address.js";
import { adviceOn } from "./advice.js";
import { Catalogue } from "./catalogue.js";
import { Chart } from "./chart.js";
import { fillColumnsMenu } from "./columns-menu.js";
import { tellCounts } from "./counts.js";
import { button, byId, element, set } from "./dom.js";
import { Doubts } from "./doubts.js";
import { Draft } from "./draft.js";
import { Editor } from "./editor.js";
import { emptyPage } from "./empty.js";
import { Feed } from "./feed.js";
import { Later } from "./later.js";
import { heldAt, isLost, Leaving } from "./leaving.js";
import { placeMenu } from "./menus.js";
import { firstBindings } from "./opening.js";
import { Palette } from "./palette.js";
import { Search } from "./search.js";
import { placeOf } from "./start.js";
import { StartMenu } from "./start-menu.js";
import { Status } from "./status.js";
import { Table } from "./table.js";
import { Undo } from "./undo.js";

/** @import { Binding } from "../pulse-events.d.ts" */
/** @import { CatalogueDocument } from "./catalogue.js" */
/** @import { Origin } from "./feed.js" */
/** @import { Loaded } from "./files.js" */
/** @import { Entry } from "./log.js" */
/** @import { Config } from "./server.js" */
/** @typedef {typeof import("./tools.js")} Tools */
/** @import { View } from "./view.js" */

const SMALL = "(max-width: 760px)";

export class Inspector {
  #palette = new Palette(() => this.#editor.showHues());
  #status = new Status();
  #address = new Address({
    onView: (view) => this.#goTo(view),
    onMessage: (id) => this.#showMessage(id),
  });
  #search = new Search(
    (text, isStep) => this.#filter(text, isStep),
    () => byId("grid").focus(),
  );
  #draft = new Draft();
  #leaving = new Leaving(() => this.#wouldLose());
  #undo = new Undo(byId("undo"), () => this.#unclear());
  #tools = new Later(
    async () => this.#makeTools(await import("./tools.js")),
    () => this.#toolsFailed(),
  );
  #document;
  /** Whether a stream of the server can begin in the past. */
  #keepsHistory;
  #historyMs;
  #startMenu;
  #catalogue;
  #feed;
  #doubts;
  #table;
  #chart;
  #editor;

  /**
   * @param {CatalogueDocument} document
   * @param {Config} config
   * @param {Origin} origin
   */
  constructor(document, { history = "off", historyAge = Infinity, broker = "" }, origin) {
    this.#document = document;
    this.#keepsHistory = history !== "off";
    this.#historyMs = historyAge * 1000;
    this.#startMenu = new StartMenu(this.#keepsHistory, (start) => this.#beginAt(start));
    this.#catalogue = new Catalogue(document);
    this.#feed = this.#makeFeed(origin);
    this.#doubts = new Doubts(broker, this.#catalogue.names(), this.#feed.exchangesSeen);
    this.#table = this.#makeTable();
    this.#chart = new Chart(this.#feed.rates, this.#palette, (term) => this.#search.add(term));
    this.#editor = this.#makeEditor();
  }

  start() {
    this.#useMenus();
    const view = this.#address.read();
    this.#show({ ...view, bindings: firstBindings(location.hash, this.#document.demo) });
    const edited = this.#draft.of(this.#address.view.bindings);
    if (edited) this.#editor.edit(edited);
    if (matchMedia(SMALL).matches) this.#foldSide();
    if (!this.#feed.isRunning) void this.#tools.load();
    this.#tick();
    setInterval(() => {
      void this.#tools.load(); // no stream may be ready for long
      this.#tick();
    }, 1000);
  }

  /** Messages come first, unless there is nothing to listen to yet. */
  #foldSide() {
    set(byId("rates"), { open: false });
    if (this.#address.view.bindings.length) set(byId("bindings"), { open: false });
  }

  // Parts

  /** @param {Origin} origin */
  #makeFeed(origin) {
    return new Feed(this.#catalogue, this.#status, origin, {
      onEntry: () => this.#table.drawSoon(),
      onExchange: (exchange) => this.#palette.see(exchange),
      onLog: (log) => {
        this.#undo.end();
        this.#table.useLog(log);
        byId("rates").hidden = this.#feed.isFile; // they are of what comes
      },
      onRunning: (isRunning) => {
        this.#editor.setRunning(isRunning);
        this.#tellEmpty();
      },
      onReady: () => {
        this.#editor.clearFaults();
        this.#doubts.begin(Date.now());
        void this.#tools.load(); // what waits for the stream is on its way
      },
      onTaken: (bindings) => this.#take([...bindings]),
      onRefused: (message) => this.#refused(message),
    });
  }

  #makeTable() {
    return new Table(this.#feed.log, this.#palette, {
      onSelect: (entry) => entry && this.#isOpen && this.#openDetail(entry),
      onOpen: (entry) => this.#openDetail(entry),
      onClose: () => this.#closeDetail(),
      onFilter: (term) => this.#search.add(term),
      onDrawn: () => tellCounts(this.#feed.log, this.#table.paused, this.#feed.isFile),
    });
  }

  /**
   * @param {Tools} tools
   */
  #makeTools({ Detail, fillSaveMenu, Offline, SnippetTabs, takeFiles, useKeys }) {
    const detail = new Detail({
      catalogue: this.#catalogue,
      rootUrl: this.#document.rootUrl,
      bindings: () => this.#address.view.bindings,
      onFilter: (term) => this.#search.add(term),
      onColumn: (name) => this.#chooseColumns([...new Set([...this.#address.view.columns, name])]),
      onListen: (bindings) => {
        this.#listenTo(bindings);
        this.#table.follow();
      },
      onStep: (by) => this.#table.step(by),
      onClose: () => this.#closeDetail(),
    });
    const snippets = new SnippetTabs();
    snippets.show(this.#address.view.bindings);
    byId("snippets").append(snippets.element);
    fillSaveMenu(
      () => this.#feed.kept(),
      () => this.#leaving.look(),
    );
    takeFiles((name, loaded) => this.#openFile(name, loaded));
    useKeys({
      "/": () => this.#search.focus(),
      b: () => this.#goToBindings(),
      t: () => byId("grid").focus(),
      p: () => this.#togglePause(),
      g: () => this.#table.toNewest(),
      Escape: () => this.#closeDetail(),
    });
    return { detail, snippets, offline: new Offline(() => this.#leaveFile()) };
  }

  #toolsFailed() {
    const words = "Not all of this page could be loaded: messages do not open, files neither.";
    const reload = button("Reload", () => location.reload(), { class: "main" });
    byId("banner").replaceChildren(element("p", {}, words), reload);
    byId("banner").hidden = false;
  }

  #makeEditor() {
    return new Editor({
      catalogue: this.#catalogue,
      palette: this.#palette,
      valuesSeen: (exchange, field) => this.#feed.valuesSeen(exchange, field),
      exchangesSeen: () => [...this.#feed.exchangesSeen],
      onEdit: (edited, applied) => this.#draft.keep(edited, applied),
      onApply: (bindings) => this.#apply(bindings),
      onStop: () => this.#stop(),
    });
  }

  #useMenus() {
    byId("pause").addEventListener("click", () => this.#togglePause());
    byId("clear").addEventListener("click", () => this.#clear());
    fillColumnsMenu({
      chosen: () => this.#address.view.columns,
      fields: () => this.#feed.fieldNames(this.#address.view.bindings),
      onChoose: (names) => this.#chooseColumns(names),
    });
    for (const id of ["load", "show-files", "show-keys"]) {
      byId(id).addEventListener("click", (event) => this.#awaitTools(event), { capture: true });
    }
    placeMenu("columns", "show-columns");
    placeMenu("files", "show-files");
  }

  /**
   * Repeats a click on a button whose part has not been loaded.
   * @param {Event} event
   */
  #awaitTools(event) {
    if (this.#tools.now) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const target = /** @type {HTMLElement} */ (event.currentTarget);
    this.#tools.do(() => target.click());
  }

  // What is listened to

  /**
   * Listens to what the editor has, which stays as it is until the server has nothing against it.
   * @param {Binding[]} bindings
   */
  #apply(bindings) {
    this.#editor.clearFaults();
    if (bindings.length) this.#feed.listenTo(bindings, this.#place);
    else this.#editor.setFault("Name an exchange to listen to.");
  }

  /** @param {Binding[]} bindings */
  #listenTo(bindings) {
    this.#editor.show(bindings);
    this.#take(bindings);
    this.#feed.listenTo(bindings, this.#place);
  }

  /** Where a stream begins that does not go on. */
  get #place() {
    return this.#keepsHistory ? placeOf(this.#address.view.start) : {};
  }

  /**
   * Opens the stream anew from there.  What is in the table goes: it would not fit in between.
   * @param {string} start
   */
  #beginAt(start) {
    this.#address.write({ start }, true);
    const { bindings } = this.#address.view;
    if (bindings.length) this.#begin(bindings);
  }

  /** @param {Binding[]} bindings */
  #begin(bindings) {
    this.#address.write({ running: true });
    this.#shutDetail();
    this.#tools.now?.offline.close();
    this.#table.paused = false;
    this.#undo.end();
    this.#feed.beginAt(bindings, this.#place);
    this.#table.follow();
    this.#tick();
  }

  /** Whether messages are in the table that nobody could get again. */
  #wouldLose() {
    const nowMs = Date.now();
    const place = this.#keepsHistory && !this.#feed.hasOthers ? this.#place : null;
    const held = heldAt(place, this.#historyMs, nowMs);
    return isLost(this.#feed.unsaved, held, nowMs);
  }

  /** @param {Binding[]} bindings */
  #take(bindings) {
    const isSame = JSON.stringify(bindings) === JSON.stringify(this.#address.view.bindings);
    this.#address.write({ bindings, running: true }, !isSame);
    this.#editor.take(bindings);
    this.#tools.now?.snippets.show(bindings);
    this.#tools.now?.offline.close();
    this.#feed.showLive();
  }

  /** @param {string} message */
  #refused(message) {
    const bindings = [...this.#feed.bindings];
    if (bindings.length) {
      this.#address.write({ bindings }); // these go on
      this.#editor.settle(bindings);
    }
    this.#editor.setFault(message);
  }

  #stop() {
    this.#address.write({ running: false });
    this.#feed.stop();
  }

  /** @param {string} name @param {Loaded} loaded */
  #openFile(name, { entries, faults }) {
    const offline = this.#tools.now?.offline;
    if (!entries.length) return offline?.refuse(name, faults);
    this.#shutDetail();
    this.#feed.showFile(name, entries);
    offline?.open(name, entries, faults);
    this.#tellEmpty();
  }

  #leaveFile() {
    this.#shutDetail();
    this.#feed.leaveFile();
    const { bindings } = this.#address.view;
    if (bindings.length) this.#listenTo(bindings);
    this.#tellEmpty();
  }

  // What is shown

  /**
   * Shows what the URL says.
   * @param {View} view
   */
  #show(view) {
    const isSame = JSON.stringify(view.bindings) === JSON.stringify(this.#address.view.bindings);
    const isSameStart = view.start === this.#address.view.start;
    this.#address.write(view);
    this.#startMenu.show(view.start);
    this.#search.show(view.filter);
    this.#feed.filter(view.filter);
    this.#table.useColumns(view.columns);
    if (!isSame) this.#editor.show(view.bindings);
    this.#tools.now?.snippets.show(view.bindings);
    const runs = view.running && view.bindings.length > 0;
    const isFileKept = this.#feed.isFile && isSame && isSameStart;
    this.#tellEmpty();
    if (isFileKept) return;
    if (!runs) this.#feed.stop(undefined, view.bindings.length ? "stopped" : "idle");
    else if (!isSameStart) this.#begin(view.bindings);
    else if (!isSame || !this.#feed.isRunning) this.#feed.listenTo(view.bindings, this.#place);
    if (view.faults.length) this.#editor.setFault(`In the URL: ${view.faults.join("; ")}`);
  }

  /**
   * Goes to another step.  Whether the stream is stopped is none: a button that closes a message, or
   * takes a filter back, does not start it.
   * @param {View} view
   */
  #goTo(view) {
    const { bindings, running } = this.#address.view;
    const isSame = JSON.stringify(view.bindings) === JSON.stringify(bindings);
    this.#show(isSame ? { ...view, running } : view);
  }

  /** @param {string} text @param {boolean} isStep */
  #filter(text, isStep) {
    this.#address.write({ filter: text }, isStep);
    this.#feed.filter(text);
    this.#advise();
    this.#table.follow();
    this.#tellEmpty();
  }

  /** @param {string[]} columns */
  #chooseColumns(columns) {
    this.#address.write({ columns }, true);
    this.#table.useColumns(columns);
  }

  #togglePause() {
    this.#table.paused = !this.#table.paused;
    this.#table.draw();
  }

  #clear() {
    const { log } = this.#feed;
    if (log.kept) this.#undo.end(); // of the time before
    this.#feed.clear();
    if (log.isCleared) this.#undo.offer(() => log.forget());
    this.#tellEmpty();
    this.#shutDetail();
    this.#table.follow();
    this.#tick();
  }

  #unclear() {
    this.#feed.log.restore();
    this.#table.follow();
    this.#tick();
    byId("clear").focus();
    return false;
  }

  /** Whether a message is. */
  get #isOpen() {
    return this.#tools.now?.detail.isOpen ?? false;
  }

  /** @param {Entry} entry */
  #openDetail(entry) {
    this.#tools.do(({ detail }) => detail.show(entry));
    this.#address.open(entry.id);
  }

  #closeDetail() {
    if (this.#isOpen) this.#address.close(true);
    this.#hideDetail();
  }

  /** What the pane shows goes away, or is another thing's. */
  #shutDetail() {
    this.#tools.now?.detail.close();
    this.#address.close(false);
  }

  #hideDetail() {
    if (this.#tools.now?.detail.hasFocus) byId("grid").focus();
    this.#tools.now?.detail.close();
    this.#table.release();
  }

  /**
   * Shows what was open at a step of the browser's history, if it is still there.
   * @param {number} id 0 if nothing was
   */
  #showMessage(id) {
    const entry = id ? this.#feed.log.find(id) : null;
    if (!entry) {
      if (this.#isOpen) this.#hideDetail();
      return;
    }
    this.#table.goTo(entry);
    this.#tools.do(({ detail }) => detail.show(entry));
  }

  #goToBindings() {
    set(byId("bindings"), { open: true });
    this.#closeDetail();
    this.#editor.focus();
  }

  // What is told

  #tick() {
    const nowMs = Date.now();
    this.#leaving.look();
    this.#status.tellLag(this.#feed.lagMs);
    this.#status.tick(nowMs);
    this.#status.count(this.#feed.log.received);
    if (document.hidden) return;
    this.#palette.release(
      () => new Set([...this.#chart.exchanges, ...this.#table.exchanges]),
      () => this.#feed.exchangesKept(),
    );
    this.#chart.draw(nowMs);
    this.#table.draw();
    const isSure = this.#feed.hasAllSeen;
    this.#editor.tellDoubts((exchange) => (isSure ? this.#doubts.of(exchange, nowMs) : null));
    this.#advise();
  }

  /** What comes may have the field that nothing had. */
  #advise() {
    const { log } = this.#feed;
    this.#search.advise(adviceOn(log.filter, () => log.newest()));
  }

  #tellEmpty() {
    emptyPage({
      catalogue: this.#catalogue,
      isWaiting: this.#feed.isRunning,
      isFile: this.#feed.isFile,
      isFiltered: this.#address.view.filter !== "",
      isCleared: this.#feed.log.wasCleared,
      onTry: (bindings) => this.#listenTo(bindings),
      onUnfilter: () => this.#search.clear(),
    });
  }
}
