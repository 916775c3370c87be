// @ts-check
/** Where in the editor a fault belongs that the server found; the words stay the server's. */

/** @import { Binding, Fault } from "../types.d.ts" */

const ENTRY = /^bindings\[(\d+)\](?:: |\.)?([^]*)$/;
const EXCHANGE = /exchange '([^']*)'/;

/**
 * @param {string} message of the server
 * @param {readonly Binding[]} bindings as they were sent
 * @returns {Fault[]} at least one
 */
export function locateFault(message, bindings) {
  const entry = ENTRY.exec(message);
  if (entry && Number(entry[1]) < bindings.length) {
    const text = entry[2] || message;
    const field = text.includes("routingKeyPattern") ? "routingKeyPattern" : "exchange";
    return [{ row: Number(entry[1]), field, text }];
  }
  const named = EXCHANGE.exec(message)?.[1];
  const faults = bindings.flatMap(({ exchange }, row) =>
    exchange === named ? [{ row, field: /** @type {const} */ ("exchange"), text: message }] : [],
  );
  return faults.length ? faults : [{ row: null, field: "exchange", text: message }];
}
