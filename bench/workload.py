"""What is published: believable Taskcluster messages of 1.2 KB, all different, made by a seed.

Compression is measured with them, so they share what real ones share (a group of tasks has one
push, one owner, one deadline) and differ where those differ: ids, names, workers, times.  Nothing
is padded.  Knows no broker.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

EXCHANGE = "exchange/taskcluster-queue/v1/task-running"
POOL_SIZE = 8192
"""Distinct messages: 10 MB of them, far beyond what deflate looks back at (32 KB)."""

TIME_MARK = b'"t":'
TIME_DIGITS = 17
"""Seconds since 1970 with six decimals, until the year 2286."""

_GROUPS_AT_ONCE = 40
_TASKS_PER_GROUP = 200
_PACE_S = 0.4
"""Time that passes in the messages' own timestamps from one to the next."""
_START_S = 1_795_500_000
_DAY_S = 86_400

_ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_PROJECTS = ("mozilla-central", "autoland", "try", "mozilla-beta", "comm-central", "fenix", "nss")
_POOLS = (
    ("gecko-t", "t-linux-docker-noscratch-amd", "docker-worker", "us-central1-a"),
    ("gecko-t", "win11-64-24h2", "generic-worker", "eastus2"),
    ("gecko-t", "t-osx-1500-m4", "generic-worker", "mdc1"),
    ("gecko-3", "b-linux-gcp-amd", "docker-worker", "us-west1-b"),
    ("comm-t", "t-linux-xlarge-source", "docker-worker", "us-west-2"),
    ("proj-taskcluster", "ci", "generic-worker", "northamerica-northeast1-c"),
)
_SUITES = ("mochitest-browser-chrome", "xpcshell", "web-platform-tests", "reftest", "talos-g5")
_PLATFORMS = ("linux2404-64", "windows11-64-24h2", "macosx1500-aarch64", "android-em-14-x86_64")
_USERS = ("asmith", "bhearsum", "jlorenzo", "mreid", "sledru", "tnikkel", "vporof", "ywang")


@dataclass(frozen=True, slots=True)
class Sample:
    """One message of the pool; the body's ``t`` is to be written over when it is sent."""

    routing_key: str
    cc: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class PushGroup:
    """What one push set off."""

    group_id: str
    project: str
    revision: str
    user: str
    level: int
    created_s: float

    @classmethod
    def of_chance(cls, rng: random.Random, now_s: float) -> "PushGroup":
        """Return a group that was created within the hour before ``now_s``."""
        return cls(
            random_id(rng),
            rng.choice(_PROJECTS),
            f"{rng.getrandbits(160):040x}",
            f"{rng.choice(_USERS)}@example.com",
            rng.randint(1, 3),
            now_s - rng.uniform(60, 3600),
        )

    @property
    def scheduler(self) -> str:
        """Who scheduled it."""
        return f"gecko-level-{self.level}"


def random_id(rng: random.Random) -> str:
    """Return 22 characters like a Taskcluster slug id."""
    return "".join(rng.choices(_ID, k=22))


def task_ids(count: int, seed: int = 4) -> list[str]:
    """Return ``count`` different task ids, the same for the same seed."""
    rng = random.Random(seed)
    return [random_id(rng) for _ in range(count)]


def make_pool(ids: Sequence[str] = (), seed: int = 1) -> list[Sample]:
    """Return the messages: one for each of ``ids``, or `POOL_SIZE` of random ids."""
    rng = random.Random(seed)
    groups = [PushGroup.of_chance(rng, _START_S) for _ in range(_GROUPS_AT_ONCE)]
    pool = []
    for number, task_id in enumerate(ids or task_ids(POOL_SIZE)):
        now_s = _START_S + number * _PACE_S
        which = rng.randrange(_GROUPS_AT_ONCE)
        if rng.random() < 1 / _TASKS_PER_GROUP:
            groups[which] = PushGroup.of_chance(rng, now_s)
        pool.append(_sample(rng, task_id, groups[which], now_s))
    return pool


def _sample(rng: random.Random, task_id: str, group: PushGroup, now_s: float) -> Sample:
    pool = rng.choice(_POOLS)
    runs = _runs(rng, pool[3], now_s)
    last = runs[-1]
    body = {
        "status": _status(rng, task_id, group, pool) | {"retriesLeft": 6 - len(runs), "runs": runs},
        "runId": last["runId"],
        "workerGroup": last["workerGroup"],
        "workerId": last["workerId"],
        "takenUntil": last["takenUntil"],
        "task": {"tags": _tags(rng, group, pool)},
        "version": 1,
        "t": 0,
    }
    text = json.dumps(body, separators=(",", ":")).encode()
    digits = b"0" * (TIME_DIGITS - 7) + b".000000"
    key = ("primary", task_id, str(last["runId"]), pool[3], str(last["workerId"]), *pool[:2])
    return Sample(
        ".".join((*key, group.scheduler, group.group_id, "_")),
        (f"route.index.gecko.v2.{group.project}.revision.{group.revision}",),
        text.replace(b'"t":0', TIME_MARK + digits),
    )


def _status(
    rng: random.Random, task_id: str, group: PushGroup, pool: tuple[str, ...]
) -> dict[str, object]:
    return {
        "taskId": task_id,
        "provisionerId": pool[0],
        "workerType": pool[1],
        "taskQueueId": f"{pool[0]}/{pool[1]}",
        "schedulerId": group.scheduler,
        "projectId": group.project,
        "taskGroupId": group.group_id,
        "priority": rng.choice(("highest", "medium", "low", "very-low")),
        "deadline": _time(group.created_s + _DAY_S),
        "expires": _time(group.created_s + 28 * _DAY_S),
        "state": "running",
    }


def _runs(rng: random.Random, place: str, now_s: float) -> list[dict[str, object]]:
    """Return the run that has just begun; one task in four lost a worker before."""
    began = [now_s] if rng.random() < 0.75 else [now_s - rng.uniform(300, 1500), now_s]
    runs: list[dict[str, object]] = [
        {
            "runId": number,
            "state": "running",
            "reasonCreated": "retry" if number else "scheduled",
            "workerGroup": place,
            "workerId": f"i-{rng.getrandbits(64):016x}",
            "takenUntil": _time(began_s + 1200),
            "scheduled": _time(began_s - rng.uniform(0.5, 200)),
            "started": _time(began_s),
        }
        for number, began_s in enumerate(began)
    ]
    for run in runs[:-1]:
        run |= {"state": "exception", "reasonResolved": "claim-expired", "resolved": _time(now_s)}
    return runs


def _tags(rng: random.Random, group: PushGroup, pool: tuple[str, ...]) -> dict[str, str]:
    suite, platform = rng.choice(_SUITES), rng.choice(_PLATFORMS)
    return {
        "createdForUser": group.user,
        "kind": "test",
        "label": f"test-{platform}/opt-{suite}-{rng.randint(1, 40)}",
        "project": group.project,
        "revision": group.revision,
        "test-suite": suite,
        "test-platform": f"{platform}/opt",
        "worker-implementation": pool[2],
        "trust-domain": pool[0].split("-")[0],
        "retrigger": rng.choice(("true", "false")),
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
