"""Plain forms in which users give bindings and times."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import taskcluster

from pulse_events.bindings import Binding, BindingSet
from pulse_events.client.forms import bindings_of, since_text
from pulse_events.errors import InputError

ONE = Binding("e", "a.#")


@pytest.mark.parametrize(
    "form",
    [
        ONE,
        ("e", "a.#"),
        {"exchange": "e", "routingKeyPattern": "a.#"},
        {"exchange": "e", "pattern": "a.#"},
        {"exchange": "e", "pattern": "a.#", "routingKeyPattern": "a.#"},
        {"exchange": "e", "routingKeyPattern": "a.#", "routingKeyReference": [{"name": "x"}]},
    ],
    ids=repr,
)
def test_one_binding_in_any_form_alone_or_among_others(form: Any) -> None:
    assert bindings_of(form) == (ONE,)
    assert bindings_of([form]) == (ONE,)
    assert bindings_of(iter([("x", "#"), form, form])) == (Binding("x", "#"), ONE, ONE)


def test_a_pair_among_others_may_be_a_list_as_json_has_it() -> None:
    assert bindings_of([["e", "a.#"]]) == (ONE,)
    assert bindings_of((("x", "#"), ["e", "a.#"])) == (Binding("x", "#"), ONE)


def test_what_taskcluster_s_libraries_give() -> None:
    events = taskcluster.QueueEvents({"rootUrl": "https://tc.example.com"})
    (found,) = bindings_of(events.taskCompleted({"taskId": "abc"}))
    assert found.exchange == "exchange/taskcluster-queue/v1/task-completed"
    assert found.pattern.startswith("primary.abc.*.")


def test_a_set_of_bindings_is_several() -> None:
    assert bindings_of(BindingSet.of([("e", "b"), ("e", "a")])) == (
        Binding("e", "a"),
        Binding("e", "b"),
    )


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ([], "'bindings' is empty"),
        ("e=#", "bindings is 'e=#', which is not a Binding"),
        (["exchange/a", "exchange/b"], r"bindings\[0\] is 'exchange/a', which is not a Binding"),
        (None, "bindings is None"),
        (5, "bindings is 5"),
        ([("e", "#"), "x"], r"bindings\[1\] is 'x', which is not a Binding"),
        ([("e", "#", "x")], r"bindings\[0\] is "),
        ([("e", 5)], r"bindings\[0\] is "),
        ({"exchange": "e"}, r"bindings\[0\] lacks the field 'routingKeyPattern'"),
        ({"pattern": "#"}, r"bindings\[0\]\.exchange must be a string, this is None"),
        ({"exchange": "e", "pattern": 5}, r"bindings\[0\]\.routingKeyPattern must be a string"),
        (
            {"exchange": "e", "pattern": "a", "routingKeyPattern": "b"},
            r"bindings\[0\] has two patterns",
        ),
        ([("e", "#"), ("e", "x" * 256)], r"bindings\[1\]: routingKeyPattern is 256 bytes"),
        (("e", "a\n"), r"bindings\[0\]: .* control character"),
        (("e", "\ud800"), r"bindings\[0\]: .* lone surrogate"),
    ],
)
def test_what_is_no_binding_is_named(wrong: Any, text: str) -> None:
    with pytest.raises(InputError, match=f"^{text}"):
        bindings_of(wrong)


@pytest.mark.parametrize(
    ("since", "text"),
    [
        (None, None),
        ("what the server reads", "what the server reads"),
        (timedelta(minutes=10), "600s"),
        (timedelta(milliseconds=1), "1s"),
        (timedelta(0), "0s"),
        (timedelta.max, "999999999s"),
        (datetime(2026, 11, 25, 10, tzinfo=UTC), "2026-11-25T10:00:00.000Z"),
        (
            datetime(2026, 11, 25, 10, tzinfo=timezone(timedelta(hours=2))),
            "2026-11-25T08:00:00.000Z",
        ),
    ],
)
def test_since_is_a_text_of_the_wire(since: Any, text: str | None) -> None:
    assert since_text(since) == text


@pytest.mark.parametrize(
    "wrong",
    [
        timedelta(seconds=-1),
        datetime(2026, 11, 25),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=2))),
        5,
        datetime(2026, 11, 25).date(),
    ],
)
def test_a_time_that_says_nothing_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError, match=r"^since is "):
        since_text(wrong)
