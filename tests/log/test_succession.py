"""What counts of the entries of several recorders, in the order in which they stand in a log."""

import pytest

from pulse_events.log.entries import Began, Entry, Holds, Lost, Probe, Recorded, Stamp
from pulse_events.log.succession import Succession


def entry_of(text: str) -> Entry:
    """Return an entry: its writer, that one's term, its number, and its kind if no message."""
    stamp = Stamp(text[0], int(text[2]), 0, int(text[1]))
    kinds: dict[str, Entry] = {
        "began": Began(stamp),
        "probe": Probe(stamp),
        "lost": Lost(stamp, 0, "e", "full"),
        "holds": Holds(stamp, ()),
    }
    return kinds.get(text[3:], Recorded(stamp, "e", text[:3], (), b"{}"))


@pytest.mark.parametrize(
    ("log", "void"),
    [
        ("", ""),
        ("a13 a14 a15", ""),
        ("r00probe a13 r00probe a14", ""),
        ("a13 r00lost a14", ""),
        ("a13 r00holds a14", ""),
        # A missing number.
        ("a13 a15 a16", "a15 a16"),
        ("a10began a12", "a12"),
        ("a13 a15lost a16", "a15lost a16"),
        ("a13 a14lost a15", ""),
        ("a10began a11 a13 b20began b21 b22", "a13"),
        # A later term.
        ("a10began a11 b20began a12 b21 a13lost b22", "a12 a13lost"),
        ("a10began b20began c30began b21 a11 c31", "b21 a11"),
        # A term is his who began it first; one that is over does not begin.
        ("a10began b20began c20began b21 c21", "c20began c21"),
        ("b20began a10began a11 b21", "a10began a11"),
        ("b20began b21 b20began b22", "b20began"),
        # It was begun before the first that was read.
        ("a17 b25 a18 b26", "a18"),
    ],
)
def test_what_is_behind_a_later_term_or_a_missing_number_does_not_count(
    log: str, void: str
) -> None:
    succession = Succession()
    assert [text for text in log.split() if not succession.counts(entry_of(text))] == void.split()


def test_what_was_not_read_is_not_missing() -> None:
    succession = Succession()
    assert succession.counts(entry_of("a13"))
    succession.skip()
    assert succession.counts(entry_of("a17"))
    assert not succession.counts(entry_of("a19"))
    assert succession.term == 1
