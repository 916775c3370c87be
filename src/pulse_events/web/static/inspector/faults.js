// @ts-check
/**
 * Which binding and field the server means when it says what is wrong.
 */

/** @import { Binding } from "../pulse-events.d.ts" */
/** @typedef {"exchange" | "routingKeyPattern"} FieldName */
/** @typedef {{ message: string, rows: number[], field: FieldName }} Fault */

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
