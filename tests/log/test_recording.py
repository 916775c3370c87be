"""The recorder's plain cases: what it writes, skips and acknowledges, and when it gives up."""

import pytest

from pulse_events.log.entries import Began, Entry, Lost, Recorded, Stamp, decode
from pulse_events.log.recording import (
    LOOK_MS,
    PREFETCH,
    QUIET_MS,
    Recording,
    RecordsLost,
    Superseded,
)
from pulse_events.log.takeover import LogContent
from pulse_events.messages import Message, encode_message

OURS, FORMER = "0123abcd", "ffffffff"
TERM = 7


class Desk:
    """A recording, and what it does."""

    def __init__(self, *end: str, prefetch: int = PREFETCH, trusts_marks: bool = True) -> None:
        self.now_ms = 1000
        self.end = [content(key) for key in end]
        self.written: list[Entry] = []
        self.acknowledged: list[int] = []
        self.tag = 0
        self.recording = Recording(
            OURS,
            lambda: self.now_ms,
            lambda body: self.written.append(decode(body)),
            self.acknowledged.append,
            lambda: self.end,
            lambda: TERM - 1,
            prefetch=prefetch,
            trusts_marks=lambda: trusts_marks,
        )

    def deliver(self, *keys: str) -> None:
        """Deliver messages; those that come again are marked so: ``+key``."""
        for key in keys:
            self.tag += 1
            name = key.removeprefix("+")
            again = name != key
            self.recording.deliver(Message("e", name, b"1", redelivered=again), self.tag)

    def wait(self, ms: int) -> None:
        """Let time pass in which nothing is delivered, and what is due be done."""
        while ms:
            step_ms = min(ms, LOOK_MS)
            ms -= step_ms
            self.now_ms += step_ms
            self.recording.flush()

    def come_back(self, *numbers: int) -> None:
        """Have the live reader read what was written."""
        for number in numbers:
            self.recording.read_back(self.written[number], counts=True)

    def keys(self) -> list[str]:
        """Return the keys of the messages that were written."""
        return [entry.routing_key for entry in self.written if isinstance(entry, Recorded)]


def content(key: str) -> LogContent:
    """Return what a recorder keeps of a message of `Desk`."""
    return LogContent("e", key, (), encode_message(Message("e", key, b"1")))


def recorded(key: str, number: int, writer: str = FORMER, term: int = TERM - 1) -> Recorded:
    """Return what a recorder writes of a message of `Desk`."""
    return Recorded(Stamp(writer, number, 1000, term), *content(key))


@pytest.mark.parametrize(
    ("end", "comes", "written"),
    [("abc", "b c d e", "de"), ("abc", "d", "d"), ("abc", "+b c d", "d"), ("", "a", "a")],
)
def test_a_broker_that_was_killed_forgets_what_it_delivered(
    end: str, comes: str, written: str
) -> None:
    desk = Desk(*end, trusts_marks=False)
    desk.deliver(*comes.split())
    desk.come_back(0)
    assert desk.keys() == [*written]


def test_nothing_is_written_before_the_first_delivery() -> None:
    desk = Desk()
    desk.recording.lost(5, "", "full")
    desk.recording.read_back(Began(Stamp(FORMER, 0, 0, TERM - 1)), counts=True)
    desk.recording.flush()
    assert desk.written == []
    assert desk.acknowledged == []
    assert desk.recording.oldest_ms() is None


def test_a_loss_that_goes_on_while_another_records_is_held_once() -> None:
    desk = Desk()
    for since_ms in range(5, 1000):
        desk.recording.lost(since_ms, "", "full")
        desk.recording.lost(since_ms, "e", "full")
    assert desk.recording.losses == [(5, "", "full"), (5, "e", "full")]


def test_a_loss_that_another_has_recorded_is_not_told_once_more() -> None:
    desk = Desk()
    desk.recording.lost(5, "", "full")
    desk.recording.lost(5, "e", "gone")
    told = Lost(Stamp(FORMER, 3, 6, TERM - 1), 4, "", "full")
    desk.recording.read_back(told, counts=False)
    assert len(desk.recording.losses) == 2
    desk.recording.read_back(told, counts=True)
    assert desk.recording.losses == [(5, "e", "gone")]


def test_messages_wait_until_the_log_s_end_is_known() -> None:
    desk = Desk()
    desk.deliver("a", "b")
    assert desk.written == [Began(Stamp(OURS, 0, 1000, TERM))]
    desk.come_back(0)
    assert desk.keys() == ["a", "b"]
    desk.deliver("c")
    assert [entry.stamp.number for entry in desk.written] == [0, 1, 2, 3]
    assert desk.written[1:] == [recorded(key, n, OURS, TERM) for n, key in enumerate("abc", 1)]


def test_a_message_is_acknowledged_when_it_and_all_before_came_back() -> None:
    desk = Desk()
    desk.deliver("a", "b", "c")
    desk.come_back(0)
    desk.recording.flush()
    assert desk.acknowledged == []
    desk.come_back(1, 2)
    assert desk.acknowledged == []
    desk.recording.flush()
    desk.recording.flush()
    assert desk.acknowledged == [2]
    assert (desk.recording.recorded, desk.recording.acknowledged) == (2, 2)
    assert desk.recording.in_flight == 1


@pytest.mark.parametrize(
    ("end", "comes", "written"),
    [
        ("abc", "+b +c +d e", "de"),
        ("abc", "+a +b +c", ""),
        ("abc", "+d", "d"),
        ("abc", "c", "c"),
        ("abc", "+c c", "c"),
        ("aba", "+a +b +a", ""),
        ("aba", "+a +b c", "bc"),
        ("aaa", "+a +a a", "a"),
        ("abab", "+a +b b", "b"),
        ("ab", "+b +c +a +b", "cab"),
        ("abc", "+b c", "bc"),
        ("", "+a b", "ab"),
    ],
)
@pytest.mark.parametrize("early", range(1, 5))
def test_the_longest_beginning_that_ends_the_log_is_not_written_again(
    end: str, comes: str, written: str, early: int
) -> None:
    desk = Desk(*end)
    deliveries = comes.split()
    desk.deliver(*deliveries[:early])
    desk.come_back(0)
    desk.deliver(*deliveries[early:])
    assert desk.keys() == list(written)
    assert desk.recording.skipped == len(deliveries) - len(written)
    desk.recording.flush()
    skips = desk.recording.skipped
    assert desk.acknowledged == ([skips] if skips else [])


def test_what_comes_again_as_what_follows_in_the_log_waits_for_the_rest() -> None:
    desk = Desk("a", "b", "a")
    desk.deliver("+a", "+b")
    desk.come_back(0)
    desk.wait(QUIET_MS - 1)
    assert desk.keys() == []
    desk.deliver("+a")
    assert desk.keys() == []
    assert desk.recording.skipped == 3


def test_a_quiet_inbox_has_nothing_more_that_comes_again() -> None:
    desk = Desk("a", "b", "a")
    desk.deliver("+a", "+b")
    desk.come_back(0)
    desk.wait(QUIET_MS)
    assert desk.keys() == ["b"]
    assert desk.acknowledged == [1]


def test_an_inbox_was_not_quiet_while_the_process_stood_still() -> None:
    """What came meanwhile is delivered behind the first timer."""
    desk = Desk("a", "b", "a")
    desk.deliver("+a", "+b")
    desk.come_back(0)
    for stood_still_ms in (LOOK_MS + 1, 4000, 14_000):
        desk.now_ms += stood_still_ms
        desk.recording.flush()
    assert desk.keys() == []
    desk.deliver("+a")
    assert (desk.keys(), desk.recording.skipped) == ([], 3)


def test_no_more_than_the_prefetch_is_skipped() -> None:
    desk = Desk("a", "b", "c", prefetch=2)
    desk.deliver("+a", "+b", "+c")
    desk.come_back(0)
    assert desk.keys() == ["a", "b", "c"]


def test_a_missing_number_means_that_the_broker_lost_records() -> None:
    desk = Desk()
    desk.deliver("a", "b", "c")
    desk.come_back(0, 1)
    for number in (3, 3):
        with pytest.raises(RecordsLost, match="entry 3 of 0123abcd came back, 2 was due"):
            desk.come_back(number)
    desk.recording.flush()
    assert desk.acknowledged == [1]


def test_an_entry_that_comes_back_twice_was_not_due() -> None:
    desk = Desk()
    desk.deliver("a")
    desk.come_back(0, 1)
    with pytest.raises(RecordsLost, match="entry 1 of 0123abcd came back, nothing was due"):
        desk.come_back(1)


def test_another_term_behind_ours_means_that_another_records() -> None:
    desk = Desk()
    desk.deliver("a")
    for late in (recorded("a", 3), Lost(Stamp(FORMER, 4, 0, TERM - 1), 5, "", "full")):
        desk.recording.read_back(late, counts=True)
        desk.come_back(*[0] * (late == recorded("a", 3)))
        desk.recording.read_back(late, counts=False)
    desk.recording.read_back(Began(Stamp(FORMER, 0, 0, TERM - 1)), counts=False)
    desk.come_back(1)
    with pytest.raises(Superseded, match="ffffffff has begun a later term than 0123abcd"):
        desk.recording.read_back(Began(Stamp(FORMER, 0, 0, TERM + 1)), counts=True)


def test_a_beginning_that_does_not_count_records_nothing() -> None:
    desk = Desk()
    desk.deliver("a")
    with pytest.raises(Superseded, match="term 7 is not that of 0123abcd"):
        desk.recording.read_back(desk.written[0], counts=False)
    desk.recording.flush()
    assert len(desk.written) == 1
    assert desk.acknowledged == []


def test_a_loss_is_recorded_in_order_and_not_acknowledged() -> None:
    desk = Desk("a")
    desk.deliver("+a", "b")
    desk.recording.lost(5, "e", "full")
    desk.deliver("c")
    assert desk.recording.losses == [(5, "e", "full")]
    desk.come_back(0)
    desk.recording.lost(6, "", "gone")
    assert [type(entry) for entry in desk.written] == [Began, Recorded, Lost, Recorded, Lost]
    assert desk.written[2] == Lost(Stamp(OURS, 2, 1000, TERM), 5, "e", "full")
    desk.come_back(1, 2)
    assert desk.recording.losses == [(6, "", "gone")]
    desk.recording.flush()
    assert desk.acknowledged == [2]
    desk.come_back(3, 4)
    assert desk.recording.losses == []


def test_the_oldest_entry_that_has_not_come_back_has_a_time() -> None:
    desk = Desk()
    desk.deliver("a")
    desk.now_ms = 2000
    assert desk.recording.oldest_ms() == 1000
    desk.come_back(0)
    assert desk.recording.oldest_ms() == 2000
    desk.come_back(1)
    assert desk.recording.oldest_ms() is None


def test_a_whole_prefetch_of_equal_messages_is_compared_in_no_time() -> None:
    desk = Desk(*["a"] * PREFETCH)
    desk.deliver(*["+a"] * (PREFETCH - 1))
    desk.come_back(0)
    desk.deliver("b")
    assert desk.keys() == ["b"]
    assert desk.recording.skipped == PREFETCH - 1
