// @ts-check
/**
 * Bindings as lines to run elsewhere, quoted for where they go.
 */

/** @import { Binding } from "../pulse-events.d.ts" */
/** @typedef {{ curl: string, javascript: string, node: string, python: string, cli: string }} Snippets */

/**
 * @param {readonly Binding[]} bindings
 * @param {string} baseUrl of the server, whatever path it is under
 * @returns {Snippets}
 */
export function snippetsFor(bindings, baseUrl) {
  const base = baseUrl.replace(/[?#].*$/s, "").replace(/\/*$/, "/");
  return {
    curl: curl(bindings, base),
    javascript: javascript(bindings, base),
    node: node(bindings, base),
    python: python(bindings, base),
    cli: cli(bindings, base),
  };
}

/**
 * @param {readonly Binding[]} bindings
 * @param {string} base
 */
function curl(bindings, base) {
  const request = inShell(`bindings=${JSON.stringify({ bindings })}`);
  return `curl -NG ${inShell(`${base}events/v1/connect/`)} --data-urlencode \\\n    ${request}`;
}

/**
 * @param {readonly Binding[]} bindings
 * @param {string} base
 */
function javascript(bindings, base) {
  return [
    "// In a module of a web page; for Node there are other lines.",
    `import { listen } from ${inCode(`${base}events/v1/client.js`)};`,
    "",
    `const bindings = ${listed(bindings)};`,
    "for await (const message of listen(bindings)) {",
    "  console.log(message.exchange, message.routingKey, message.payload);",
    "}",
  ].join("\n");
}

/**
 * Without a package, which would have to be installed first.
 * @param {readonly Binding[]} bindings
 * @param {string} base
 */
function node(bindings, base) {
  return [
    "// Node 18 or later, in a file that ends in .mjs",
    `const bindings = ${listed(bindings)};`,
    "const query = new URLSearchParams({ bindings: JSON.stringify({ bindings }) });",
    `const answer = await fetch(${inCode(`${base}events/v1/connect/?`)} + query);`,
    "if (!answer.ok) throw new Error(await answer.text());",
    'let rest = "";',
    "for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {",
    '  const events = (rest + text).split("\\n\\n");',
    "  rest = events.pop();",
    "  for (const event of events) {",
    "    const [, kind, data] = /^event: (.*)\\ndata: (.*)/.exec(event);",
    '    if (kind === "error") throw new Error(JSON.parse(data));',
    '    if (kind !== "message") continue;',
    "    const message = JSON.parse(data);",
    "    console.log(message.exchange, message.routingKey, message.payload);",
    "  }",
    "}",
    'throw new Error("the stream has ended");',
  ].join("\n");
}

/**
 * @param {readonly Binding[]} bindings
 * @param {string} base
 */
function python(bindings, base) {
  return [
    "import json",
    "from urllib.parse import urlencode",
    "from urllib.request import urlopen",
    "",
    `bindings = ${listed(bindings)}`,
    'query = urlencode({"bindings": json.dumps({"bindings": bindings})})',
    `url = ${inCode(`${base}events/v1/connect/?`)} + query`,
    "with urlopen(url, timeout=75) as stream:  # a ping comes every 20 s",
    '    kind = ""',
    "    for line in stream:",
    '        name, _, value = line.decode().rstrip("\\n").partition(": ")',
    '        if name == "event":',
    "            kind = value",
    '        elif name == "data" and kind == "message":',
    "            message = json.loads(value)",
    '            print(message["exchange"], message["routingKey"], message["payload"])',
    '        elif name == "data" and kind == "error":',
    "            raise SystemExit(json.loads(value))",
    'raise SystemExit("the stream has ended")',
  ].join("\n");
}

/**
 * @param {readonly Binding[]} bindings
 * @param {string} base
 */
function cli(bindings, base) {
  const unnamed = bindings.find(({ exchange }) => exchange.includes("="));
  if (unnamed) return `# not to be said by -b, which ends the exchange at "=": ${inCode(unnamed)}`;
  const options = bindings.map(
    ({ exchange, routingKeyPattern }) => `-b ${inShell(`${exchange}=${routingKeyPattern}`)}`,
  );
  return ["pulse-events listen", ...options, inShell(base)].join(" \\\n    ");
}

/** @param {string} text */
const inShell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * A JSON value is a literal in JavaScript and Python alike; "<" could end a script in HTML.
 * @param {unknown} value
 */
const inCode = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");

/** @param {readonly Binding[]} bindings */
function listed(bindings) {
  const lines = bindings.map(
    ({ exchange, routingKeyPattern }) =>
      `    {"exchange": ${inCode(exchange)}, "routingKeyPattern": ${inCode(routingKeyPattern)}},\n`,
  );
  return `[\n${lines.join("")}]`;
}
