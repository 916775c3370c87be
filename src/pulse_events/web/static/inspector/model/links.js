// @ts-check
/** Where Taskcluster's own pages show what a message is about, and what else there is to hear of it. */
import { ABSENT } from "./catalogue.js";

/** @import { Binding, Message } from "../types.d.ts" */
/** @import { Catalogue } from "./catalogue.js" */

const QUEUE = "exchange/taskcluster-queue/";

/**
 * @param {Message} message
 * @param {Catalogue} catalogue
 * @returns {Record<string, string>} the words of its key, without those that are not set
 */
export function namedWords({ exchange, routingKey }, catalogue) {
  if (!catalogue.find(exchange)) return {};
  const words = catalogue.splitKey(exchange, routingKey);
  return Object.fromEntries(words.filter(({ value }) => value !== ABSENT).map(({ name, value }) => [name, value]));
}

/**
 * @param {Message} message
 * @param {Catalogue} catalogue
 * @returns {{ label: string, href: string }[]} none if the deployment is not known
 */
export function linksOf(message, catalogue) {
  const { rootUrl } = catalogue;
  if (!/^https?:\/\//.test(rootUrl)) return [];
  const { taskId, taskGroupId, provisionerId, workerType } = namedWords(message, catalogue);
  const links = [];
  const part = encodeURIComponent;
  if (taskId) links.push({ label: "Task", href: `${rootUrl}/tasks/${part(taskId)}` });
  if (taskGroupId) links.push({ label: "Task group", href: `${rootUrl}/tasks/groups/${part(taskGroupId)}` });
  if (provisionerId && workerType) {
    const pool = part(`${provisionerId}/${workerType}`);
    links.push({ label: "Worker pool", href: `${rootUrl}/worker-manager/${pool}` });
  }
  return links;
}

/**
 * @param {string} name of a word
 * @param {string} value
 * @param {Catalogue} catalogue
 * @returns {Binding[]} all that is published with this value in its routing key
 */
export function bindingsFor(name, value, catalogue) {
  return catalogue.exchanges.flatMap(({ exchange, words }) => {
    const at = words.findIndex((word) => word.name === name);
    if (at < 0 || !exchange.startsWith(QUEUE)) return [];
    const before = words.slice(0, at).map(({ constant }) => constant ?? "*");
    const rest = at < words.length - 1 ? ["#"] : [];
    return [{ exchange, routingKeyPattern: [...before, value, ...rest].join(".") }];
  });
}
