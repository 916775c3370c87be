"""Where a client's stream is: what moves it, what the next connection asks for."""

from typing import Any

import pytest

from pulse_events.client.place import Place
from pulse_events.cursors import is_cursor
from pulse_events.errors import InputError
from pulse_events.wire.sse import Event


def taken(place: Place, *events: tuple[str, str]) -> Place:
    for kind, event_id in events:
        place.take(Event(kind, "{}", event_id))
    return place


def test_it_is_where_the_last_event_was() -> None:
    place = taken(Place(resume=True), ("ready", "1"))
    assert place.headers() == {"Last-Event-ID": "1"}
    for kind in ("message", "ping", "gap", "error", "of later versions"):
        assert taken(place, (kind, kind[0])).cursor == kind[0]
        assert place.headers() == {"Last-Event-ID": kind[0]}
    assert place.query() == {"resume": "true"}


def test_an_event_without_a_cursor_moves_nothing() -> None:
    place = taken(Place(resume=True), ("ready", "1"), ("error", "-"), ("message", ""))
    assert place.cursor == "1"


@pytest.mark.parametrize("begin", [{"resume": True}, {"since": "10m"}, {"last": 5}])
def test_ready_says_where_it_begins(begin: Any) -> None:
    assert taken(Place(**begin), ("ready", "3")).headers() == {"Last-Event-ID": "3"}


def test_ready_moves_nothing_while_a_gap_may_still_come() -> None:
    place = taken(Place(cursor="1"), ("ready", "9"))
    assert place.cursor == "1"
    assert taken(place, ("gap", "9")).cursor == "9"


def test_a_beginning_stays_in_the_url() -> None:
    assert Place(since="10m").query() == {"resume": "true", "since": "10m"}
    assert taken(Place(last=5), ("message", "1")).query() == {"resume": "true", "last": "5"}


@pytest.mark.parametrize("resume", [None, False])
def test_who_does_without_asks_for_nothing(resume: bool | None) -> None:
    place = taken(Place(resume=resume), ("ready", "-"), ("message", "-"))
    assert (place.query(), place.headers(), place.cursor) == ({}, {}, None)
    assert place.resumes is resume
    assert not place.does_without("refused")


def test_a_server_without_a_history_is_refused_by_who_needs_one() -> None:
    for needy in (Place(resume=True), Place(cursor="1"), Place(since="1h"), Place(last=1)):
        assert needy.resumes
        with pytest.raises(InputError, match="the server keeps no history"):
            taken(needy, ("ready", "-"))
        assert not needy.does_without("refused")


def as_the_server_has_it() -> Place:
    place = Place()
    assert place.resumes is None
    place.resumes = True
    return place


def test_what_was_never_granted_is_not_asked_for_in_another_way() -> None:
    assert not as_the_server_has_it().does_without("refused")


def test_a_history_that_is_gone_is_told_once_if_there_was_a_place_in_it() -> None:
    place = taken(as_the_server_has_it(), ("ready", "1"))
    assert place.does_without("refused")
    assert (place.query(), place.headers(), place.cursor) == ({}, {}, None)
    assert (place.told(), place.missed) == ("refused", "")
    assert not place.does_without("refused again")


def test_a_server_without_one_that_takes_its_turn_is_told_too() -> None:
    place = taken(as_the_server_has_it(), ("ready", "1"), ("ready", "-"))
    assert place.told() == "the server keeps no history"
    assert taken(place, ("ready", "-")).missed == ""
    assert place.query() == {"resume": "true"}
    assert taken(place, ("ready", "8")).cursor == "8"


@pytest.mark.parametrize(
    "wrong",
    [
        {"cursor": "-"},
        {"cursor": ""},
        {"cursor": "a\r\nX: y"},
        {"cursor": "x" * 64},
        {"cursor": "1", "resume": False},
        {"since": "10m", "resume": False},
        {"last": 1, "resume": False},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError):
        Place(**wrong)


@pytest.mark.parametrize("text", ["1", "1sAAAAAAAAAGQAAAB7", "_-", "--", "x" * 63])
def test_a_cursor_is_short_and_of_few_characters(text: str) -> None:
    assert is_cursor(text)


@pytest.mark.parametrize("text", ["", "-", "x" * 64, "a b", "a\n", "é", "1."])
def test_other_ids_are_no_cursors(text: str) -> None:
    assert not is_cursor(text)
