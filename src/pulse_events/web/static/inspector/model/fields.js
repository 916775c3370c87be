// @ts-check
/**
 * The fields of a message by name, for columns and filters.
 *
 * A name is one of the message's own ("exchange"), a word of its routing key ("taskId"), or a path into
 * its payload ("payload.status.state", "payload.runs.0.state"; a dot in a key is written "\.").
 */
import { ABSENT, shortName } from "./catalogue.js";

/** @import { Message, MessageEntry } from "../types.d.ts" */
/** @import { Catalogue } from "./catalogue.js" */
/** @typedef {(message: Message, catalogue: Catalogue) => unknown} Read */

const PAYLOAD = "payload";

/** @type {Record<string, Read>} */
const OWN = {
  exchange: ({ exchange }) => exchange,
  event: ({ exchange }) => shortName(exchange),
  routingKey: ({ routingKey }) => routingKey,
  routes: ({ routes }) => (routes ?? []).join(" "),
  cc: ({ cc }) => (cc ?? []).join(" "),
  redelivered: ({ redelivered }) => redelivered,
  pool: (message, catalogue) => poolOf(message, catalogue),
};

/**
 * @param {Message} message
 * @param {Catalogue} catalogue
 */
function poolOf({ exchange, routingKey, payload }, catalogue) {
  const words = new Map(catalogue.splitKey(exchange, routingKey).map(({ name, value }) => [name, value]));
  const [provisioner, type] = [words.get("provisionerId"), words.get("workerType")];
  if (provisioner && type && type !== ABSENT) return `${provisioner}/${type}`;
  return payload?.workerPoolId ?? payload?.status?.taskQueueId;
}

/** Fields that every message has. */
export const OWN_FIELDS = Object.keys(OWN);

/** @param {readonly (string | number)[]} steps */
export const pathOf = (steps) =>
  steps.map((step) => String(step).replace(/[\\.]/g, "\\$&")).join(".");

/** @param {string} path */
export function stepsOf(path) {
  return (path.match(/(?:\\[^]|[^\\.])+/g) ?? []).map((step) => step.replace(/\\([^])/g, "$1"));
}

/**
 * @param {unknown} value
 * @param {readonly string[]} steps
 */
function walk(value, steps) {
  let at = value;
  for (const step of steps) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined;
    at = /** @type {Record<string, unknown>} */ (at)[step];
  }
  return at;
}

/** @param {unknown} value */
function show(value) {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * @param {string} field
 * @param {Catalogue} catalogue
 * @returns {(message: Message) => string} empty where the message has no such field
 */
export function reader(field, catalogue) {
  const own = Object.hasOwn(OWN, field) ? OWN[field] : null;
  if (own) return (message) => show(own(message, catalogue));
  const [first, ...steps] = stepsOf(field);
  if (first === PAYLOAD) return (message) => show(walk(message.payload, steps));
  return ({ exchange, routingKey }) => {
    const word = catalogue.splitKey(exchange, routingKey).find(({ name }) => name === field);
    return !word || word.value === ABSENT ? "" : word.value;
  };
}

/**
 * @param {Iterable<MessageEntry>} entries a sample
 * @param {Catalogue} catalogue
 * @returns {string[]} names of the fields that they have, for completion
 */
export function knownFields(entries, catalogue) {
  const found = new Set(OWN_FIELDS);
  for (const { message } of entries) {
    for (const { name } of catalogue.splitKey(message.exchange, message.routingKey)) found.add(name);
    addPaths(message.payload, [PAYLOAD], found);
  }
  return [...found];
}

const DEEPEST = 6;
const WIDEST = 40;

/**
 * @param {unknown} value
 * @param {string[]} steps
 * @param {Set<string>} found
 */
function addPaths(value, steps, found) {
  if (typeof value !== "object" || value === null) {
    found.add(pathOf(steps));
  } else if (steps.length < DEEPEST) {
    for (const [key, inner] of Object.entries(value).slice(0, WIDEST)) addPaths(inner, [...steps, key], found);
  }
}
