// @ts-check
/**
 * What has come, and how: the stream of the bindings, or a file instead of it.
 */

import { Backlog } from "./backlog.js";
import { parseFilter } from "./filter.js";
import { Live } from "./live.js";
import { Log } from "./log.js";
import { Once } from "./once.js";
import { Outage } from "./outage.js";
import { saidBy } from "./published.js";
import { Rates } from "./rates.js";

/** @import { Binding, Message, State } from "../pulse-events.d.ts" */
/** @import { Catalogue } from "./catalogue.js" */
/** @import { Source } from "./live.js" */
/** @import { Opening } from "./opening.js" */
/** @import { Kept } from "./files-menu.js" */
/** @import { Arrival } from "./log.js" */
/** @import { Place } from "./start.js" */
/** @import { Lag } from "./lag.js" */
/** @import { ServerClock } from "./server-clock.js" */
/** @import { Status } from "./status.js" */
/**
 * The server that messages come from: how to listen to it, and what its clock and pings tell.
 * @typedef {{ source: Source, opening: Opening, lag: Lag, clock: ServerClock }} Origin
 */
/**
 * @typedef {object} Events
 * @property {() => void} onEntry
 * @property {(exchange: string) => void} onExchange a message of it is in the log
 * @property {(log: Log) => void} onLog another log is the one to show
 * @property {(isRunning: boolean) => void} onRunning
 * @property {() => void} onReady
 * @property {(bindings: readonly Binding[]) => void} onTaken these are in force, or waited for
 * @property {(message: string) => void} onRefused
 */

const EXCHANGES_REMEMBERED = 200;
const VALUES_SEEN = 50;

export class Feed {
  rates = new Rates();
  /** @type {Set<string>} */
  exchangesSeen = new Set();
  /**
   * Since when nobody listens, and why; without a history messages may be missing when somebody
   * does again.
   * @type {{ sinceMs: number, reason: string } | null}
   */
  #away = null;
  #filterText = "";
  /** The bindings of what comes, as JSON. */
  #taken = "";
  /** The newest entry that came for bindings before these. */
  #othersId = 0;
  /** The newest entry that was saved. */
  #savedId = 0;
  /** Whether a stream that opens has yet to say from where on it brings messages. */
  #isReadyDue = false;
  /** Whether it has opened. */
  #isOpening = false;
  #once = new Once();
  #backlog = new Backlog(() => this.#isLive());
  #outage = new Outage();
  #catalogue;
  #lag;
  #clock;
  #status;
  #on;
  #live;
  #liveLog;

  /**
   * @param {Catalogue} catalogue
   * @param {Status} status
   * @param {Origin} origin
   * @param {Events} events
   */
  constructor(catalogue, status, { source, opening, lag, clock }, events) {
    this.#catalogue = catalogue;
    this.#lag = lag;
    this.#clock = clock;
    this.#status = status;
    this.#on = events;
    void clock.known.then((aheadMs) => this.#liveLog.shift(-aheadMs));
    this.#liveLog = this.log = this.#newLog();
    this.#live = new Live(source, opening, {
      onMessage: (message, text, cursor) => this.#once.take(cursor) && this.#take(message, text),
      onGap: (gap) => {
        this.#liveLog.gap(gap, Date.now());
        events.onEntry();
      },
      onState: (state) => this.#tell(state),
      onReady: (isPast) => this.#ready(isPast),
      onPing: (ping) => {
        this.#lag.ping(ping);
        this.#backlog.end();
        this.#outage.ping(Date.now());
      },
      onStatus: (broker) => {
        this.#outage.tell(broker, Date.now());
        this.#status.tellBroker(broker);
      },
      onTaken: (bindings) => {
        this.#status.tellAsked(false);
        this.#noteBindings(bindings);
        events.onTaken(bindings);
      },
      onRefused: ({ message }) => this.#refused(message),
    });
  }

  get isRunning() {
    return this.#live.isRunning;
  }

  /** How far it is behind at least, in milliseconds; 0 if that is little, or it catches up. */
  get lagMs() {
    return this.#backlog.isOpen ? 0 : this.#lag.ms;
  }

  /** What is listened to. */
  get bindings() {
    return this.#live.bindings;
  }

  /** Whether `exchangesSeen` has all from which something came. */
  get hasAllSeen() {
    return this.exchangesSeen.size < EXCHANGES_REMEMBERED;
  }

  get isFile() {
    return this.log !== this.#liveLog;
  }

  /**
   * Goes on, or begins.
   * @param {readonly Binding[]} bindings
   * @param {Place} start
   */
  listenTo(bindings, start) {
    const wasRunning = this.isRunning;
    if (!wasRunning) {
      this.#isReadyDue = true;
      this.#status.show("connecting"); // the worker says so a moment later; it is true now
    }
    this.#status.tellAsked(this.isRunning);
    this.#live.listenTo(bindings, start);
    // What waited for the page: it came earlier than now, and may have been a refusal.
    if (!wasRunning && !this.#isReadyDue) this.#lag.begin();
    this.#on.onRunning(this.isRunning);
  }

  /**
   * Begins anew, with an empty log.
   * @param {readonly Binding[]} bindings
   * @param {Place} start
   */
  beginAt(bindings, start) {
    this.showLive();
    this.#backlog.stop();
    this.#live.forget();
    this.#once.clear();
    this.clear();
    this.log.begin(); // what is before another beginning would not fit in
    this.listenTo(bindings, start);
  }

  /**
   * @param {string} [reason] why messages may be missing when it goes on
   * @param {"stopped" | "idle"} [phase] `idle`: there is nothing to listen to
   */
  stop(reason = "it was stopped here", phase = "stopped") {
    const wasRunning = this.isRunning;
    this.#lag.stop();
    this.#backlog.stop();
    this.#live.stop();
    this.#status.tellAsked(false);
    if (wasRunning && !this.#live.goesOn) this.#away = { sinceMs: Date.now(), reason };
    this.#on.onRunning(false);
    if (!this.isFile) this.#status.show(phase);
  }

  /**
   * @param {string} name
   * @param {Arrival[]} arrivals
   */
  showFile(name, arrivals) {
    this.stop("a file was looked at");
    const log = this.#newLog();
    log.load(arrivals);
    for (const { message } of arrivals) this.#see(message.exchange);
    this.#use(log);
    this.#status.show("file", name);
  }

  /** Shows again what came before the file. */
  leaveFile() {
    this.showLive();
    this.#status.show("stopped");
  }

  showLive() {
    if (this.isFile) this.#use(this.#liveLog);
  }

  /** @param {string} text */
  filter(text) {
    if (text === this.#filterText) return;
    this.#filterText = text;
    this.log.filter = parseFilter(text);
  }

  clear() {
    this.log.clear();
    if (this.isFile) return;
    this.#away = null;
    this.rates.clear();
    this.rates.begin(Date.now());
  }

  /** @returns {Set<string>} the exchanges that rows or rates are of */
  exchangesKept() {
    const kept = new Set(this.rates.exchanges);
    for (const { message } of this.log.newest()) kept.add(message.exchange);
    return kept;
  }

  /** Messages of the stream that were not saved. */
  get unsaved() {
    return this.#liveLog.after(this.#savedId);
  }

  /** Whether some of these came for bindings before those of now. */
  get hasOthers() {
    return this.unsaved.oldestId <= this.#othersId;
  }

  /** @returns {Kept} what there is to save */
  kept() {
    const { log, isFile } = this;
    const all = log.all();
    const matching = log.filter.isEmpty ? null : log.allMatching();
    const onSaved = () => {
      if (!isFile) this.#savedId = all.at(-1)?.id ?? this.#savedId;
    };
    return { all, matching, onSaved };
  }

  /**
   * @param {string} exchange
   * @param {string} field
   * @returns {string[]} what a named word of its routing keys was lately
   */
  valuesSeen(exchange, field) {
    /** @type {Set<string>} */
    const seen = new Set();
    for (const { message, fields } of this.log.newest()) {
      if (message.exchange !== exchange) continue;
      const value = fields?.find(({ name }) => name === field)?.value;
      if (value) seen.add(value);
      if (seen.size >= VALUES_SEEN) break;
    }
    return [...seen].sort();
  }

  /**
   * @param {readonly Binding[]} bindings
   * @returns {string[]} the named words that keys of their exchanges, and of those seen, have
   */
  fieldNames(bindings) {
    const bound = bindings.map(({ exchange }) => exchange);
    const words = [...bound, ...this.exchangesSeen].flatMap(
      (exchange) => this.#catalogue.find(exchange)?.words ?? [],
    );
    return [...new Set(words.map(({ name }) => name))];
  }

  #newLog() {
    return new Log({ fields: (exchange, key) => this.#catalogue.fieldsOf(exchange, key) });
  }

  /** @param {Log} log */
  #use(log) {
    this.log = log;
    log.filter = parseFilter(this.#filterText);
    this.#on.onLog(log);
  }

  /**
   * @param {Message} message
   * @param {string} text
   */
  #take(message, text) {
    const nowMs = Date.now();
    const { exchange } = message;
    const isPast = this.#backlog.isOpen;
    const publishedMs = saidBy(message) - this.#clock.aheadMs;
    const isOfPast = isPast || this.#outage.hasWaited;
    this.#liveLog.add(message, text, nowMs, isOfPast, { lateMs: this.lagMs, publishedMs });
    if (!isPast) this.rates.count(exchange, nowMs);
    this.#see(exchange);
    this.#on.onEntry();
  }

  /** @param {readonly Binding[]} bindings */
  #noteBindings(bindings) {
    const taken = JSON.stringify(bindings);
    if (taken !== this.#taken) this.#othersId = this.#liveLog.lastId;
    this.#taken = taken;
  }

  /** @param {string} exchange */
  #see(exchange) {
    this.#on.onExchange(exchange);
    const hasRoom = this.exchangesSeen.size < EXCHANGES_REMEMBERED;
    if (exchange && hasRoom) this.exchangesSeen.add(exchange);
  }

  /** @param {boolean} isPast */
  #ready(isPast) {
    const away = this.#away;
    this.#away = null;
    if (away && this.#liveLog.received) {
      const [from, to] = [away.sinceMs, Date.now()].map((ms) => new Date(ms).toISOString());
      this.#liveLog.gap({ reason: away.reason, from, to }, Date.now());
      this.#on.onEntry();
    }
    if (this.#isOpening) this.#open(isPast);
    this.#on.onReady();
  }

  /** @param {boolean} isPast */
  #open(isPast) {
    this.#isReadyDue = this.#isOpening = false;
    this.#lag.begin();
    if (isPast) this.#backlog.begin();
    if (this.#backlog.isOpen) this.#status.show("behind");
    else this.#isLive();
  }

  /** What comes from now on is published now. */
  #isLive() {
    this.rates.begin(Date.now());
    this.#status.show("open");
  }

  /** @param {string} message what the server said of the bindings */
  #refused(message) {
    this.#status.tellAsked(false);
    this.#on.onRefused(message);
    if (this.isRunning) return;
    this.#on.onRunning(false);
    this.#status.show("refused", message);
  }

  /** @param {State} state */
  #tell({ phase, reason, retryAt }) {
    if (phase === "closed" || !this.isRunning) return;
    if (phase === "waiting" || phase === "paused") this.#lag.stop();
    if (phase !== "open") this.#backlog.stop();
    if (phase === "waiting" || phase === "paused") this.#isReadyDue = true;
    this.#isOpening = phase === "open" && this.#isReadyDue;
    if (!this.#isOpening) this.#status.show(phase, reason, retryAt);
  }
}
