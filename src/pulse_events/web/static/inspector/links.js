// @ts-check
/**
 * What a message is about in Taskcluster: ids of task, run and group, and where to see them.
 */

/** @import { Binding, Message } from "../pulse-events.d.ts" */
/** @import { Catalogue, Field } from "./catalogue.js" */
/** @typedef {{ taskId?: string, runId?: string, taskGroupId?: string }} Ids */
/** @typedef {{ label: string, href: string }} Link */

const SLUG_ID = /^[A-Za-z0-9_-]{22}$/;
const RUN_ID = /^\d{1,3}$/;

/**
 * @param {Message} message
 * @param {Field[] | null} fields of its routing key
 * @returns {Ids} only well-formed ones: they become part of links
 */
export function idsOf(message, fields) {
  const payload = objectOf(message.payload);
  const status = objectOf(payload.status);
  /** @param {string} name */
  const word = (name) => fields?.find((field) => field.name === name)?.value;
  return {
    ...wellFormed("taskId", SLUG_ID, [word("taskId"), status.taskId, payload.taskId]),
    ...wellFormed("runId", RUN_ID, [word("runId"), payload.runId]),
    ...wellFormed("taskGroupId", SLUG_ID, [
      word("taskGroupId"),
      status.taskGroupId,
      payload.taskGroupId,
    ]),
  };
}

/**
 * @param {Ids} ids
 * @param {string | null} rootUrl of the deployment
 * @returns {Link[]} empty if it is not known where to look
 */
export function linksOf({ taskId, runId, taskGroupId }, rootUrl) {
  const root = httpRoot(rootUrl);
  if (!root) return [];
  const links = [];
  if (taskId) links.push({ label: "task", href: `${root}/tasks/${taskId}` });
  if (taskId && runId) {
    links.push({ label: `run ${runId}`, href: `${root}/tasks/${taskId}/runs/${runId}` });
  }
  if (taskGroupId) links.push({ label: "group", href: `${root}/tasks/groups/${taskGroupId}` });
  return links;
}

/**
 * @param {string} taskId
 * @param {Catalogue} catalogue
 * @returns {Binding[]} all that the queue says of one task
 */
export function bindingsOfTask(taskId, catalogue) {
  return catalogue
    .all()
    .filter(({ service, words }) => service === "queue" && words.some(isTaskId))
    .map(({ exchange }) => ({
      exchange,
      routingKeyPattern: catalogue.patternOf(exchange, { taskId }),
    }));
}

/** @param {{ name: string }} word */
const isTaskId = ({ name }) => name === "taskId";

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>} empty if it is something else
 */
function objectOf(value) {
  return value && typeof value === "object" ? /** @type {Record<string, unknown>} */ (value) : {};
}

/**
 * @param {string} name
 * @param {RegExp} form
 * @param {unknown[]} candidates the first well-formed one counts
 * @returns {Record<string, string>}
 */
function wellFormed(name, form, candidates) {
  const found = candidates
    .map((value) => (typeof value === "number" ? String(value) : value))
    .find((value) => typeof value === "string" && form.test(value));
  return found === undefined ? {} : { [name]: /** @type {string} */ (found) };
}

/** @param {string | null} rootUrl */
function httpRoot(rootUrl) {
  return rootUrl && /^https?:\/\//.test(rootUrl) ? rootUrl.replace(/\/+$/, "") : null;
}
