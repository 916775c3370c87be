// Builds main.js into a folder; prints what webpack has to say of it, but for that all is well.
import { resolve } from "node:path";
import webpack from "webpack";

const config = {
  mode: "production",
  entry: "./main.js",
  output: { path: resolve(process.argv[2]), filename: "main.js" },
};

webpack(config, (error, stats) => {
  if (error) throw error;
  process.stdout.write(stats.toString({ all: false, errors: true, warnings: true }));
});
