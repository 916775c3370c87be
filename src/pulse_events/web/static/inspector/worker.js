// @ts-check
/**
 * The page's worker: the browser client's, loaded together with the page.
 */
import { byId } from "./dom.js";

/** A tab that has loaded another version has another address, and so another worker. */
const NAME = "pulse-events";
/** @type {WorkerOptions} */
const OPTIONS = { type: "module", name: NAME };

const address = () => /** @type {HTMLLinkElement} */ (byId("worker")).href;

/**
 * The page's policy lets no script's address through but the worker's.
 */
export function allowWorker() {
  const { trustedTypes } = /** @type {any} */ (globalThis);
  trustedTypes?.createPolicy("default", {
    createScriptURL: (/** @type {string} */ url) => (url === address() ? url : null),
  });
}

export function startWorker() {
  const { SharedWorker } = globalThis;
  return SharedWorker ? new SharedWorker(address(), OPTIONS) : new Worker(address(), OPTIONS);
}
