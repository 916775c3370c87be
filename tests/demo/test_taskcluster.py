"""Tasks and their messages, held against the catalogue and what a real queue would say."""

import re

from pulse_events.bindings import Binding
from pulse_events.demo.taskcluster import RETRIES, to_iso
from pulse_events.messages import is_json
from tests.demo.feeding import START_S, Said

SLUG = re.compile(r"[A-Za-f][\w-]{7}[Q-T][\w-][CGKOSWaeimquy26-][\w-]{10}[AQgw]")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_a_time_is_written_as_taskcluster_does() -> None:
    assert to_iso(1_795_482_123.4567) == "2026-11-24T01:02:03.456Z"
    assert to_iso(0) == "1970-01-01T00:00:00.000Z"


def test_every_key_fits_its_exchange_and_every_body_is_a_small_json_object(
    said: list[Said],
) -> None:
    for one in said:
        assert is_json(one.message.body)
        assert isinstance(one.body, dict)
        assert not one.message.redelivered
        for key in (one.message.routing_key, *one.message.cc):
            Binding(one.message.exchange, key)
    sizes = [len(one.message.body) for one in said if "status" in one.body]
    assert 1_000 < sum(sizes) / len(sizes) < 1_500


def test_key_and_body_say_the_same_of_a_task(said: list[Said]) -> None:
    for words, status, body in (
        (one.words, one.body["status"], one.body) for one in said if "status" in one.body
    ):
        assert words["taskId"] == status["taskId"]
        assert words["taskGroupId"] == status["taskGroupId"]
        assert words["schedulerId"] == status["schedulerId"]
        assert f"{words['provisionerId']}/{words['workerType']}" == status["taskQueueId"]
        assert (status["provisionerId"], status["workerType"]) == (
            words["provisionerId"],
            words["workerType"],
        )
        for name in ("runId", "workerGroup", "workerId"):
            assert words[name] == str(body.get(name, "_"))
        assert body["version"] == 1
        assert {"kind", "label", "createdForUser"} <= body["task"]["tags"].keys()


def test_ids_are_nice_slugids_and_times_are_on_the_clock(tasks: dict[str, list[Said]]) -> None:
    for task_id, history in tasks.items():
        assert SLUG.fullmatch(task_id)
        for status in (one.body["status"] for one in history):
            assert SLUG.fullmatch(status["taskGroupId"])
            times = [status["deadline"], status["expires"]]
            for run in status["runs"]:
                events = [run[name] for name in ("scheduled", "started", "resolved") if name in run]
                assert events == sorted(set(events))
                times += events
            assert all(TIME.fullmatch(text) and text >= to_iso(START_S) for text in times)


NEXT = {
    None: {"taskDefined"},
    "taskDefined": {"taskPending"},
    "taskPending": {"taskRunning"},
    "taskRunning": {"artifactCreated"},
    "artifactCreated": {
        "artifactCreated",
        "taskPending",
        "taskCompleted",
        "taskFailed",
        "taskException",
    },
}
STATES = {
    "taskDefined": {"unscheduled"},
    "taskPending": {"pending"},
    "taskRunning": {"running"},
    "artifactCreated": {"running"},
    "taskCompleted": {"completed"},
    "taskFailed": {"failed"},
    "taskException": {"exception"},
}


def test_a_task_goes_from_defined_to_its_end_and_then_is_silent(
    tasks: dict[str, list[Said]],
) -> None:
    for history in tasks.values():
        before = None
        for one in history:
            assert one.event in NEXT[before]
            assert one.body["status"]["state"] in STATES[one.event]
            before = one.event


def test_each_message_holds_the_runs_so_far(tasks: dict[str, list[Said]]) -> None:
    for history in tasks.values():
        for one in history:
            runs = one.body["status"]["runs"]
            assert [run["runId"] for run in runs] == list(range(len(runs)))
            assert all(run["state"] == "exception" for run in runs[:-1])
            assert one.body["status"]["retriesLeft"] == RETRIES - max(len(runs) - 1, 0) >= 0
            if one.event == "taskDefined":
                assert runs == []
                continue
            assert one.body["runId"] == runs[-1]["runId"]
            assert one.body["status"]["state"] == runs[-1]["state"]
            assert ("reasonResolved" in runs[-1]) == (
                runs[-1]["state"] not in ("pending", "running")
            )
            if one.event != "taskPending":
                assert one.body["workerId"] == runs[-1]["workerId"]
                assert one.body["workerGroup"] == runs[-1]["workerGroup"]
            if one.event == "taskRunning":
                assert one.body["takenUntil"] == runs[-1]["takenUntil"]


def test_routes_follow_the_index_and_treeherder(tasks: dict[str, list[Said]]) -> None:
    routes = {route for history in tasks.values() for route in history[0].message.cc}
    for pattern in (
        r"route\.index\.gecko\.v2\.autoland\.latest\.firefox\.linux64-opt",
        r"route\.index\.gecko\.v2\.autoland\.revision\.[0-9a-f]{40}\.firefox\.[\w-]+",
        r"route\.tc-treeherder\.v2\.autoland\.[0-9a-f]{40}\.\d+",
        r"route\.checks",
    ):
        assert any(re.fullmatch(pattern, route) for route in routes), pattern
    for history in tasks.values():
        assert history[0].message.cc
        assert {one.message.cc for one in history} == {history[0].message.cc}
