// @ts-check
/**
 * What the server says is wrong with bindings, and which binding and field it means.
 */

/** @import { Binding } from "../pulse-events.d.ts" */
/** @typedef {"exchange" | "routingKeyPattern"} FieldName */
/** @typedef {{ message: string, rows: number[], field: FieldName }} Fault */

/**
 * Asks the server about the form of bindings.  A stream's refusal would not do: tabs share one, so
 * the places in its list are not this page's.
 * @param {readonly Binding[]} bindings
 * @param {string} url of `POST bindings`
 * @returns {Promise<string | null>} the server's message; null if nothing is wrong or it is away
 */
export async function formFault(bindings, url) {
  try {
    const response = await fetch(url, { method: "POST", body: JSON.stringify({ bindings }) });
    if (response.status !== 400 && response.status !== 413) return null;
    return (await response.json()).message;
  } catch {
    return null; // the stream will say that the server is away, and wait for it
  }
}

/**
 * @param {string} message
 * @param {readonly Binding[]} bindings
 * @returns {Fault} `rows` is empty if the message is about none in particular
 */
export function placeOf(message, bindings) {
  const index = /^bindings\[(\d+)\]/.exec(message)?.[1];
  if (index !== undefined) {
    const field = message.includes("routingKeyPattern") ? "routingKeyPattern" : "exchange";
    return { message, rows: [Number(index)], field };
  }
  const rows = bindings.flatMap(({ exchange }, i) =>
    message.startsWith(`exchange '${exchange}'`) || message.startsWith(`exchange "${exchange}"`)
      ? [i]
      : [],
  );
  return { message, rows, field: "exchange" };
}
