// @ts-check
/**
 * What is asked of the server: a stream, a token for a long list of bindings, its configuration.
 *
 * `fetch` instead of EventSource: it shows the status and the server's reason, can be aborted, and
 * says by itself where a stream is to begin.
 */
import { PulseEventsError } from "./errors.js";
import { tokenOf } from "./tokens.js";

/** @import { Token } from "./tokens.js" */
/** @import { Binding } from "../pulse-events.d.ts" */
/** @typedef {(input: string | URL, init?: RequestInit) => Promise<Response>} Fetch */
/** @typedef {{ token?: Token, fetch: Fetch, signal: AbortSignal }} Means */
/** @typedef {{ pingInterval?: number, maxBindings?: number, history?: string }} Config */
/**
 * Where a stream is to begin, if not now: behind a cursor, at a time, or at the newest messages.
 * @typedef {{ cursor?: string, since?: string, last?: number }} Place
 */

/** Proxies refuse request lines over 8 KiB by default. */
const URL_LIMIT_CHARS = 7000;
/** Client errors that are not about what was asked: time, order, rate, a token too old. */
const TRANSIENT = new Set([408, 410, 421, 425, 429]);
const CONFIG_WITHIN_MS = 10_000;
/** How long a stream waits to be opened for what the server is set to. */
const CONFIG_WAIT_MS = 1000;

/**
 * @param {string | URL} url of a server, or of its connect endpoint
 * @param {string | undefined} base that of the page, if there is one
 * @returns {URL} the connect endpoint, with the query it had
 * @throws {TypeError}
 */
export function endpointOf(url, base) {
  const endpoint = absolute(url, base);
  if (!/^https?:$/.test(endpoint.protocol)) {
    throw new TypeError(`${endpoint.href} is not an http:// or https:// URL`);
  }
  if (!/\/connect\/?$/.test(endpoint.pathname)) {
    endpoint.pathname = endpoint.pathname.replace(/\/*$/, "/events/v1/connect/");
  }
  endpoint.hash = "";
  return endpoint;
}

/**
 * @param {string | URL} url
 * @param {string | undefined} base
 */
function absolute(url, base) {
  try {
    return new URL(url, base);
  } catch {
    const given = url ? `is ${JSON.stringify(String(url))}` : "is missing";
    const wanted = "give that of a server, such as https://pulse-events.example";
    throw new TypeError(`the option url ${given}, and there is no page to go by: ${wanted}`);
  }
}

/**
 * @param {URL} endpoint
 * @param {string} name of an endpoint beside it
 */
function beside(endpoint, name) {
  const url = new URL(endpoint);
  url.pathname = url.pathname.replace(/connect\/?$/, name);
  return url;
}

/**
 * Opens a stream; this ends when its head has come.
 * @param {URL} endpoint
 * @param {readonly Binding[]} bindings
 * @param {{ place: Place | null, status?: boolean }} wish `place` is `null` for a stream without
 *   cursors; `status`: it is to tell how the broker is
 * @param {Means} means
 * @returns {Promise<ReadableStream<Uint8Array>>}
 * @throws {PulseEventsError}
 */
export async function openStream(endpoint, bindings, { place, status }, means) {
  const target = await targetOf(endpoint, JSON.stringify({ bindings }), means);
  if (place) setPlace(target.searchParams, place);
  if (status) target.searchParams.set("status", "true");
  const headers = { Accept: "text/event-stream" };
  const response = await request(target, { headers, cache: "no-store" }, means);
  if (response.body && /^text\/event-stream\b/.test(response.headers.get("content-type") ?? "")) {
    return response.body;
  }
  throw new PulseEventsError(`${target.origin} answered with something that is not a stream`, {
    permanent: true,
    status: response.status,
  });
}

/**
 * @param {URLSearchParams} query
 * @param {Place} place
 */
function setPlace(query, { cursor, since, last }) {
  query.set("resume", "true");
  // In the URL: a header Last-Event-ID would make a browser ask another origin first (CORS).
  if (cursor !== undefined) query.set("lastEventId", cursor);
  if (since !== undefined) query.set("since", since);
  if (last !== undefined) query.set("last", String(last));
}

/**
 * Who listens is told by a header, in a POST: what it answers with takes the bindings' place in the
 * stream's URL, where proxies write it to their logs, is random and good for a minute.
 * @param {URL} endpoint
 * @param {string} json
 * @param {Means} means
 */
async function targetOf(endpoint, json, means) {
  const target = new URL(endpoint);
  target.searchParams.set("errors", "http");
  target.searchParams.set("compression", "gzip"); // fetch decodes what Content-Encoding names
  target.searchParams.set("bindings", json);
  const who = await unlessAborted(means.signal, tokenOf(means.token));
  if (who === null && target.href.length <= URL_LIMIT_CHARS) return target;
  // A string as the body goes as text/plain, which needs no preflight.  (A token needs one.)
  const headers = new Headers(who === null ? {} : { Authorization: `Bearer ${who}` });
  const init = { method: "POST", body: json, headers };
  const response = await request(beside(endpoint, "bindings"), init, means);
  const { token } = (await response.json().catch(() => null)) ?? {};
  if (typeof token !== "string") {
    const message = `${target.origin} answered a list of bindings with something that is no token`;
    throw new PulseEventsError(message, { permanent: true, status: response.status });
  }
  target.searchParams.delete("bindings");
  target.searchParams.set("token", token);
  return target;
}

/**
 * Waits for what the page may never give, no longer than the attempt lasts.
 * @template T
 * @param {AbortSignal} signal
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
function unlessAborted(signal, promise) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason); // no event tells of what was before
    signal.addEventListener("abort", () => reject(signal.reason));
    promise.then(resolve, reject);
  });
}

/**
 * @param {URL} url
 * @param {RequestInit} init
 * @param {Means} means
 * @returns {Promise<Response>} an answer of status 200
 * @throws {PulseEventsError}
 */
async function request(url, init, { fetch, signal }) {
  let response;
  try {
    // Not EventSource: that hides the status and the server's words, and cannot be aborted.
    response = await fetch(url, { ...init, signal });
  } catch {
    throw new PulseEventsError(`cannot reach ${url.origin}`);
  }
  if (response.status === 200) return response; // not `ok`: a 204 would be, and has no stream
  throw await refusal(url, response);
}

/**
 * @param {URL} url
 * @param {Response} response
 */
async function refusal(url, response) {
  const { status } = response;
  const { message, code } = await response.json().catch(() => ({}));
  const seconds = Number(response.headers.get("retry-after") ?? NaN);
  return new PulseEventsError(message ?? `${url.origin} answered ${status}`, {
    permanent: status < 500 && !TRANSIENT.has(status),
    status,
    code: code ?? "",
    retryInMs: seconds >= 0 ? seconds * 1000 : null,
  });
}

/** @type {Map<string, Promise<Config>>} */
const configs = new Map();

/**
 * Asks once what the server is set to; an empty answer is one that did not come, and is not kept.
 * @param {URL} endpoint
 * @param {Fetch} fetch
 * @returns {Promise<Config>}
 */
export function configOf(endpoint, fetch) {
  const url = configUrl(endpoint);
  const asked = configs.get(url.href) ?? askConfig(url, fetch);
  configs.set(url.href, asked); // the promise: listeners that begin together ask once
  return asked;
}

/**
 * Takes what somebody has asked already.
 * @param {URL} endpoint
 * @param {Config} config
 */
export function knowConfig(endpoint, config) {
  const { href } = configUrl(endpoint);
  if (!configs.has(href)) configs.set(href, Promise.resolve(config));
}

/**
 * The same as `configOf`, for who has to know it before a stream is opened: an empty answer if it takes long.
 * @param {URL} endpoint
 * @param {Fetch} fetch
 * @returns {Promise<Config>}
 */
export async function configSoon(endpoint, fetch) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, CONFIG_WAIT_MS, {});
  });
  const config = await Promise.race([configOf(endpoint, fetch), late]);
  clearTimeout(timer);
  return config;
}

/**
 * What the server said is not so any more: another one may have taken its place.
 * @param {URL} endpoint
 */
export function forgetConfig(endpoint) {
  configs.delete(configUrl(endpoint).href);
}

/** @param {URL} endpoint */
function configUrl(endpoint) {
  const url = beside(endpoint, "config");
  url.search = "";
  return url;
}

/**
 * @param {URL} url
 * @param {Fetch} fetch
 * @returns {Promise<Config>}
 */
async function askConfig(url, fetch) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(CONFIG_WITHIN_MS) });
    if (response.ok) return await response.json();
  } catch {
    // asked again with the next stream
  }
  configs.delete(url.href);
  return {};
}
