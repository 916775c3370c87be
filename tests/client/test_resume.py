"""The client goes on where it was: what it asks for, what it tells, and what it does without."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pulse_events import Gap, InputError, Message
from tests.client.conftest import Take
from tests.support.scripted_server import (
    STAY,
    Asked,
    Script,
    ScriptedServer,
    event,
    gap,
    message,
    ready,
)


def shown(found: list[Any]) -> list[tuple[str, str | None]]:
    return [(type(item).__name__.lower(), item.cursor) for item in found]


def resuming(asked: list[Asked]) -> list[tuple[str | None, str | None]]:
    """Return what each connect said of resuming."""
    return [(each.query.get("resume"), each.last_event_id) for each in asked]


def test_each_connect_goes_on_behind_what_the_last_one_brought(take: Take) -> None:
    scripts = [
        [ready("1"), message("a", "2")],
        [ready("2"), event("ping", {}, "3")],
        [ready("3")],
        [ready("3"), gap("gone", "5")],
        [ready("5"), message("b", "6"), STAY],
    ]
    with ScriptedServer(*scripts) as server:
        found = take(9, server.url, events=True)
    assert shown(found) == [
        ("ready", "1"), ("message", "2"),
        ("ready", "2"), ("ping", "3"),
        ("ready", "3"),
        ("ready", "3"), ("gap", "5"),
        ("ready", "5"), ("message", "6"),
    ]  # fmt: skip
    assert resuming(server.asked) == [("true", last) for last in (None, "2", "3", "3", "5")]
    assert server.configs == 1


@pytest.mark.parametrize(
    "config",
    [
        None,
        b"",
        b"[]",
        b'{"pingInterval": 20.0}',
        b'{"history": "off"}',
        b'{"history": null}',
        b"\xff",
        b'{"history": "memory", "more": "%b"}' % (b"x" * 100_000),
    ],
)
def test_a_server_that_does_not_say_so_keeps_no_history(take: Take, config: bytes | None) -> None:
    with ScriptedServer([ready(), message("a"), STAY], config=config) as server:
        found = take(2, server.url, events=True)
    assert shown(found) == [("ready", None), ("message", None)]
    assert resuming(server.asked) == [(None, None)]


def test_without_a_history_each_connect_begins_anew(take: Take) -> None:
    with ScriptedServer([ready(), message("a")], config=None) as server:
        assert len(take(4, server.url, events=True)) == 4
    assert resuming(server.asked) == [(None, None)] * 2
    assert server.configs == 1


def test_who_wants_no_history_asks_for_none(take: Take) -> None:
    with ScriptedServer([ready()]) as server:
        take(2, server.url, events=True, resume=False)
    assert resuming(server.asked) == [(None, None)] * 2
    assert server.configs == 0


def test_a_cursor_is_where_the_first_connect_begins(take: Take) -> None:
    with ScriptedServer([ready("1s_-"), STAY]) as server:
        take(1, server.url, events=True, cursor="1s_-")
    assert resuming(server.asked) == [("true", "1s_-")]
    assert server.configs == 0


def test_a_beginning_counts_until_there_is_a_cursor(take: Take) -> None:
    scripts = [[ready("2")], [ready("2"), STAY]]
    with ScriptedServer(*scripts) as server:
        found = take(2, server.url, events=True, since="10m")
    assert shown(found) == [("ready", "2"), ("ready", "2")]
    assert [each.query.get("since") for each in server.asked] == ["10m"] * 2
    assert resuming(server.asked) == [("true", None), ("true", "2")]


def test_who_is_cut_off_before_a_gap_is_told_of_it_by_the_next_connection(take: Take) -> None:
    told = gap("the history was another process'", "12")
    scripts = [[ready("1")], [ready("9")], [ready("11"), told, STAY]]
    with ScriptedServer(*scripts) as server:
        found = take(4, server.url, events=True)
    assert [type(item).__name__ for item in found] == ["Ready", "Ready", "Ready", "Gap"]
    assert [last for _, last in resuming(server.asked)] == [None, "1", "1"]


def test_what_makes_no_sense_is_raised_before_anything_is_tried(take: Take) -> None:
    with ScriptedServer([ready()]) as server:
        with pytest.raises(InputError):
            take(1, server.url, events=True, last=1, resume=False)
        assert not server.asked


def test_what_comes_before_ready_is_no_place_to_go_on_from(take: Take) -> None:
    scripts = [[ready("1")], [event("ping", {}, "7")], [ready("1"), STAY]]
    with ScriptedServer(*scripts) as server:
        found = take(3, server.url, events=True)
    assert shown(found) == [("ready", "1"), ("ping", "1"), ("ready", "1")]
    assert [last for _, last in resuming(server.asked)] == [None, "1", "1"]


def test_an_error_event_has_the_place_to_go_on_from(take: Take) -> None:
    scripts = [[ready("1"), event("error", "the server is stopping", "2")], [ready("2"), STAY]]
    with ScriptedServer(*scripts) as server:
        take(2, server.url, events=True)
    assert [last for _, last in resuming(server.asked)] == [None, "2"]


def test_what_is_cut_off_in_the_middle_comes_again(take: Take) -> None:
    half = message("b", "3").removesuffix(b"\n")
    scripts = [[ready("1"), message("a", "2"), half], [ready("2"), message("b", "3"), STAY]]
    with ScriptedServer(*scripts) as server:
        found = take(2, server.url)
    assert [each.payload for each in found] == ["a", "b"]
    assert [last for _, last in resuming(server.asked)] == [None, "2"]


def test_gaps_are_told_at_their_place(take: Take) -> None:
    scripts = [[ready("1"), gap("gone", "5", "2026-11-25T10:00:00Z"), message("a", "6"), STAY]]
    with ScriptedServer(*scripts) as server:
        found = take(3, server.url, events=True)
    begin = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
    assert found[1] == Gap("gone", begin, begin + timedelta(seconds=751), "5")
    assert isinstance(found[2], Message)


def test_who_does_not_ask_for_gaps_finds_them_in_the_log(
    take: Take, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedServer([ready("1"), gap("go\nne", "5"), message("a", "6"), STAY]) as server:
        assert take(1, server.url)[0].payload == "a"
    (record,) = [each for each in caplog.records if each.name == "pulse_events"]
    assert record.levelno == logging.WARNING
    said = "messages may be missing up to 2026-11-25T10:12:31Z: go ne"
    assert record.getMessage() == said


@pytest.mark.parametrize("odd", [[], {}, {"to": 5, "from": "x"}, {"reason": {"a": 1}}])
def test_a_gap_of_another_shape_is_no_crash(odd: object, take: Take) -> None:
    with ScriptedServer([ready("1"), event("gap", odd, "2"), STAY]) as server:
        (_, found) = take(2, server.url, events=True)
    assert (found.start, found.cursor) == (None, "2")
    assert abs(datetime.now(UTC) - found.end) < timedelta(minutes=1)


@pytest.mark.parametrize("refusal", [204, 400])
def test_a_server_that_lost_its_history_is_heard_behind_a_gap(take: Take, refusal: int) -> None:
    scripts: list[Script] = [[ready("1"), message("a", "2")], refusal, [ready()]]
    with ScriptedServer(*scripts) as server:
        found = take(5, server.url, events=True)
    assert shown(found[2:]) == [("gap", None), ("ready", None), ("ready", None)]
    assert found[2].start is None
    assert abs(datetime.now(UTC) - found[2].end) < timedelta(minutes=1)
    assert resuming(server.asked) == [("true", None), ("true", "2"), (None, None), (None, None)]


def test_who_is_not_let_in_any_more_keeps_the_place(take: Take) -> None:
    with ScriptedServer([ready("1"), message("a", "2")], 401, [ready("2"), STAY]) as server:
        with pytest.raises(InputError, match="a 401"):
            take(3, server.url, events=True)
        assert resuming(server.asked) == [("true", None), ("true", "2")]


def test_an_older_server_that_takes_its_turn_is_listened_to_behind_a_gap(take: Take) -> None:
    scripts = [[ready("1")], [ready()], [ready("8"), message("a", "9"), STAY]]
    with ScriptedServer(*scripts) as server:
        found = take(5, server.url, events=True)
    assert shown(found) == [
        ("ready", "1"), ("gap", None), ("ready", None), ("ready", "8"), ("message", "9"),
    ]  # fmt: skip
    assert found[1].reason == "the server keeps no history"
    assert resuming(server.asked) == [("true", None), ("true", "1"), ("true", None)]


def test_a_first_connect_that_is_refused_is_raised_at_once(take: Take) -> None:
    with ScriptedServer(400) as server:
        with pytest.raises(InputError, match="a 400"):
            take(1, server.url, events=True)
        assert len(server.asked) == 1


@pytest.mark.parametrize("script", [[ready(), STAY], 204])
def test_a_history_that_is_needed_must_be_there_and_stay(take: Take, script: Script) -> None:
    for scripts in ([script], [[ready("1")], script]):
        with ScriptedServer(*scripts) as server:
            with pytest.raises(InputError, match="the server keeps no history"):
                take(9, server.url, events=True, resume=True)


@pytest.mark.parametrize(("retry_ms", "wait_s"), [(0, 0.5), (700, 0.7)])
def test_the_server_says_the_first_delay_and_then_they_grow(
    take: Take, retry_ms: int, wait_s: float
) -> None:
    waits: list[float] = []
    scripts: list[Script] = [[ready("1", retry_ms=retry_ms)], 503, [ready("1"), STAY]]
    with ScriptedServer(*scripts) as server:
        take(2, server.url, events=True, first_delay_s=0.5, on_retry=lambda _, s: waits.append(s))
    assert waits[0] == wait_s
    assert wait_s / 2 <= waits[1] <= wait_s


def test_a_delay_without_end_is_cut_short(take: Take) -> None:
    waits: list[float] = []

    def tell(_reason: str, wait_s: float) -> None:
        waits.append(wait_s)
        raise KeyError  # nobody waits for it here

    with ScriptedServer([ready("1", retry_ms=999_999_999)]) as server:
        with pytest.raises(KeyError):
            take(2, server.url, events=True, on_retry=tell)
    assert waits == [15.0]
