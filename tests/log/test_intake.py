"""What is read of a log: what it says is recorded, and which losses are told."""

import pytest

from pulse_events.history import Hole, Record, Room
from pulse_events.log.entries import (
    UNKNOWN_MS,
    Began,
    Entry,
    Lost,
    Probe,
    Recorded,
    Stamp,
    holds,
)
from pulse_events.log.intake import Intake
from pulse_events.log.tail import Tail

START_MS = 1_000_000
A, B = "a" * 16, "b" * 16


@pytest.fixture
def intake() -> Intake:
    return Intake(Tail(lambda: START_MS, Room(1 << 20), 3_600_000))


def take(intake: Intake, offset: int, entry: Entry) -> list[Record | Hole]:
    return list(intake.take(offset, entry))


def known(intake: Intake) -> tuple[frozenset[str] | None, int]:
    """Return what the log said is recorded, and how much it has grown since."""
    return intake.held, intake.since_held


def said(number: int, *marks: str) -> Entry:
    """Return an entry of nobody's turn, said so many milliseconds after the start."""
    return holds(Stamp(f"{number:08x}", 0, START_MS + number), marks)


def test_it_knows_what_the_log_said_last_is_recorded(intake: Intake) -> None:
    assert intake.held is None
    take(intake, 0, Probe(Stamp("00000000", 0, START_MS)))
    assert intake.held is None
    take(intake, 1, said(1, A, B))
    assert known(intake) == (frozenset({A, B}), 0)
    take(intake, 2, Probe(Stamp("00000000", 1, START_MS)))
    take(intake, 4, Probe(Stamp("00000000", 2, START_MS)))  # a segment's snapshot takes one
    assert intake.since_held == 3
    take(intake, 5, said(2))
    assert known(intake) == (frozenset(), 0)
    intake.restart()
    assert (intake.held, intake.dropped) == (None, {})


def test_it_knows_since_when_something_is_recorded_no_more(intake: Intake) -> None:
    take(intake, 0, said(1, A, B))
    assert intake.dropped == {}
    take(intake, 1, said(2, A))
    take(intake, 2, said(3))
    assert intake.dropped == {B: START_MS + 2, A: START_MS + 3}
    take(intake, 3, said(4, B))
    assert intake.dropped == {A: START_MS + 3}


def test_what_is_of_a_term_that_is_over_says_nothing(intake: Intake) -> None:
    take(intake, 0, Began(Stamp("00000002", 0, START_MS, 2)))
    take(intake, 1, holds(Stamp("00000001", 5, START_MS, 1), [A]))
    assert intake.held is None


def test_before_anything_was_recorded_only_what_was_to_be_is_missing(intake: Intake) -> None:
    stamp = Stamp("00000001", 0, START_MS)
    assert take(intake, 0, Lost(stamp, 0, "", "the inbox is new")) == []
    (hole,) = take(intake, 1, Lost(stamp, UNKNOWN_MS, "e", "it came late"))
    assert isinstance(hole, Hole)
    assert (hole.exchange, hole.from_ms) == ("e", 0)  # nobody knows
    take(intake, 2, Recorded(Stamp("00000002", 0, START_MS + 9, 1), "e", "k", (), b"{}"))
    (hole,) = take(intake, 3, Lost(stamp, 0, "", "the inbox was full"))
    assert isinstance(hole, Hole)
    assert hole.from_ms == START_MS + 9
