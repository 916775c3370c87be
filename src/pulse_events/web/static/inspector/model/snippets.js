// @ts-check
/** The same listening in other places: a shell, a script, another page. */

/** @import { Binding } from "../types.d.ts" */

/** Safe in a POSIX shell whatever the text holds. @param {string} text */
const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** @param {readonly Binding[]} bindings */
const requestJson = (bindings) =>
  JSON.stringify({
    bindings: bindings.map(({ exchange, routingKeyPattern }) => ({ exchange, routingKeyPattern })),
  });

/**
 * @param {readonly Binding[]} bindings
 * @param {string} server its URL, with the last slash
 */
export function curl(bindings, server) {
  return `curl -N ${shell(`${server}events/v1/connect/?bindings=${encodeURIComponent(requestJson(bindings))}`)}`;
}

/**
 * @param {readonly Binding[]} bindings
 * @param {string} server
 */
export function javascript(bindings, server) {
  const list = bindings.map(
    ({ exchange, routingKeyPattern }) =>
      `  { exchange: ${JSON.stringify(exchange)}, routingKeyPattern: ${JSON.stringify(routingKeyPattern)} },`,
  );
  return [
    `import { listen } from ${JSON.stringify(`${server}events/v1/client.js`)};`,
    "",
    "const bindings = [",
    ...list,
    "];",
    "for await (const message of listen(bindings)) {",
    "  console.log(message.routingKey, message.payload);",
    "}",
    "",
  ].join("\n");
}

/** JSON's strings are Python's too, but for the escapes of characters beyond 16 bits. @param {string} text */
const python = (text) => JSON.stringify(text);

/**
 * @param {readonly Binding[]} bindings
 * @param {string} server
 */
export function pythonScript(bindings, server) {
  const pairs = bindings.map(
    ({ exchange, routingKeyPattern }) => `        (${python(exchange)}, ${python(routingKeyPattern)}),`,
  );
  return [
    "import asyncio",
    "",
    "from pulse_events.bindings import BindingSet",
    "from pulse_events.client import listen",
    "",
    "",
    "async def main():",
    "    bindings = BindingSet.of([",
    ...pairs,
    "    ])",
    `    async for message in listen(${python(server)}, bindings):`,
    '        print(message["routingKey"], message["payload"])',
    "",
    "",
    "asyncio.run(main())",
    "",
  ].join("\n");
}

/**
 * @param {readonly Binding[]} bindings
 * @param {string} server
 */
export function commandLine(bindings, server) {
  const options = bindings.map(
    ({ exchange, routingKeyPattern }) => `-b ${shell(`${exchange}=${routingKeyPattern}`)}`,
  );
  return ["pulse-events listen", ...options, shell(server)].join(" \\\n  ");
}

export const SNIPPETS = [
  { id: "curl", label: "curl", write: curl },
  { id: "js", label: "JavaScript", write: javascript },
  { id: "python", label: "Python", write: pythonScript },
  { id: "cli", label: "pulse-events CLI", write: commandLine },
];
