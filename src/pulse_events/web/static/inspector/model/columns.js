// @ts-check
/** The table's columns: some with a name of their own, and any field of a message. */
import { stepsOf } from "./fields.js";

/** @import { Column } from "../types.d.ts" */

/** @type {readonly Column[]} */
export const NAMED = [
  { id: "age", label: "Age", width: "4.5rem" },
  { id: "time", label: "Time", width: "7rem" },
  { id: "event", label: "Event", width: "minmax(9rem, 12rem)" },
  { id: "exchange", label: "Exchange", width: "minmax(12rem, 22rem)" },
  { id: "taskId", label: "Task", width: "13rem" },
  { id: "runId", label: "Run", width: "3rem" },
  { id: "payload.task.tags.label", label: "Label", width: "minmax(8rem, 1.4fr)" },
  { id: "pool", label: "Worker pool", width: "minmax(7rem, 1fr)" },
  { id: "workerId", label: "Worker", width: "minmax(8rem, 1fr)" },
  { id: "taskGroupId", label: "Group", width: "13rem" },
  { id: "schedulerId", label: "Scheduler", width: "minmax(7rem, 12rem)" },
  { id: "payload.status.state", label: "State", width: "6.5rem" },
  { id: "routingKey", label: "Routing key", width: "minmax(10rem, 2fr)" },
  { id: "routes", label: "Routes", width: "minmax(10rem, 2fr)" },
  { id: "size", label: "Size", width: "5rem" },
];

export const DEFAULT_COLUMNS = ["age", "event", "taskId", "payload.task.tags.label", "pool", "routingKey"];

/** Columns whose text changes as time goes by, or is not a field. */
export const COMPUTED = new Set(["age", "time", "size"]);

/**
 * @param {string} id
 * @returns {Column}
 */
export function columnOf(id) {
  const named = NAMED.find((column) => column.id === id);
  return named ?? { id, label: stepsOf(id).at(-1) ?? id, width: "minmax(7rem, 1fr)" };
}

/** @param {number} characters */
export function sizeInWords(characters) {
  if (characters < 1000) return `${characters} B`;
  if (characters < 1_000_000) return `${(characters / 1000).toFixed(1)} kB`;
  return `${(characters / 1_000_000).toFixed(1)} MB`;
}
