"""The demo feed: a made-up Taskcluster deployment at work, published at a steady rate.

`Feed` decides what happens next, by chance and clock that it is given, without I/O; `run_demo`
paces it.  What a message looks like is `taskcluster`'s affair, names and places are `scenery`'s.
"""

import asyncio
import base64
import random
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NoReturn

from pulse_events.demo.scenery import DECISION, ELSEWHERE, LIVE_LOG, OWNERS, TREES, Kind, Tree
from pulse_events.demo.taskcluster import Group, Pool, Task, TaskWorker, compose
from pulse_events.messages import Message

TURN_S = 0.01
"""Shortest sleep between two turns: smooth to the eye, cheap for the loop."""
CATCH_UP_S = 0.1
"""How much lost time is made up for; what is older is dropped."""
BURST = 500
"""Most messages in one turn, some 10 ms of work."""
WARM_UP = 400
"""Messages left out at the start: whoever looks finds the deployment at work, not its first day."""

_TASKS_PER_GROUP = (3, 9)
_IDLE_WORKERS = 20  # of one pool; more are retired
_PRIORITIES = ("highest", "medium", "low", "very-low")
_ELSEWHERE_CHANCE = 0.04
_LOST_WORKER_CHANCE = 0.05
_SEALED_CHANCE = 0.2
_LOST_WORKER = ("worker-shutdown", "claim-expired")
_COMPLETED = ("completed", "completed")
_OUTCOMES = (
    *(_COMPLETED,) * 18,
    *(("failed", "failed"),) * 2,
    ("exception", "canceled"),
    ("exception", "malformed-payload"),
)


@dataclass(frozen=True, slots=True)
class Turnover:
    """How workers come and go."""

    new_chance: float = 0.12
    """That a task gets a new worker though one is idle."""
    retire_chance: float = 0.12
    """That a worker goes after its task."""


@dataclass(frozen=True, slots=True)
class Push:
    """What set a group of tasks off."""

    tree: Tree
    revision: str
    push_id: int
    owner: str


class Feed:
    """Endless iterator of messages: pushes, their tasks, the workers that run them.

    Args:
        rng: Source of all chance; the same seed and clock give the same feed.
        now: Clock, seconds since 1970; time passes only between messages.
        groups: Task groups that are under way at the same time.
        turnover: Of the workers.
    """

    def __init__(
        self,
        rng: random.Random,
        now: Callable[[], float],
        groups: int = 3,
        turnover: Turnover | None = None,
    ) -> None:
        self._rng = rng
        self._now = now
        self._turnover = turnover or Turnover()
        self._push_id = rng.randrange(200_000, 300_000)
        self._idle: dict[str, list[TaskWorker]] = {}
        self._groups = [self._group_life() for _ in range(groups)]

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        if self._rng.random() < _ELSEWHERE_CHANCE:
            return compose(*self._rng.choice(ELSEWHERE))
        at = self._rng.randrange(len(self._groups))
        message = next(self._groups[at], None)
        if message is None:
            self._groups[at] = self._group_life()
            return next(self._groups[at])
        return message

    # Lives: what happens to one thing, in order

    def _group_life(self) -> Iterator[Message]:
        """A push, its decision task, the tasks that this creates, and the end of all."""
        push = self._push()
        tree = push.tree
        group = Group(self._slug(), tree.scheduler_id, tree.project_id)
        if tree.on_github:
            yield from self._announced(push, group)
        yield from self._task_life(self._task(group.group_id, push, group, tree.decision))
        kinds = self._rng.choices(tree.kinds, k=self._rng.randint(*_TASKS_PER_GROUP))
        yield from self._mixed(
            [self._task_life(self._task(self._slug(), push, group, kind)) for kind in kinds]
        )
        if self._rng.random() < _SEALED_CHANCE:
            yield group.event("taskGroupSealed")
        yield group.event("taskGroupResolved")

    def _announced(self, push: Push, group: Group) -> Iterator[Message]:
        tree = push.tree
        words = {"organization": tree.organization, "repository": tree.repository}
        event = self._rng.choice(("push", "pullRequest"))
        action = {"action": "synchronize"} if event == "pullRequest" else {}
        details = {"event.head.sha": push.revision, "event.head.user.email": push.owner}
        body = {**words, **action, "details": details, "branch": tree.name, "version": 1}
        yield compose("github", event, words | action, body)
        body = {**words, "taskGroupId": group.group_id, "version": 1}
        yield compose("github", "taskGroupCreationRequested", words, body)

    def _mixed(self, lives: list[Iterator[Message]]) -> Iterator[Message]:
        """All of ``lives`` at the same time."""
        while lives:
            at = self._rng.randrange(len(lives))
            message = next(lives[at], None)
            if message is None:
                del lives[at]
            else:
                yield message

    def _task_life(self, planned: tuple[Task, Kind]) -> Iterator[Message]:
        task, kind = planned
        yield task.define(self._now())
        yield task.schedule(self._now())
        worker = yield from self._run_start(task)
        while task.retries_left and self._rng.random() < _LOST_WORKER_CHANCE:
            yield task.retry(self._rng.choice(_LOST_WORKER), self._now())
            yield from self._retired(worker)
            worker = yield from self._run_start(task)
        for name, content_type in kind.artifacts[self._rng.randrange(len(kind.artifacts)) :]:
            yield task.create_artifact(name, content_type)
        outcome = _COMPLETED if kind.name == DECISION else self._rng.choice(_OUTCOMES)
        yield task.resolve(*outcome, self._now())
        yield from self._released(worker)

    def _run_start(self, task: Task) -> Generator[Message, None, TaskWorker]:
        idle = self._idle.setdefault(task.pool.pool_id, [])
        if idle and self._rng.random() > self._turnover.new_chance:
            worker = idle.pop(self._rng.randrange(len(idle)))
        else:
            worker = self._worker(task.pool)
            yield worker.event("workerRequested", self._now())
            yield worker.event("workerRunning", self._now())
        yield task.start(worker, self._now())
        yield task.create_artifact(*LIVE_LOG)
        return worker

    def _released(self, worker: TaskWorker) -> Iterator[Message]:
        idle = self._idle[worker.pool.pool_id]
        if len(idle) >= _IDLE_WORKERS or self._rng.random() < self._turnover.retire_chance:
            yield from self._retired(worker)
        else:
            idle.append(worker)

    def _retired(self, worker: TaskWorker) -> Iterator[Message]:
        yield worker.event("workerStopped", self._now())
        yield worker.event("workerRemoved", self._now())

    # Things: made up when they are first needed

    def _push(self) -> Push:
        self._push_id += 1
        tree = self._rng.choice(TREES)
        return Push(tree, self._hex(40), self._push_id, self._rng.choice(OWNERS))

    def _task(self, task_id: str, push: Push, group: Group, kind: Kind) -> tuple[Task, Kind]:
        label = self._rng.choice(kind.labels)
        names = {
            "tree": push.tree.name,
            "rev": push.revision,
            "push": str(push.push_id),
            "platform": label.partition("-")[2].replace("/", "-"),
        }
        tags = {
            "kind": kind.name,
            "label": label,
            "os": kind.os,
            "createdForUser": push.owner,
            "trust-domain": push.tree.trust_domain,
            "project": push.tree.name,
            "worker-implementation": kind.pool.implementation,
            "retrigger": "false" if kind.name == DECISION else "true",
            "head-repository": f"{push.tree.organization or 'hg'}/{push.tree.repository}",
            "head-rev": push.revision,
            "pushlog-id": names["push"],
        }
        routes = tuple(route.format_map(names) for route in (*kind.routes, *push.tree.routes))
        priority = self._rng.choice(_PRIORITIES)
        return Task(task_id, group, kind.pool, tags, routes, priority), kind

    def _worker(self, pool: Pool) -> TaskWorker:
        if "aws" in pool.provider_id:
            worker_id = f"i-0{self._hex(16)}"
        elif "gcp" in pool.provider_id:
            worker_id = str(self._rng.randrange(10**18, 10**19))
        else:
            worker_id = f"vm-{self._hex(22)}"
        group = self._rng.choice(pool.groups)
        return TaskWorker(pool, group, worker_id, f"lc-{self._hex(20)}")

    def _hex(self, digits: int) -> str:
        return f"{self._rng.getrandbits(4 * digits):0{digits}x}"

    def _slug(self) -> str:
        """Return a "nice" slugid: a version 4 UUID in 22 characters, the first a letter A to f."""
        octets = bytearray(self._rng.randbytes(16))
        octets[0] &= 0x7F
        octets[6] = octets[6] & 0x0F | 0x40
        octets[8] = octets[8] & 0x3F | 0x80
        return base64.urlsafe_b64encode(octets)[:22].decode()


class DemoPace:
    """How many messages are due when, at ``rate_per_s`` from ``now_s`` on.  No clock of its own."""

    def __init__(self, rate_per_s: float, now_s: float) -> None:
        self._interval_s = 1 / rate_per_s
        self._catch_up_s = min(CATCH_UP_S, (BURST - 1) * self._interval_s)
        self._next_s = now_s

    def due(self, now_s: float) -> int:
        """Return how many to publish now, at most `BURST`; they count as published."""
        late_s = now_s - self._next_s
        if late_s < 0:
            return 0
        if late_s > self._catch_up_s:
            self._next_s, late_s = now_s - self._catch_up_s, self._catch_up_s
        count = min(int(late_s / self._interval_s) + 1, BURST)
        self._next_s += count * self._interval_s
        return count

    def wait_s(self, now_s: float) -> float:
        """Return how long to sleep until the next turn."""
        return max(self._next_s - now_s, TURN_S)


async def run_demo(publish: Callable[[Message], None], rate_per_s: float) -> NoReturn:
    """Hand the feed to ``publish``, ``rate_per_s`` messages a second, until cancelled.

    Smooth from one message in 10 s to 5,000 a second: a turn every `TURN_S` at most.
    """
    groups = min(max(int(rate_per_s / 2), 2), 100)
    feed = islice(Feed(random.Random(), time.time, groups), WARM_UP, None)
    pace = DemoPace(rate_per_s, time.monotonic())
    while True:
        for message in islice(feed, pace.due(time.monotonic())):
            publish(message)
        await asyncio.sleep(pace.wait_s(time.monotonic()))
