// @ts-check
/**
 * The page: owns its parts and what they have in common, the view.
 */
import { Catalogue } from "./catalogue.js";
import { Chart } from "./chart.js";
import { USUAL_COLUMNS } from "./columns.js";
import { fillColumnsMenu } from "./columns-menu.js";
import { SnippetTabs } from "./copying.js";
import { Detail } from "./detail.js";
import { byId, say, set } from "./dom.js";
import { Editor } from "./editor.js";
import { emptyPage } from "./empty.js";
import { formFault } from "./faults.js";
import { fillSaveMenu, takeFiles } from "./files-menu.js";
import { parseFilter } from "./filter.js";
import { useKeys } from "./keys.js";
import { Live } from "./live.js";
import { Log } from "./log.js";
import { placeMenu } from "./menus.js";
import { Offline } from "./offline.js";
import { Palette } from "./palette.js";
import { Rates } from "./rates.js";
import { Status } from "./status.js";
import { Table } from "./table.js";
import { readView, writeView } from "./view.js";

/** @import { Binding, Message, State } from "../pulse-events.d.ts" */
/** @import { CatalogueDocument } from "./catalogue.js" */
/** @import { View } from "./view.js" */

const DEMO = ["pending", "running", "completed", "failed"].map((state) => ({
  exchange: `exchange/taskcluster-queue/v1/task-${state}`,
  routingKeyPattern: "primary.#",
}));
const SEEN_LIMIT = 50;
const FILTER_AFTER_MS = 120;
const EXCHANGES_REMEMBERED = 200;

export class Inspector {
  #palette = new Palette();
  #rates = new Rates();
  #status = new Status();
  /** @type {Set<string>} */
  #exchangesSeen = new Set();
  /** @type {View} */
  #view = { bindings: [], filter: "", columns: USUAL_COLUMNS, running: false, faults: [] };
  /** Counts the attempts to apply, so that a late answer is not taken for the last. */
  #applied = 0;
  #filterInput = /** @type {HTMLInputElement} */ (byId("filter"));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #filterTimer;
  #snippets = new SnippetTabs();
  #document;
  #catalogue;
  #log;
  #table;
  #chart;
  #detail;
  #editor;
  #live;
  #offline;

  /** @param {CatalogueDocument} document */
  constructor(document) {
    this.#document = document;
    this.#catalogue = new Catalogue(document);
    this.#log = this.#newLog();
    this.#table = this.#makeTable();
    this.#chart = new Chart(this.#rates, this.#palette, (term) => this.#addTerm(term));
    this.#detail = this.#makeDetail();
    this.#editor = this.#makeEditor();
    this.#live = this.#makeLive();
    this.#offline = new Offline(() => this.#leaveFile());
  }

  start() {
    // On a small screen the messages come first.
    if (matchMedia("(max-width: 760px)").matches) {
      for (const id of ["bindings", "rates"]) set(byId(id), { open: false });
    }
    byId("snippets").append(this.#snippets.element);
    this.#useToolbar();
    addEventListener("hashchange", () => this.#show(readView(location.hash)));
    const isBare = location.hash.length < 2;
    const view = readView(location.hash);
    this.#show(isBare && this.#document.demo ? { ...view, bindings: DEMO } : view);
    setInterval(() => this.#tick(), 1000);
  }

  // Parts

  #newLog() {
    return new Log({ fields: (exchange, key) => this.#catalogue.fieldsOf(exchange, key) });
  }

  #makeTable() {
    return new Table(this.#log, this.#palette, {
      onSelect: (entry) => entry && this.#detail.isOpen && this.#detail.show(entry),
      onOpen: (entry) => this.#detail.show(entry),
      onClose: () => this.#detail.close(),
      onFilter: (term) => this.#addTerm(term),
      onDrawn: () => this.#tellCounts(),
    });
  }

  #makeDetail() {
    return new Detail({
      catalogue: this.#catalogue,
      rootUrl: this.#document.rootUrl,
      bindings: () => this.#view.bindings,
      onFilter: (term) => this.#addTerm(term),
      onColumn: (name) => this.#chooseColumns([...new Set([...this.#view.columns, name])]),
      onListen: (bindings) => this.#listenTo(bindings),
      onStep: (by) => this.#table.step(by),
      onClose: () => this.#closeDetail(),
    });
  }

  #makeEditor() {
    return new Editor({
      catalogue: this.#catalogue,
      palette: this.#palette,
      valuesSeen: (exchange, field) => this.#valuesSeen(exchange, field),
      exchangesSeen: () => [...this.#exchangesSeen],
      onApply: (bindings) => void this.#apply(bindings),
      onStop: () => this.#stop(),
    });
  }

  #makeLive() {
    return new Live(new URL("events/v1/connect/", document.baseURI), {
      onMessage: (message, text) => this.#take(message, text),
      onGap: (gap) => {
        this.#log.gap(gap, Date.now());
        this.#table.draw();
      },
      onState: (state) => this.#tellState(state),
      onReady: () => this.#editor.clearFaults(),
      onRefused: (error) => this.#refused(error.message),
    });
  }

  #useToolbar() {
    byId("pause").addEventListener("click", () => this.#togglePause());
    byId("clear").addEventListener("click", () => this.#clear());
    this.#filterInput.addEventListener("input", () => {
      clearTimeout(this.#filterTimer);
      this.#filterTimer = setTimeout(() => this.#filterTyped(), FILTER_AFTER_MS);
    });
    this.#filterInput.addEventListener("keydown", (event) => this.#filterKey(event));
    fillColumnsMenu({
      chosen: () => this.#view.columns,
      fields: () => this.#fieldNames(),
      onChoose: (names) => this.#chooseColumns(names),
    });
    fillSaveMenu(() => this.#kept());
    takeFiles((name, loaded) => this.#openFile(name, loaded));
    placeMenu("columns", "show-columns");
    placeMenu("files", "show-files");
    useKeys({
      "/": () => this.#filterInput.select(),
      b: () => this.#editor.focus(),
      t: () => byId("grid").focus(),
      p: () => this.#togglePause(),
      g: () => this.#table.follow(),
      Escape: () => this.#closeDetail(),
    });
  }

  // The stream

  /**
   * @param {Message} message
   * @param {string} text
   */
  #take(message, text) {
    const nowMs = Date.now();
    const { exchange } = message;
    this.#log.add(message, text, nowMs);
    this.#rates.count(exchange, nowMs);
    if (this.#exchangesSeen.size < EXCHANGES_REMEMBERED) this.#exchangesSeen.add(exchange);
    this.#table.drawSoon();
  }

  /**
   * Listens to what the editor has; what is wrong in form is found before the stream is touched.
   * @param {Binding[]} bindings
   */
  async #apply(bindings) {
    const attempt = ++this.#applied;
    this.#editor.clearFaults();
    if (!bindings.length) return this.#editor.setFault("Name an exchange to listen to.");
    const url = new URL("events/v1/bindings", document.baseURI);
    const fault = await formFault(bindings, url.href);
    if (attempt !== this.#applied) return;
    if (fault) this.#refused(fault);
    else this.#listenTo(bindings);
  }

  /** @param {Binding[]} bindings */
  #listenTo(bindings) {
    const isSame = JSON.stringify(bindings) === JSON.stringify(this.#view.bindings);
    this.#remember({ bindings, running: true }, !isSame);
    this.#editor.show(bindings);
    this.#run();
  }

  #run() {
    this.#offline.close();
    this.#editor.setRunning(true);
    this.#live.listenTo(this.#view.bindings);
    this.#tellEmpty();
  }

  #stop() {
    this.#live.stop();
    this.#editor.setRunning(false);
    this.#remember({ running: false });
    this.#status.show("stopped");
    this.#tellEmpty();
  }

  /** @param {string} message */
  #refused(message) {
    this.#editor.setFault(message);
    if (this.#live.isRunning) return;
    this.#editor.setRunning(false);
    this.#status.show("refused", message);
    this.#tellEmpty();
  }

  /** @param {State} state */
  #tellState({ phase, reason, retryAt }) {
    if (phase !== "closed") this.#status.show(phase, reason, retryAt);
  }

  // The view

  /**
   * Shows what the URL says.
   * @param {View} view
   */
  #show(view) {
    const columns = view.columns.length ? view.columns : USUAL_COLUMNS;
    const isSame = JSON.stringify(view.bindings) === JSON.stringify(this.#view.bindings);
    this.#view = { ...view, columns };
    this.#filterInput.value = view.filter;
    this.#log.filter = parseFilter(view.filter);
    this.#table.useColumns(columns);
    if (!isSame || !view.bindings.length) this.#editor.show(view.bindings);
    this.#snippets.show(view.bindings);
    const runs = view.running && view.bindings.length > 0;
    if (!runs) this.#stop();
    else if (!isSame || !this.#live.isRunning) this.#run();
    this.#remember({});
    if (view.faults.length) this.#editor.setFault(`In the URL: ${view.faults.join("; ")}`);
  }

  /**
   * Changes the view, and the URL with it.
   * @param {Partial<View>} change
   * @param {boolean} [isStep] whether the browser's button leads back to what was before
   */
  #remember(change, isStep = false) {
    this.#view = { ...this.#view, ...change };
    const { bindings, columns } = this.#view;
    const isUsual = columns.join() === USUAL_COLUMNS.join();
    const hash = writeView({
      ...this.#view,
      columns: isUsual ? [] : columns,
      running: this.#view.running || !bindings.length,
    });
    if (change.bindings) this.#snippets.show(bindings);
    if (hash === (location.hash || "#")) return;
    if (isStep) history.pushState(null, "", hash);
    else history.replaceState(null, "", hash);
  }

  /** @param {string[]} columns */
  #chooseColumns(columns) {
    this.#remember({ columns });
    this.#table.useColumns(columns);
  }

  /** @param {string} term */
  #addTerm(term) {
    const words = this.#filterInput.value.trim();
    if (!` ${words} `.includes(` ${term} `)) this.#filterInput.value = `${words} ${term}`.trim();
    this.#filterTyped();
  }

  #filterTyped() {
    clearTimeout(this.#filterTimer);
    const filter = this.#filterInput.value.trim();
    this.#remember({ filter });
    this.#log.filter = parseFilter(filter);
    this.#table.follow();
    this.#tellEmpty();
  }

  /** @param {KeyboardEvent} event */
  #filterKey(event) {
    if (event.key === "Enter") {
      this.#filterTyped();
      byId("grid").focus();
    } else if (event.key === "Escape") {
      if (this.#filterInput.value === "") byId("grid").focus();
      this.#filterInput.value = "";
      this.#filterTyped();
    } else return;
    event.preventDefault();
  }

  // The table

  #togglePause() {
    this.#table.paused = !this.#table.paused;
    this.#table.draw();
  }

  #clear() {
    this.#log.clear();
    this.#rates.clear();
    this.#closeDetail();
    this.#table.follow();
    this.#tick();
  }

  #closeDetail() {
    this.#detail.close();
    this.#table.follow();
  }

  /** @param {string} name @param {import("./files.js").Loaded} loaded */
  #openFile(name, { entries, faults }) {
    this.#live.stop();
    this.#editor.setRunning(false);
    this.#detail.close();
    const log = this.#newLog();
    log.filter = parseFilter(this.#view.filter);
    log.load(entries);
    this.#log = log;
    this.#table.useLog(log);
    this.#status.show("file", name);
    this.#offline.open(name, entries.length, faults);
    this.#tellEmpty();
  }

  #leaveFile() {
    this.#detail.close();
    this.#log = this.#newLog();
    this.#log.filter = parseFilter(this.#view.filter);
    this.#table.useLog(this.#log);
    if (this.#view.bindings.length) this.#listenTo(this.#view.bindings);
    else this.#stop();
  }

  #kept() {
    const { visible } = this.#log;
    const shown = Array.from({ length: visible.length }, (_, i) => visible.at(i)).reverse();
    return { all: this.#log.all(), shown };
  }

  // What is told

  #tick() {
    const nowMs = Date.now();
    this.#status.tick(nowMs);
    this.#status.count(this.#log.received);
    if (document.hidden) return;
    this.#chart.draw(nowMs);
    this.#table.draw();
  }

  #tellCounts() {
    const { received, kept, held, paused, visible, filter } = this.#log;
    const count = (/** @type {number} */ number) => number.toLocaleString("en");
    say(byId("counts"), `${count(received)} received${received > kept ? `, ${count(kept)} kept` : ""}`);
    say(byId("filter-count"), filter.isEmpty ? "" : `${count(visible.length)} of ${count(kept - held)}`);
    const button = byId("pause");
    set(button, { "aria-pressed": this.#table.paused });
    say(button, this.#table.paused && paused ? `Resume · ${count(held)} held` : "Pause");
    byId("empty").hidden = visible.length > 0;
  }

  #tellEmpty() {
    emptyPage({
      catalogue: this.#catalogue,
      isRunning: this.#live.isRunning,
      isFiltered: this.#view.filter !== "",
      onTry: (bindings) => this.#listenTo(bindings),
    });
  }

  #fieldNames() {
    const exchanges = [...this.#view.bindings.map(({ exchange }) => exchange), ...this.#exchangesSeen];
    const words = exchanges.flatMap((exchange) => this.#catalogue.find(exchange)?.words ?? []);
    return [...new Set(words.map(({ name }) => name))];
  }

  /**
   * @param {string} exchange
   * @param {string} field
   */
  #valuesSeen(exchange, field) {
    const seen = new Set();
    for (const { message, fields } of this.#log.all().reverse()) {
      if (message.exchange !== exchange) continue;
      const value = fields?.find(({ name }) => name === field)?.value;
      if (value) seen.add(value);
      if (seen.size >= SEEN_LIMIT) break;
    }
    return [...seen].sort();
  }
}
