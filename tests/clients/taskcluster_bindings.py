"""Prints bindings as Taskcluster's Python library makes them: one JSON array."""

import json

import taskcluster

ROOT = {"rootUrl": "https://tc.example.org"}


def main() -> None:
    """Print them."""
    queue, github = taskcluster.QueueEvents(ROOT), taskcluster.GithubEvents(ROOT)
    bindings = [
        queue.taskCompleted({"taskId": "fN1SbArXTPSVFNUvaOlinQ"}),
        queue.taskFailed({"schedulerId": "gecko-3", "workerType": "b-linux"}),
        queue.taskPending("route.index.#"),
        github.push({"organization": "mozilla"}),
    ]
    print(json.dumps(bindings))  # noqa: T201 -- what this program is for


if __name__ == "__main__":
    main()
