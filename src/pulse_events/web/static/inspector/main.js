// @ts-check
/**
 * Puts the page together: what comes goes to the log, what is chosen goes to the URL and back.
 */
import { Inspector } from "./inspector.js";
import { Lag } from "./lag.js";
import { tellServer } from "./server.js";
import { ServerClock } from "./server-clock.js";

/** @import { CatalogueDocument } from "./catalogue.js" */
/** @import { Config } from "./server.js" */

const WORKER = new URL("../pulse-events-worker.js", import.meta.url).href;

/**
 * The page's policy lets no script's address through but that of the client's shared worker.
 */
function allowWorker() {
  const { trustedTypes } = /** @type {any} */ (globalThis);
  trustedTypes?.createPolicy("default", {
    createScriptURL: (/** @type {string} */ url) => (url === WORKER ? url : null),
  });
}

/**
 * @template T
 * @param {string} path
 * @param {T} otherwise if the server does not answer
 * @returns {Promise<T>}
 */
async function ask(path, otherwise) {
  try {
    const response = await fetch(path);
    if (response.ok) return await response.json();
  } catch {
    // the stream will say that the server is away
  }
  return otherwise;
}

/** @type {CatalogueDocument} */
const NO_CATALOGUE = { demo: false, rootUrl: null, exchanges: [] };
/** @type {Config} */
const NO_CONFIG = {};

const clock = new ServerClock(() => ask("events/v1/config", NO_CONFIG));

allowWorker();
const [catalogue, config] = await Promise.all([
  ask("events/v1/catalogue", NO_CATALOGUE),
  clock.measure(),
]);
const lag = new Lag(clock, (config.pingInterval ?? 20) * 1000);
tellServer(config);
new Inspector(catalogue, config, { lag, clock }).start();
