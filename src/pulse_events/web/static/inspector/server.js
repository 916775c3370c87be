// @ts-check
/**
 * What the page is connected to: the server's version, its broker, what it holds of the past, and
 * whether its messages are made up.
 */
import { byId, say } from "./dom.js";
import { durationOf, sizeOf } from "./times.js";

/**
 * What `/events/v1/config` says; an older server says less.
 * @typedef {object} Config
 * @property {number} [pingInterval] in seconds
 * @property {string} [history]
 * @property {number} [historyAge] in seconds
 * @property {number} [historyBytes]
 * @property {string} [broker]
 * @property {boolean} [demo]
 * @property {string} [version]
 * @property {string} [server]
 * @property {string} [time]
 */

/** @param {Config} config */
export function tellServer(config) {
  byId("demo").hidden = !config.demo;
  say(byId("server"), describe(config));
}

/**
 * @param {Config} config
 * @returns {string} in words; empty if nothing is known
 */
export function describe({ server, version, broker, demo, ...history }) {
  if (!broker) return "";
  const source = demo ? "a demo: its messages are made up" : `broker ${broker}`;
  return [`${server} ${version}`, source, historyWords(history)].filter(Boolean).join(" · ");
}

/** @param {Pick<Config, "history" | "historyAge" | "historyBytes">} config */
function historyWords({ history, historyAge = 0, historyBytes = 0 }) {
  if (history === "off") return "keeps no history";
  const where = history === "amqp" ? "a log at the broker" : "history";
  return `${where}: ${durationOf(historyAge * 1000)}, at most ${sizeOf(historyBytes)}`;
}
