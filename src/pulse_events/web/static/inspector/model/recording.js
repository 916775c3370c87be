// @ts-check
/**
 * Entries as a file and back: JSON lines, and CSV for spreadsheets.
 *
 * A message's line is its JSON as the server sent it plus "received" as the last key, so what reads the
 * lines of `pulse-events listen` reads these too; such lines can be loaded as well.
 */
import { formatCsv, parseCsv } from "./csv.js";

/** @import { Entry, Message, MessageEntry, NewEntry, NoteEntry } from "../types.d.ts" */
/** @typedef {{ label: string, read(entry: MessageEntry): string }} Cell */
/** @typedef {{ entries: NewEntry[], faults: string[] }} Recording */

const RECEIVED = "received";
const MESSAGE = "message";
const NOTE = "note";
const FAULTS_SHOWN = 5;

/** @param {number} ms */
const iso = (ms) => new Date(ms).toISOString();

/** @param {Entry} entry */
function lineOf(entry) {
  if (entry.kind === "message") return `${entry.text.slice(0, -1)},"${RECEIVED}":"${iso(entry.at)}"}`;
  return noteJson(entry);
}

/** @param {NoteEntry} note */
function noteJson({ at, tone, words, from, to }) {
  return JSON.stringify({ [NOTE]: { tone, words, from, to }, [RECEIVED]: iso(at) });
}

/** @param {Iterable<Entry>} entries oldest first */
export function toJsonLines(entries) {
  return [...entries].map((entry) => `${lineOf(entry)}\n`);
}

/**
 * @param {Iterable<Entry>} entries
 * @param {readonly Cell[]} cells columns to have before that with the whole message
 */
export function toCsv(entries, cells) {
  const rows = [[RECEIVED, ...cells.map(({ label }) => label), MESSAGE]];
  for (const entry of entries) {
    const shown = cells.map(({ read }) => (entry.kind === "message" ? read(entry) : ""));
    rows.push([iso(entry.at), ...shown, entry.kind === "message" ? entry.text : noteJson(entry)]);
  }
  return formatCsv(rows);
}

/**
 * @param {string} text of a file, of either kind
 * @returns {Recording} faults name the lines that could not be read
 */
export function parseRecording(text) {
  return text.trimStart().startsWith("{") ? parseJsonLines(text) : parseTable(text);
}

/** @param {string} text */
function parseJsonLines(text) {
  const lines = text.split("\n").map((line) => line.trim());
  const numbered = lines.map((line, index) => ({ line, place: `line ${index + 1}` }));
  return collect(numbered.filter(({ line }) => line).map(({ line, place }) => ({ place, json: line, at: NaN })));
}

/** @param {string} text */
function parseTable(text) {
  const [head = [], ...rows] = parseCsv(text);
  const [received, message] = [head.indexOf(RECEIVED), head.lastIndexOf(MESSAGE)];
  if (message < 0) {
    return { entries: [], faults: [`it is neither JSON lines nor a CSV file with a column “${MESSAGE}”`] };
  }
  return collect(
    rows.map((row, index) => ({
      place: `row ${index + 2}`,
      json: row[message] ?? "",
      at: Date.parse(row[received] ?? ""),
    })),
  );
}

/** @param {{ place: string, json: string, at: number }[]} parts */
function collect(parts) {
  /** @type {Recording} */
  const recording = { entries: [], faults: [] };
  let failed = 0;
  for (const { place, json, at } of parts) {
    try {
      recording.entries.push(entryOf(json, at));
    } catch (error) {
      if (failed++ < FAULTS_SHOWN) recording.faults.push(`${place}: ${/** @type {Error} */ (error).message}`);
    }
  }
  if (failed > FAULTS_SHOWN) recording.faults.push(`and ${failed - FAULTS_SHOWN} more`);
  return recording;
}

/**
 * @param {string} json
 * @param {number} at
 * @returns {NewEntry}
 */
function entryOf(json, at) {
  const { [RECEIVED]: received, [NOTE]: note, ...message } = JSON.parse(json);
  const time = Number.isNaN(at) ? Date.parse(received) || 0 : at;
  if (note) return noteOf(note, time);
  if (typeof message.exchange !== "string" || typeof message.routingKey !== "string") {
    throw new Error("it lacks 'exchange' or 'routingKey'");
  }
  const text = received === undefined ? json : withoutReceived(json, message);
  return { kind: "message", at: time, message: completed(message), text };
}

/**
 * @param {any} note
 * @param {number} at
 * @returns {NewEntry}
 */
function noteOf({ tone, words, from, to }, at) {
  return { kind: "note", at, tone: tone === "gap" ? "gap" : "change", words: String(words), from, to };
}

/**
 * @param {any} message
 * @returns {Message}
 */
const completed = (message) => ({ redelivered: false, routes: [], cc: [], payload: null, ...message });

/**
 * The text as the server sent it; of a line that another program wrote, one that says the same.
 * @param {string} json
 * @param {object} message
 */
function withoutReceived(json, message) {
  const cut = json.replace(/,"received":"[^"]*"\}$/, "}");
  return cut === json ? JSON.stringify(message) : cut;
}
