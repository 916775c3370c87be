// @ts-check
/**
 * What the page begins with: the stream, which is on its way then while the rest of the page is.
 */
import { byId } from "./dom.js";
import { Opening } from "./opening.js";
import { allowWorker, startWorker } from "./worker.js";

/** @import { CatalogueDocument } from "./catalogue.js" */
/** @import { Config } from "./server.js" */

/** What the server has put into the page. @type {{ catalogue: CatalogueDocument, config: Config }} */
export const known = JSON.parse(byId("known").textContent);
const url = new URL("events/v1/connect/", document.baseURI);
const { demo: isDemo = false, history = "off" } = known.config;

export const source = { url, worker: startWorker, config: known.config };
export const opening = new Opening();

allowWorker();
opening.begin(source, location.hash, { isDemo, keepsHistory: history !== "off" });
