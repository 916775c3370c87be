// @ts-check
/**
 * Downloads: what the page keeps as text, and back.
 *
 * JSON lines hold each message byte for byte as the server sent it, plus when it came; CSV is for
 * spreadsheets, and holds the payload's own text.
 */
import { csvLine, csvRows } from "./csv.js";
import { gapArrival } from "./loss.js";
import { saidBy } from "./published.js";
import { compact, elementsOf, memberTexts, payloadText } from "./rawjson.js";

/** @import { Gap, Message } from "../pulse-events.d.ts" */
/** @import { Arrival } from "./log.js" */
/** @typedef {{ line: number, message: string }} Fault */
/** @typedef {{ entries: Arrival[], faults: Fault[] }} Loaded */

const COLUMNS = ["receivedAt", "exchange", "routingKey", "cc", "redelivered", "payload", "remark"];
const REMARKS = ["payloadEncoding", "omitted"];
/** So many characters are written in some 20 ms. */
const PIECE = 1_000_000;

/**
 * @param {Arrival[]} entries
 * @param {(entries: Arrival[]) => string} write one of those below
 * @returns {Generator<string>} the same text in pieces: a page that writes 30 MB at once stands still
 */
export function* inPieces(entries, write) {
  const head = write([]);
  yield head;
  let from = 0;
  let size = 0;
  for (let i = 0; i < entries.length; i += 1) {
    size += entries[i].text.length;
    if (size < PIECE && i < entries.length - 1) continue;
    yield write(entries.slice(from, i + 1)).slice(head.length);
    from = i + 1;
    size = 0;
  }
}

/**
 * @param {Arrival[]} entries
 * @returns {string}
 */
export function toJsonLines(entries) {
  return entries.map((entry) => jsonLine(entry) + "\n").join("");
}

/** @param {Arrival} entry */
function jsonLine({ kind, atMs, text, gap }) {
  const json = kind === "gap" ? JSON.stringify({ gap }) : text;
  const time = isoTime(atMs);
  return time ? `${json.slice(0, -1)},"receivedAt":"${time}"}` : json;
}

/**
 * @param {Arrival[]} entries
 * @returns {string}
 */
export function toCsv(entries) {
  return csvLine(COLUMNS) + entries.map((entry) => csvLine(cellsOf(entry))).join("");
}

/** @param {Arrival} entry */
function cellsOf({ kind, atMs, message, text, gap }) {
  if (kind === "gap") return [isoTime(atMs), "", "", "", "", "", JSON.stringify({ gap })];
  const { exchange, routingKey, cc, redelivered } = message;
  const keys = cc.length ? JSON.stringify(cc) : "";
  const remark = JSON.stringify(message, REMARKS);
  return [
    isoTime(atMs),
    exchange,
    routingKey,
    keys,
    String(redelivered),
    payloadText(text),
    remark === "{}" ? "" : remark,
  ];
}

/**
 * @param {string} text also what `pulse-events listen` prints
 * @returns {Loaded}
 */
export function fromJsonLines(text) {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const numbered = lines.map((line, i) => ({ line: i + 1, text: line.trim() }));
  return read(
    numbered.filter(({ text }) => text),
    ({ text }) => fromJsonLine(text),
  );
}

/**
 * @param {string} text a JSON array of messages, as Taskcluster's page saves it
 * @returns {Loaded}
 */
function fromJsonArray(text) {
  try {
    JSON.parse(text);
  } catch (error) {
    return { entries: [], faults: [{ line: 1, message: `no JSON: ${faultOf(error)}` }] };
  }
  return read(elementsOf(text), ({ text: element }) => fromJsonLine(compact(element)));
}

/**
 * @param {string} name of the file
 * @param {string} text
 * @returns {Loaded} nothing but faults if it is no file of messages
 */
export function fromFile(name, text) {
  const start = /\S/.exec(text.replace(/^\uFEFF/, ""))?.[0];
  if (!start) return { entries: [], faults: [{ line: 1, message: "the file is empty" }] };
  const isCsv = /\.csv$/i.test(name) || /^\uFEFF?receivedAt,/.test(text);
  if (isCsv) return fromCsv(text);
  if (start === "[") return fromJsonArray(text.replace(/^\uFEFF/, ""));
  const loaded = fromJsonLines(text);
  // One message over many lines.
  const one = start === "{" && !loaded.entries.length ? fromJsonArray(`[${text}]`) : loaded;
  return one.entries.length ? one : loaded;
}

/**
 * @param {string} text
 * @returns {Loaded}
 */
export function fromCsv(text) {
  const rows = [];
  const faults = [];
  try {
    for (const row of csvRows(text)) rows.push(row);
  } catch (error) {
    faults.push({ line: 0, message: faultOf(error) });
  }
  const [head, ...body] = rows;
  if (!head || COLUMNS.some((name) => name !== "remark" && !head.cells.includes(name))) {
    const message = `the first line must name the columns ${COLUMNS.join(", ")}`;
    return { entries: [], faults: [...faults, { line: 1, message }] };
  }
  const loaded = read(body, ({ cells }) => fromCells(head.cells, cells));
  return { entries: loaded.entries, faults: [...loaded.faults, ...faults] };
}

/**
 * @template {{ line: number }} Row
 * @param {Iterable<Row>} rows
 * @param {(row: Row) => Arrival} arrivalOf throws what is wrong with the row
 * @returns {Loaded}
 */
function read(rows, arrivalOf) {
  /** @type {Loaded} */
  const loaded = { entries: [], faults: [] };
  for (const row of rows) {
    try {
      loaded.entries.push(arrivalOf(row));
    } catch (error) {
      loaded.faults.push({ line: row.line, message: faultOf(error) });
    }
  }
  return loaded;
}

/** @param {unknown} error */
const faultOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * @param {string} line
 * @returns {Arrival}
 */
function fromJsonLine(line) {
  const value = JSON.parse(line);
  const atMs = Date.parse(value?.receivedAt);
  if (value?.gap) return gapArrival(checkedGap(value.gap), atMs);
  return messageArrival(checked(value), asSent(line), atMs);
}

/**
 * @param {string} line
 * @returns {string} without what a download adds
 */
function asSent(line) {
  const members = memberTexts(line);
  members.delete("receivedAt");
  return `{${[...members].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;
}

/**
 * @param {string[]} names
 * @param {string[]} cells
 * @returns {Arrival}
 */
function fromCells(names, cells) {
  /** @param {string} name */
  const cell = (name) => cells[names.indexOf(name)] ?? "";
  const atMs = Date.parse(cell("receivedAt"));
  const remark = parsed("remark", cell("remark") || "{}");
  if (remark?.gap) return gapArrival(checkedGap(remark.gap), atMs);
  const text = messageText(cell, remark);
  return messageArrival(checked(JSON.parse(text)), text, atMs);
}

/**
 * @param {Message} message
 * @param {string} text
 * @param {number} atMs
 * @returns {Arrival}
 */
function messageArrival(message, text, atMs) {
  const publishedMs = saidBy(message);
  const said = Number.isNaN(publishedMs) ? {} : { publishedMs };
  return { kind: "message", atMs, message, text, gap: null, isPast: false, ...said };
}

/**
 * @param {(name: string) => string} cell
 * @param {Record<string, unknown>} remark
 */
function messageText(cell, remark) {
  parsed("payload", cell("payload")); // else it could say more than a payload
  const keys = strings(parsed("cc", cell("cc") || "[]"));
  const rest = JSON.stringify({
    exchange: cell("exchange"),
    routingKey: cell("routingKey"),
    redelivered: cell("redelivered").toLowerCase() === "true", // spreadsheets write TRUE
    routes: keys.filter((key) => key.startsWith("route.")).map((key) => key.slice(6)),
    cc: keys,
    ...JSON.parse(JSON.stringify(remark, REMARKS)),
  });
  return `{"payload":${cell("payload")},${rest.slice(1)}`;
}

/**
 * @param {string} column
 * @param {string} text
 * @returns {any}
 */
function parsed(column, text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`${column} is not JSON: ${faultOf(error)}`);
  }
}

/**
 * @param {any} value
 * @returns {Message}
 */
function checked(value) {
  if (typeof value?.exchange !== "string" || typeof value.routingKey !== "string") {
    throw new TypeError("this is no message: it has no exchange or no routingKey");
  }
  const { receivedAt, ...message } = { payload: null, redelivered: false, ...value };
  return { ...message, routes: strings(value.routes), cc: strings(value.cc) };
}

/**
 * @param {any} value
 * @returns {Gap}
 */
function checkedGap({ reason = "", from = "", to = "" }) {
  return { reason: String(reason), from: from === null ? null : String(from), to: String(to) };
}

/** @param {unknown} value */
const strings = (value) => (Array.isArray(value) ? value.map(String) : []);

/** @param {number} atMs */
const isoTime = (atMs) => (Number.isNaN(atMs) ? "" : new Date(atMs).toISOString());
