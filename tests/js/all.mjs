/** Runs the files that it is given side by side in one process: most of their tests wait. */

import { basename } from "node:path";
import { describe } from "node:test";
import { pathToFileURL } from "node:url";

describe("all", { concurrency: true }, () => {
  for (const path of process.argv.slice(2)) {
    describe(basename(path), { concurrency: false }, async () => {
      await import(pathToFileURL(path));
    });
  }
});
