"""The demo feed: what happens in it, in which order, and at which pace."""

import asyncio
import random
import re
import time
from collections import Counter, defaultdict
from typing import NamedTuple

import pytest

from pulse_events.bindings import Binding
from pulse_events.brokers.memory import Memory
from pulse_events.demo.feed import BURST, CATCH_UP_S, TURN_S, DemoPace, Feed, Turnover, run_demo
from pulse_events.demo.scenery import TREES
from pulse_events.demo.taskcluster import to_iso
from tests.brokers.listening import Recorder, running
from tests.demo.feeding import KEYS, START_S, Said, made_up, taken_apart


def test_the_same_seed_and_clock_give_the_same_feed() -> None:
    assert made_up(500) == made_up(500)
    assert made_up(500) != made_up(500, seed=2)


def test_a_feed_is_its_own_iterator() -> None:
    feed = Feed(random.Random(1), lambda: START_S)
    assert iter(feed) is feed


def test_the_first_minute_of_a_slow_feed_shows_variety() -> None:
    events = {taken_apart(message).event for message in made_up(60, groups=2)}
    assert {"taskDefined", "taskPending", "taskRunning", "taskCompleted"} <= events


def test_all_of_a_deployments_services_are_heard(said: list[Said]) -> None:
    counts = Counter(one.message.exchange.split("/")[1] for one in said)
    assert set(counts) == {
        f"taskcluster-{service}"
        for service in ("queue", "worker-manager", "github", "hooks", "auth", "notify")
    }
    assert counts["taskcluster-queue"] / len(said) > 0.75


def test_some_tasks_are_retried_some_fail_and_most_complete(tasks: dict[str, list[Said]]) -> None:
    ends = Counter(history[-1].event for history in tasks.values())
    assert ends["taskCompleted"] > 5 * (ends["taskFailed"] + ends["taskException"]) / 2
    assert ends["taskFailed"] and ends["taskException"]
    retried = [h for h in tasks.values() if len(h[-1].body["status"]["runs"]) > 1]
    assert 0.01 < len(retried) / len(tasks) < 0.15
    assert retried[0][-1].body["status"]["runs"][1]["reasonCreated"] == "retry"


def test_a_group_begins_with_its_decision_task_and_is_resolved_after_its_last_task(
    said: list[Said],
) -> None:
    first: dict[str, str] = {}
    members: dict[str, set[str]] = defaultdict(set)
    running_tasks: dict[str, set[str]] = defaultdict(set)
    resolved = set()
    for one in said:
        group_id = one.words.get("taskGroupId", "")
        assert group_id not in resolved
        if one.event == "taskGroupResolved":
            assert not running_tasks[group_id]
            resolved.add(group_id)
        elif "status" in one.body:
            task_id = one.words["taskId"]
            first.setdefault(group_id, task_id)
            members[group_id].add(task_id)
            ended = one.body["status"]["state"] in ("completed", "failed", "exception")
            (set.discard if ended else set.add)(running_tasks[group_id], task_id)
    assert len(resolved) > 50
    assert all(first[group_id] == group_id for group_id in resolved)
    assert all(4 <= len(members[group_id]) <= 10 for group_id in resolved)


def test_a_worker_is_requested_and_runs_before_its_first_task_and_has_one_at_a_time(
    said: list[Said],
) -> None:
    states: dict[str, str] = {}
    before: dict[str, set[str | None]] = {
        "workerRequested": {None},
        "workerRunning": {"workerRequested"},
        "taskRunning": {"workerRunning", "idle"},
        "workerStopped": {"idle", "lost"},
        "workerRemoved": {"workerStopped"},
    }
    claims: dict[str, str] = {}
    for one in said:
        if one.event in before and "workerId" in one.body:
            worker_id = one.body["workerId"]
            assert states.get(worker_id) in before[one.event]
            states[worker_id] = one.event
        if one.event == "taskRunning":
            claims[one.words["taskId"]] = worker_id
        elif one.event in ("taskCompleted", "taskFailed", "taskException"):
            states[claims.pop(one.words["taskId"])] = "idle"
        elif one.event == "taskPending" and one.words["taskId"] in claims:
            states[claims.pop(one.words["taskId"])] = "lost"
    assert "workerRemoved" in states.values()


def test_workers_are_named_as_their_cloud_names_them(said: list[Said]) -> None:
    aws = [one.body for one in said if one.body.get("workerId", "").startswith("i-0")]
    assert all(re.fullmatch(r"i-0[0-9a-f]{16}", body["workerId"]) for body in aws)
    groups = {body["workerGroup"] for body in aws}
    assert groups == {"us-east-1", "us-east-2", "us-west-1", "us-west-2"}
    others = {one.body["workerId"][:3] for one in said if "workerId" in one.body} - {"i-0"}
    assert "vm-" in others
    assert any(prefix.isdigit() for prefix in others)


@pytest.mark.slow
def test_idle_workers_do_not_pile_up() -> None:
    turnover = Turnover(new_chance=1.0, retire_chance=0.0)
    messages = made_up(20_000, turnover=turnover)
    events = Counter(KEYS[message.exchange][0] for message in messages)
    pools = {pool for tree in TREES for pool in (tree.decision.pool, *(k.pool for k in tree.kinds))}
    assert events["workerRunning"] > 1_000
    alive = events["workerRunning"] - events["workerRemoved"]
    assert alive <= 20 * len(pools) + 3 * 9


class Turns(NamedTuple):
    """What a pace said, turn by turn."""

    times_s: list[float]
    counts: list[int]


def paced(rate_per_s: float, for_s: float, late_s: float = 0.0) -> Turns:
    """Follow a pace for a while; each sleep takes ``late_s`` longer than asked."""
    pace, now_s, turns = DemoPace(rate_per_s, 0.0), 0.0, Turns([], [])
    while now_s < for_s:
        turns.times_s.append(now_s)
        turns.counts.append(pace.due(now_s))
        now_s += pace.wait_s(now_s) + late_s
    return turns


@pytest.mark.parametrize("rate_per_s", [0.1, 1, 3, 50, 60, 99, 101, 500, 5_000, 10_000])
def test_a_pace_keeps_its_rate_in_small_even_portions(rate_per_s: float) -> None:
    for_s = max(10.0, 30 / rate_per_s)
    turns = paced(rate_per_s, for_s, late_s=0.001)
    assert sum(turns.counts) == pytest.approx(for_s * rate_per_s, rel=0.01, abs=1.01)
    assert turns.counts[0] == 1
    assert max(turns.counts) <= 1 + rate_per_s * (TURN_S + 0.002)
    assert min(turns.counts) >= (0 if rate_per_s > 50 else 1)
    assert len(turns.counts) <= for_s / TURN_S + 1


@pytest.mark.parametrize("rate_per_s", [0.1, 500, 10_000, 1_000_000])
def test_a_pace_that_was_held_up_makes_up_for_little_and_goes_on(rate_per_s: float) -> None:
    pace = DemoPace(rate_per_s, 0.0)
    assert pace.due(3_600.0) <= min(BURST, CATCH_UP_S * rate_per_s + 1)
    assert pace.due(3_600.0) <= 1
    assert pace.wait_s(3_600.0) <= max(TURN_S, 1 / rate_per_s)
    assert pace.due(3_600.0 + 1 / rate_per_s + TURN_S) >= 1


def test_a_pace_is_early_for_nothing() -> None:
    pace = DemoPace(10, 5.0)
    assert pace.due(4.9) == 0
    assert pace.wait_s(4.5) == pytest.approx(0.5)
    assert pace.due(5.0) == 1


async def test_the_demo_reaches_whoever_listens_until_it_is_cancelled() -> None:
    broker, recorder = Memory(), Recorder()
    broker.bind(Binding("exchange/taskcluster-queue/v1/artifact-created", "primary.#"))
    async with running(broker, recorder), asyncio.TaskGroup() as group:
        before_s = time.time()
        task = group.create_task(run_demo(broker.publish, 1_000))
        await recorder.until(lambda: len(recorder.messages) >= 100, "100 messages")
        task.cancel()
    first = taken_apart(recorder.messages[0])
    assert first.body["status"]["runs"][0]["started"] >= to_iso(before_s)[:-4]


async def test_a_slow_demo_says_something_at_once() -> None:
    published = asyncio.Event()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(run_demo(lambda _message: published.set(), 0.1))
        await published.wait()
        task.cancel()
