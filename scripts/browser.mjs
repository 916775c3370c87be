// Builds what browsers load as few files, from the modules in src/, into its places there, where it is
// checked in: who installs the package, or runs a clone, needs no node.
//   node scripts/browser.mjs          in its places
//   node scripts/browser.mjs FOLDER   under another folder: a test compares the two
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { argv, chdir } from "node:process";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";

chdir(join(dirname(fileURLToPath(import.meta.url)), ".."));
const { buildSync } = createRequire(join(process.cwd(), "requirements", "x"))("esbuild");

const STATIC = "src/pulse_events/web/static";
const COMMON = { bundle: true, target: "es2022", charset: "utf8", logLevel: "warning" };
const into = argv[2] ?? STATIC;

/** The browser client's worker: a script that imports nothing; not minified, since people debug it. */
function buildWorker() {
  const js =
    "/*! The worker of pulse-events, built by `make browser` from client/worker.js. " +
    "@license MPL-2.0, see LICENSE */";
  buildSync({
    ...COMMON,
    entryPoints: [`${STATIC}/client/worker.js`],
    format: "iife",
    banner: { js },
    outfile: `${into}/pulse-events-worker.js`,
  });
}

/** The page: what its index.html names, minified, under names that hold the hash of the content. */
function buildPage() {
  const html = readFileSync(`${STATIC}/inspector/index.html`, "utf8");
  const named = html.matchAll(/(?:href|src)="static\/([^"]+)"/g);
  const entries = Array.from(named, ([, path]) => `${STATIC}/${path}`);
  const { outputFiles, metafile } = buildSync({
    ...COMMON,
    entryPoints: entries,
    format: "esm",
    splitting: true,
    minify: true,
    sourcemap: "external", // for who has built it: maps are not checked in, and a header tells of them
    sourcesContent: false, // the server has them, where the map says
    legalComments: "none",
    metafile: true,
    outdir: `${STATIC}/page`, // wherever they go: the maps, and so the hashes, have the way from there
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    write: false,
  });
  rmSync(`${into}/page`, { recursive: true, force: true });
  mkdirSync(`${into}/page`, { recursive: true });
  for (const { path, contents } of outputFiles) {
    const name = `${into}/page/${basename(path)}`;
    writeFileSync(name, contents);
    if (!name.endsWith(".map")) writeFileSync(`${name}.br`, brotliCompressSync(contents));
  }
  writeFileSync(`${into}/page/index.html`, withBuilt(html, entries, metafile.outputs));
}

/**
 * Names in the page what was built, and what that imports, which then comes at the same time.
 * @param {string} html
 * @param {string[]} entries
 * @param {Record<string, { entryPoint?: string, imports: { path: string, kind: string }[] }>} outputs
 */
function withBuilt(html, entries, outputs) {
  const address = (path) => `static/page/${basename(path)}`;
  const paths = Object.keys(outputs).filter((path) => entries.includes(outputs[path].entryPoint));
  const needed = new Set(paths);
  for (const path of needed) {
    for (const { path: imported, kind } of outputs[path].imports) {
      if (kind === "import-statement") needed.add(imported);
    }
  }
  let built = html;
  for (const path of paths) {
    const source = outputs[path].entryPoint.slice(STATIC.length + 1);
    built = built.replace(`"static/${source}"`, `"${address(path)}"`);
  }
  const links = [...needed]
    .filter((path) => !paths.includes(path))
    .map((path) => `<link rel="modulepreload" href="${address(path)}">\n`);
  return built.replace('<link rel="modulepreload"', `${links.join("")}$&`);
}

buildWorker();
buildPage();
