// @ts-check
/** Bindings to start from. */

/** @import { Binding } from "../types.d.ts" */

const QUEUE = "exchange/taskcluster-queue/v1/";
const WORKERS = "exchange/taskcluster-worker-manager/v1/";
const GITHUB = "exchange/taskcluster-github/v1/";

/**
 * @param {string} prefix
 * @param {readonly string[]} names
 * @returns {Binding[]}
 */
const all = (prefix, names) =>
  names.map((name) => ({ exchange: prefix + name, routingKeyPattern: "#" }));

/** @type {readonly { label: string, bindings: Binding[] }[]} */
export const PRESETS = [
  {
    label: "Task progress",
    bindings: all(QUEUE, ["task-pending", "task-running", "task-completed", "task-failed", "task-exception"]),
  },
  { label: "Task failures", bindings: all(QUEUE, ["task-failed", "task-exception"]) },
  { label: "Task groups", bindings: all(QUEUE, ["task-group-resolved", "task-group-sealed"]) },
  {
    label: "Workers",
    bindings: all(WORKERS, ["worker-requested", "worker-running", "worker-stopped", "worker-removed"]),
  },
  { label: "GitHub", bindings: all(GITHUB, ["push", "pull-request", "task-group-creation-requested"]) },
];

/** What a page without a view of its own shows of the demo. */
export const DEMO = PRESETS[0].bindings;
/** What it suggests elsewhere, where a broker may have much to say. */
export const EXAMPLE = PRESETS[1].bindings.slice(0, 1);
