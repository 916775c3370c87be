"""How a task or a group ended, from the queue's messages in order; and what these are bound by."""

from datetime import UTC, datetime

import pytest

from pulse_events import Message
from pulse_events.cli.outcome import GROUP_EVENTS, TASK_EVENTS, Outcome, Watch
from pulse_events.cli.task_bindings import GROUP_WORD, TASK_WORD, bindings_about, without_refused
from pulse_events.errors import BindingRefused, InputError
from pulse_events.topics.automaton import compile_pattern

QUEUE = "exchange/taskcluster-queue/v1"


def said(event: str, task: str = "T", group: str = "G") -> Message:
    """Return a message of the queue; ``event`` as its exchange is named."""
    key = f"primary.{task}.0.wg.w.prov.type.sched.{group}._"
    if event.startswith("task-group"):
        key = f"primary.{group}.sched._"
    return Message({}, f"{QUEUE}/{event}", key, False, (), (), None, None, "{}")


TASKS = {
    "nothing": ([], None),
    "running": (["task-defined", "task-pending", "task-running"], None),
    "completed": (["task-running", "task-completed"], Outcome.COMPLETED),
    "failed": (["task-failed"], Outcome.FAILED),
    "exception": (["task-exception"], Outcome.EXCEPTION),
    "run once more": (["task-failed", "task-pending"], None),
    "run once more, and better": (["task-failed", "task-running", "task-completed"], "completed"),
}


@pytest.mark.parametrize(("events", "outcome"), TASKS.values(), ids=TASKS)
def test_a_task_is_what_its_newest_message_says(events: list[str], outcome: object) -> None:
    watch = Watch(TASK_WORD, "T")
    for event in events:
        assert watch.take(said(event))
    assert watch.outcome == (Outcome(outcome) if isinstance(outcome, str) else outcome)
    assert watch.is_resolved is (watch.outcome is not None)


def test_messages_about_others_say_nothing() -> None:
    watch = Watch(TASK_WORD, "T")
    assert not watch.take(said("task-failed", task="other"))
    assert not watch.take(Message({}, "e", "primary.T.0", False, (), (), None, None, "{}"))
    assert not watch.take(Message({}, f"{QUEUE}/task-failed", "", False, (), (), None, None, "{}"))
    assert watch.last_event == ""


GROUPS = {
    "none is known": ([], Outcome.COMPLETED, "its tasks are not known"),
    "all completed": ([("a", "completed"), ("b", "completed")], Outcome.COMPLETED, "2 completed"),
    "an exception": ([("a", "exception"), ("b", "completed")], Outcome.EXCEPTION, "1 exception"),
    "a failure": ([("a", "exception"), ("b", "failed")], Outcome.FAILED, "1 failed"),
    "mended": ([("a", "failed"), ("a", "running"), ("a", "completed")], Outcome.COMPLETED, "1 com"),
}


@pytest.mark.parametrize(("tasks", "outcome", "known"), GROUPS.values(), ids=GROUPS)
def test_a_group_is_what_its_tasks_are(
    tasks: list[tuple[str, str]], outcome: Outcome, known: str
) -> None:
    watch = Watch(GROUP_WORD, "G")
    for task, event in tasks:
        watch.take(said(f"task-{event}", task))
        assert not watch.is_resolved
    watch.take(said("task-group-resolved"))
    assert watch.is_resolved
    assert watch.outcome is outcome
    assert known in watch.summary()


def test_a_group_that_gets_another_task_is_not_resolved_any_more() -> None:
    watch = Watch(GROUP_WORD, "G")
    watch.take(said("task-group-resolved"))
    watch.take(said("task-defined", "new"))
    assert not watch.is_resolved


def test_the_end_of_a_groups_last_task_may_come_after_its_own() -> None:
    watch = Watch(GROUP_WORD, "G")
    watch.take(said("task-group-resolved"))
    watch.take(said("task-failed"))
    assert watch.is_resolved
    assert watch.outcome is Outcome.FAILED


def test_what_was_missed_is_part_of_a_groups_summary() -> None:
    watch = Watch(GROUP_WORD, "G")
    watch.miss(datetime(2026, 11, 30, 12, 0, tzinfo=UTC))
    watch.take(said("task-completed"))
    assert watch.summary().endswith(
        "1 completed; others may have ended before 2026-11-30 12:00:00 UTC"
    )


@pytest.mark.parametrize(("word", "events"), [(TASK_WORD, TASK_EVENTS), (GROUP_WORD, GROUP_EVENTS)])
def test_what_is_bound_matches_the_messages_and_no_others(word: str, events: list[str]) -> None:
    mine, other = ("T", "G") if word == TASK_WORD else ("G", "T")
    bindings = bindings_about(word, mine, events)
    assert len(bindings) == len(events)
    for binding in bindings:
        event = binding.exchange.removeprefix(f"{QUEUE}/")
        matches = compile_pattern(binding.pattern).matches
        assert matches(said(event).routing_key.split("."))
        assert not matches(said(event, task="x", group="x").routing_key.split("."))
        assert not matches(said(event, task=other, group=other).routing_key.split("."))


def test_without_events_all_that_the_queue_says_is_bound() -> None:
    assert len(bindings_about(TASK_WORD, "T")) > len(TASK_EVENTS)
    assert {b.exchange for b in bindings_about(GROUP_WORD, "G")} >= {f"{QUEUE}/task-group-resolved"}


def test_what_a_server_refuses_is_left_out_unless_somebody_named_it() -> None:
    named, *optional = bindings_about(TASK_WORD, "T")
    bindings = [named, *optional]
    refusal = BindingRefused(f"exchange '{optional[0].exchange}': it does not exist (…)")
    assert without_refused(bindings, optional, refusal) == (named, *optional[1:])
    with pytest.raises(BindingRefused):
        without_refused(optional[:1], optional, refusal)
    for other in (f"exchange '{named.exchange}': it does not exist", "something else"):
        with pytest.raises(BindingRefused):
            without_refused(bindings, optional, BindingRefused(other))


@pytest.mark.parametrize("identifier", ["", "a.b", "#", "*", "a b", "x" * 65, "é"])
def test_what_can_be_no_id_is_refused(identifier: str) -> None:
    with pytest.raises(InputError, match="no ID"):
        bindings_about(TASK_WORD, identifier)
