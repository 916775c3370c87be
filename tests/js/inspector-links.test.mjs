import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { Catalogue } from "../../src/pulse_events/web/static/inspector/catalogue.js";
import {
  bindingsOfTask,
  idsOf,
  linksOf,
} from "../../src/pulse_events/web/static/inspector/links.js";
import { snippetsFor } from "../../src/pulse_events/web/static/inspector/snippets.js";

const TASK = "AbCdEfGhIjKlMnOpQrStUv";
const GROUP = "Zz-_EfGhIjKlMnOpQrStUv";
const ROOT = "https://tc.example.com";

const word = (name, constant = null) => ({ name, constant, many: false, optional: false });
const exchange = (service, name, words) => ({ service, event: name, exchange: name, words });
const catalogue = new Catalogue({
  demo: false,
  rootUrl: null,
  exchanges: [
    exchange("queue", "pending", [word("routingKeyKind", "primary"), word("taskId"), word("x")]),
    exchange("queue", "group", [word("routingKeyKind", "primary"), word("taskGroupId")]),
    exchange("other", "audit", [word("taskId")]),
  ],
});

test("ids come from the key's fields first, then from the payload", () => {
  const fields = [
    { name: "taskId", value: TASK },
    { name: "runId", value: "2" },
    { name: "taskGroupId", value: "_" },
  ];
  const payload = { status: { taskId: GROUP, taskGroupId: GROUP }, runId: 7 };
  assert.deepEqual(idsOf({ payload }, fields), { taskId: TASK, runId: "2", taskGroupId: GROUP });
  assert.deepEqual(idsOf({ payload }, null), { taskId: GROUP, runId: "7", taskGroupId: GROUP });
});

test("what is not a well-formed id is none", () => {
  const bad = [`${TASK}/`, "../../evil", "", `${TASK}\n`, {}, 5, null, `javascript:${TASK}`];
  for (const taskId of bad) {
    assert.deepEqual(idsOf({ payload: { status: { taskId }, taskGroupId: taskId } }, null), {});
  }
  for (const payload of [null, "text", 5, [], { status: null }]) {
    assert.deepEqual(idsOf({ payload }, null), {});
  }
});

test("links lead to the task, its run and its group", () => {
  const ids = { taskId: TASK, runId: "0", taskGroupId: GROUP };
  assert.deepEqual(linksOf(ids, `${ROOT}/`), [
    { label: "task", href: `${ROOT}/tasks/${TASK}` },
    { label: "run 0", href: `${ROOT}/tasks/${TASK}/runs/0` },
    { label: "group", href: `${ROOT}/tasks/groups/${GROUP}` },
  ]);
  assert.deepEqual(linksOf({ runId: "0" }, ROOT), []);
});

test("without a root that is a web address there are no links", () => {
  for (const root of [null, "", "javascript:alert(1)//", "ftp://x", "//x"]) {
    assert.deepEqual(linksOf({ taskId: TASK }, root), []);
  }
});

test("to listen to a task is to bind every exchange of the queue that names it", () => {
  assert.deepEqual(bindingsOfTask(TASK, catalogue), [
    { exchange: "pending", routingKeyPattern: `primary.${TASK}.#` },
  ]);
});

const HOSTILE = [
  { exchange: 'it\'s $(touch x) `y` "z" \\', routingKeyPattern: "é😀.#\u2028'\\''" },
  { exchange: "</script><!-- %41 {x}", routingKeyPattern: "a.*" },
];
const BASE = "https://x.example/prefix/";

/** What a shell hands to a program. */
function argumentsIn(line) {
  const script = `${line.split(" ")[0]}() { for a; do printf '%s\\0' "$a"; done; }\n${line}`;
  return execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
}

test("the shell hands curl the bindings as they are", () => {
  const [flags, url, option, request] = argumentsIn(snippetsFor(HOSTILE, BASE).curl);
  assert.deepEqual([flags, url, option], ["-NG", `${BASE}events/v1/connect/`, "--data-urlencode"]);
  assert.deepEqual(JSON.parse(request.replace(/^bindings=/, "")), { bindings: HOSTILE });
});

test("the shell hands pulse-events the bindings as they are", () => {
  const line = snippetsFor(HOSTILE, BASE).cli.replace("pulse-events", "program");
  assert.deepEqual(argumentsIn(line), [
    "listen",
    ...HOSTILE.flatMap((b) => ["-b", `${b.exchange}=${b.routingKeyPattern}`]),
    BASE,
  ]);
});

test("an exchange that -b cannot name is said, in a comment", () => {
  const { cli } = snippetsFor([{ exchange: "a=b\nc", routingKeyPattern: "#" }], BASE);
  assert.match(cli, /^# [^\n]*$/);
});

test("the bindings in JavaScript are the bindings", async () => {
  const { javascript } = snippetsFor(HOSTILE, BASE);
  assert.match(javascript, /^\/\/ In a module of a web page; for Node there are other lines.\n/);
  assert.ok(javascript.includes(`\nimport { listen } from "${BASE}events/v1/client.js";\n`));
  const [, literal] = /const bindings = (\[.*?^\]);$/ms.exec(javascript);
  assert.deepEqual(new Function(`return ${literal}`)(), HOSTILE);
  assert.doesNotMatch(javascript, /<\/script|<!--/);
});

test("the bindings for Node are the bindings", () => {
  const { node } = snippetsFor(HOSTILE, BASE);
  const [, literal] = /const bindings = (\[.*?^\]);$/ms.exec(node);
  assert.deepEqual(new Function(`return ${literal}`)(), HOSTILE);
});

test("the bindings in Python are the bindings", () => {
  const { python } = snippetsFor(HOSTILE, BASE);
  const [before] = python.split("with urlopen");
  const program = `${before}\nprint(json.dumps([bindings, url]))`;
  const [bindings, url] = JSON.parse(
    execFileSync("python3", ["-c", program], { encoding: "utf8" }),
  );
  assert.deepEqual(bindings, HOSTILE);
  const asked = JSON.parse(new URL(url).searchParams.get("bindings"));
  assert.deepEqual(asked, { bindings: HOSTILE });
  execFileSync("python3", ["-c", "import ast, sys; ast.parse(sys.argv[1])", python]);
});

test("the address of the page is that of the server, whatever stands behind it", () => {
  for (const page of ["http://h:1", "http://h:1/", "http://h:1/?q=1#b=x", "http://h:1/#/a?b"]) {
    const { cli } = snippetsFor([{ exchange: "e", routingKeyPattern: "#" }], page);
    assert.ok(cli.endsWith("'http://h:1/'"), cli);
  }
});
