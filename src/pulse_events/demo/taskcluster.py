"""Taskcluster's tasks as values, and the messages that its services publish about them.

Knows the shapes of bodies and routing keys, nothing of when something happens, or why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from pulse_events.catalogue import load_catalogue
from pulse_events.messages import ROUTE_PREFIX, Message

CLAIM_S = 20 * 60
"""How long a worker's claim of a run lasts."""
DEADLINE_S = 24 * 3600
EXPIRES_S = 28 * 24 * 3600
RETRIES = 5

_RUN_WORDS = ("runId", "workerGroup", "workerId")

_EXCHANGES = {(e.service, e.event): e for e in load_catalogue()}


def to_iso(time_s: float) -> str:
    """Return seconds since 1970 as Taskcluster writes them, ``2026-11-24T01:02:03.456Z``."""
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def compose(
    service: str,
    event: str,
    values: Mapping[str, str],
    body: Mapping[str, Any],
    routes: tuple[str, ...] = (),
) -> Message:
    """Return the message of one event; ``values`` are the words of its routing key."""
    exchange = _EXCHANGES[service, event]
    cc = tuple(ROUTE_PREFIX + route for route in routes)
    return Message(exchange.name, exchange.routing_key(values), orjson.dumps(body), cc)


@dataclass(frozen=True, slots=True)
class Pool:
    """A worker pool, which is also the queue that its tasks wait in."""

    provisioner_id: str
    worker_type: str
    provider_id: str
    implementation: str
    groups: tuple[str, ...]
    """Where its workers may run."""

    @property
    def pool_id(self) -> str:
        """What Taskcluster calls ``workerPoolId``, and of a task ``taskQueueId``."""
        return f"{self.provisioner_id}/{self.worker_type}"


@dataclass(frozen=True, slots=True)
class TaskWorker:
    """One machine of a pool."""

    pool: Pool
    group: str
    worker_id: str
    launch_config_id: str

    def event(self, event: str, now_s: float, **more: Any) -> Message:
        """Return what the worker manager says of this machine."""
        body = {
            "workerPoolId": self.pool.pool_id,
            "providerId": self.pool.provider_id,
            "workerGroup": self.group,
            "workerId": self.worker_id,
            "launchConfigId": self.launch_config_id,
            "capacity": 1,
            "timestamp": to_iso(now_s),
            **more,
        }
        words = {
            "providerId": self.pool.provider_id,
            "provisionerId": self.pool.provisioner_id,
            "workerType": self.pool.worker_type,
            "workerGroup": self.group,
            "workerId": self.worker_id,
            "launchConfigId": self.launch_config_id,
        }
        return compose("worker-manager", event, words, body)


@dataclass(frozen=True, slots=True)
class Group:
    """Tasks that belong together: what one push or pull request set off."""

    group_id: str
    scheduler_id: str
    project_id: str

    def event(self, event: str) -> Message:
        """Return what the queue says of the whole group."""
        body = {"taskGroupId": self.group_id, "schedulerId": self.scheduler_id, "version": 1}
        words = {"taskGroupId": self.group_id, "schedulerId": self.scheduler_id}
        return compose("queue", event, words, body)


@dataclass(slots=True)
class Task:
    """One task and its runs; each method lets something happen and returns what is published."""

    task_id: str
    group: Group
    pool: Pool
    tags: Mapping[str, str]
    routes: tuple[str, ...]
    priority: str
    _deadline: str = ""
    _expires: str = ""
    _state: str = "unscheduled"
    retries_left: int = RETRIES
    _runs: list[dict[str, Any]] = field(default_factory=list)

    def define(self, now_s: float) -> Message:
        """Create the task; it has no run yet."""
        self._deadline = to_iso(now_s + DEADLINE_S)
        self._expires = to_iso(now_s + EXPIRES_S)
        return self._message("taskDefined")

    def schedule(self, now_s: float) -> Message:
        """Have a first run wait for a worker."""
        return self._wait("scheduled", now_s)

    def start(self, worker: TaskWorker, now_s: float) -> Message:
        """Let ``worker`` claim the run that waits."""
        self._state = "running"
        self._runs[-1] |= {
            "state": "running",
            "workerGroup": worker.group,
            "workerId": worker.worker_id,
            "takenUntil": to_iso(now_s + CLAIM_S),
            "started": to_iso(now_s),
        }
        return self._message("taskRunning", takenUntil=self._runs[-1]["takenUntil"])

    def create_artifact(self, name: str, content_type: str) -> Message:
        """Let the running worker upload a file."""
        artifact = {
            "storageType": "s3" if name.startswith("public/") else "object",
            "name": name,
            "expires": self._expires,
            "contentType": content_type,
        }
        return self._message("artifactCreated", artifact=artifact)

    def retry(self, reason: str, now_s: float) -> Message:
        """Lose the run with its worker; the queue publishes only that another one is pending."""
        self._end_run("exception", reason, now_s)
        self.retries_left -= 1
        return self._wait("retry", now_s)

    def resolve(self, state: str, reason: str, now_s: float) -> Message:
        """End the task: ``completed``, ``failed`` or ``exception``."""
        self._end_run(state, reason, now_s)
        self._state = state
        return self._message(f"task{state.capitalize()}")

    def _wait(self, reason: str, now_s: float) -> Message:
        self._state = "pending"
        self._runs.append(
            {
                "runId": len(self._runs),
                "state": "pending",
                "reasonCreated": reason,
                "scheduled": to_iso(now_s),
            }
        )
        return self._message("taskPending")

    def _end_run(self, state: str, reason: str, now_s: float) -> None:
        self._runs[-1] |= {"state": state, "reasonResolved": reason, "resolved": to_iso(now_s)}

    def _message(self, event: str, **more: Any) -> Message:
        """Return the message of ``event``; what the latest run has, key and body say too."""
        run = self._runs[-1] if self._runs else {}
        current: dict[str, Any] = {name: run[name] for name in _RUN_WORDS if name in run}
        words = {
            "taskId": self.task_id,
            "provisionerId": self.pool.provisioner_id,
            "workerType": self.pool.worker_type,
            "schedulerId": self.group.scheduler_id,
            "taskGroupId": self.group.group_id,
        }
        words |= {name: str(value) for name, value in current.items()}
        body = {"status": self._status()} | current | more
        body |= {"task": {"tags": self.tags}, "version": 1}
        return compose("queue", event, words, body, self.routes)

    def _status(self) -> dict[str, Any]:
        return {
            "taskId": self.task_id,
            "provisionerId": self.pool.provisioner_id,
            "workerType": self.pool.worker_type,
            "taskQueueId": self.pool.pool_id,
            "schedulerId": self.group.scheduler_id,
            "projectId": self.group.project_id,
            "taskGroupId": self.group.group_id,
            "priority": self.priority,
            "deadline": self._deadline,
            "expires": self._expires,
            "retriesLeft": self.retries_left,
            "state": self._state,
            "runs": self._runs,
        }
