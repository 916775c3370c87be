// Prints bindings as Taskcluster's client library makes them: one JSON array.

import taskcluster from "taskcluster-client";

const rootUrl = "https://tc.example.org";
const queue = new taskcluster.QueueEvents({ rootUrl });
const github = new taskcluster.GithubEvents({ rootUrl });
const bindings = [
  queue.taskCompleted({ taskId: "fN1SbArXTPSVFNUvaOlinQ" }),
  queue.taskFailed({ schedulerId: "gecko-3", workerType: "b-linux" }),
  queue.taskPending("route.index.#"),
  github.push({ organization: "mozilla" }),
];
process.stdout.write(JSON.stringify(bindings) + "\n");
