"""Fields of messages: paths, conditions, templates, and what was meant by a wrong one."""

import json
from typing import Any

import pytest

from pulse_events.cli.fields import Condition, NoSuchField, Template, nearest_field, value_at
from pulse_events.errors import InputError

MESSAGE = {
    "payload": {
        "status": {"taskId": "T", "state": "failed", "runs": [{"runId": 0}, {"runId": 1}]},
        "n": 1.5,
        "yes": True,
        "nothing": None,
        "text": "a\n\x1b[31m\u202eb",
        "big": 10**30,
    },
    "routingKey": "primary.T.0",
    "routes": ["index.a", "index.b"],
}

VALUES = {
    "routingKey": "primary.T.0",
    "payload.status.state": "failed",
    "payload.status.runs.0.runId": 0,
    "payload.status.runs.-1.runId": 1,
    "routes.1": "index.b",
}


@pytest.mark.parametrize(("path", "value"), VALUES.items(), ids=VALUES)
def test_a_path_leads_to_a_value(path: str, value: Any) -> None:
    assert value_at(MESSAGE, path) == value


ABSENT = ["", "x", "payload.", "payload.status.runs.2", "payload.status.runs.x", "routingKey.0"]


@pytest.mark.parametrize("path", ABSENT)
def test_a_path_that_leads_nowhere_says_so(path: str) -> None:
    with pytest.raises(NoSuchField):
        value_at(MESSAGE, path)


HOLDS = {
    "payload.status.state=failed": True,
    "payload.status.state=fail": False,
    "payload.status.runs.0.runId=0": True,
    "payload.status.runs.0.runId=0.0": True,
    "payload.status.runs.0.runId=false": False,
    "payload.n=1.5": True,
    "payload.n=1.50": True,
    "payload.n=x": False,
    f"payload.big={10**30}": True,
    f"payload.big={10**30 + 1}": False,
    f"payload.n={'9' * 5000}": False,
    "payload.yes=true": True,
    "payload.yes=1": False,
    "payload.nothing=null": True,
    "payload.nothing=": False,
    "routes=index.b": True,
    "routes=index": False,
    "payload.status={}": False,
    "payload.no.such=": False,
    "routingKey=primary.T.0": True,
}


@pytest.mark.parametrize(("text", "holds"), HOLDS.items(), ids=lambda each: str(each)[:30])
def test_a_condition_compares_as_the_value_is(text: str, holds: bool) -> None:
    assert Condition.read(text).holds(MESSAGE) is holds


def test_a_value_may_have_equals_signs() -> None:
    assert Condition.read("a=b=c").holds({"a": "b=c"})


@pytest.mark.parametrize("text", ["", "x", "=x"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="FIELD=VALUE"):
        Condition.read(text)


FILLED = {
    "": "",
    "{routingKey} {payload.status.state}": "primary.T.0 failed",
    r"{{}}\t\n\\n": "{}\t\n\\n",
    "{payload.no}.": ".",
    "{payload.n} {payload.yes} {payload.nothing} {routes}": ('1.5 true null ["index.a","index.b"]'),
    "{payload.text}": r"a\n\u001b[31m\u202eb",
    "{payload.status.runs}": '[{"runId":0},{"runId":1}]',
}


@pytest.mark.parametrize(("text", "filled"), FILLED.items(), ids=FILLED)
def test_a_template_is_filled_with_fields(text: str, filled: str) -> None:
    assert Template(text).filled(MESSAGE) == filled


@pytest.mark.parametrize("text", ["{", "}", "{}", "{a!r}", "{a:>9}", "{a[0]!s}", "{a{b}}"])
def test_a_template_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Template(text)


def test_no_template_reaches_anything_but_json() -> None:
    assert Template("{payload.__class__}{__class__}{payload[n]}").filled(MESSAGE) == ""


def test_a_value_that_is_nested_deep_is_not_the_end() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert Template("{payload}").filled({"payload": deep}) == "…"


MEANT = {
    "payload.status.stat": "payload.status.state",
    "status.state": "payload.status.state",
    "routingkey": "routingKey",
    "state": "payload.status.state",
    "runs.0.runId": "payload.status.runs.0.runId",
    "zzzzzz": "",
}


@pytest.mark.parametrize(("wrong", "meant"), MEANT.items(), ids=MEANT)
def test_the_nearest_field_is_found(wrong: str, meant: str) -> None:
    assert nearest_field(MESSAGE, wrong) == meant


DOTTED = {"payload": {"a.b": 1, "c": {"d.e": {"name": 1}, "a=b": 1, "x:y": {"z": 1}, "{v}": 1}}}


@pytest.mark.parametrize("path", ["a.b", "payload.a.b", "name", "a=b", "x:y", "z", "v", "d.e"])
def test_no_field_is_proposed_that_cannot_be_named(path: str) -> None:
    assert nearest_field(DOTTED, path) in ("", "payload", "payload.c")


def test_a_message_of_many_fields_costs_little_and_one_of_long_names_is_not_repeated() -> None:
    many = {"payload": [{f"{'n' * 300}{i}": {} for i in range(50_000)}, *range(50_000)]}
    assert nearest_field(many, "payload.0.nnn") in ("", "payload.0", "payload")
    assert len(json.dumps(many)) > 1 << 20
