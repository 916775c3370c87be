// @ts-check
/**
 * Puts the page together: what comes goes to the log, what is chosen goes to the URL and back.
 */
import { Inspector } from "./inspector.js";

/** @import { CatalogueDocument } from "./catalogue.js" */

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

/** @returns {Promise<CatalogueDocument>} an empty one if the server does not answer */
async function askCatalogue() {
  try {
    const response = await fetch("events/v1/catalogue");
    if (response.ok) return await response.json();
  } catch {
    // the stream will say that the server is away
  }
  return { demo: false, rootUrl: null, exchanges: [] };
}

allowWorker();
new Inspector(await askCatalogue()).start();
