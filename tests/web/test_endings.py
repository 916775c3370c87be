"""Streams that have had their last event: closed when they are read, cut off when they are not."""

from typing import TYPE_CHECKING, cast

from pulse_events.web.endings import Endings

if TYPE_CHECKING:
    from pulse_events.web.client_stream import ClientStream


class Ended:
    """What is known here of a stream; ``said`` is what happened to it."""

    def __init__(
        self,
        endings: Endings,
        *,
        is_read: bool = False,
        unsent_bytes: int = 0,
        owner: str = "somebody",
    ) -> None:
        self.said: list[str] = []
        self.is_blocked = False
        self.owner = owner
        self.is_read = is_read
        self.unsent_bytes = unsent_bytes
        self._endings = endings

    def close_if_read(self) -> bool:
        self.said += ["close"] * self.is_read
        return self.is_read

    def abort(self) -> None:
        self.said.append("abort")
        self._endings.discard(cast("ClientStream", self))  # its connection is lost at once

    def part(self) -> None:
        self.said.append("part")


def test_each_is_closed_when_it_is_read_and_cut_off_when_its_time_is_over() -> None:
    endings = Endings(5.0)
    read, unread = Ended(endings, is_read=True), Ended(endings)
    for stream in (read, unread):
        endings.add(cast("ClientStream", stream), 10.0)
    endings.close(14.9)
    assert (read.said, unread.said) == (["close"], [])
    endings.discard(cast("ClientStream", read))
    endings.close(15.0)
    assert unread.said == ["abort"]
    assert len(endings) == 0
    assert endings.cut == 1


def added(endings: Endings, sizes: list[int], now_s: float = 0.0) -> list[Ended]:
    """Add unread streams that have so much unsent; return them."""
    streams = [Ended(endings, unsent_bytes=size) for size in sizes]
    for stream in streams:
        endings.add(cast("ClientStream", stream), now_s)
    return streams


def cut(streams: list[Ended]) -> list[bool]:
    return [stream.said == ["abort"] for stream in streams]


def test_who_was_never_let_in_makes_room_the_oldest_first() -> None:
    endings = Endings(60.0)
    streams = [Ended(endings, owner=owner) for owner in ("somebody", "", "", "")]
    for stream in streams:
        endings.add(cast("ClientStream", stream), 0.0)
    assert endings.make_room()
    assert [stream.said for stream in streams] == [[], ["part"], [], []]
    endings.discard(cast("ClientStream", streams[2]))
    assert endings.make_room()
    assert not endings.make_room()
    assert [stream.said for stream in streams] == [[], ["part"], [], ["part"]]
    assert (len(endings), endings.cut) == (1, 0)


def test_of_too_many_that_are_unread_for_long_the_oldest_are_cut_off() -> None:
    endings = Endings(60.0, sure_s=5.0, late_limit=2)
    streams = added(endings, [0] * 4)
    endings.close(4.9)
    assert not any(cut(streams))  # each has some seconds, however many there are
    newer = added(endings, [0] * 3, now_s=4.9)
    endings.close(5.0)
    assert cut(streams) == [True, True, False, False]
    assert not any(cut(newer))
    endings.close(9.9)
    assert cut(streams) == [True] * 4
    assert cut(newer) == [True, False, False]
    assert endings.cut == 5


def test_of_those_for_whom_too_much_waits_the_oldest_and_largest_are_cut_off() -> None:
    endings = Endings(60.0, sure_s=5.0, late_bytes=100)
    streams = added(endings, [10, 90, 60, 30])
    endings.close(4.9)
    assert not any(cut(streams))
    endings.close(5.0)
    assert cut(streams) == [False, True, False, False]


def test_those_who_have_read_all_take_no_place_from_others() -> None:
    endings = Endings(60.0, sure_s=5.0, late_limit=1)
    (unread,) = added(endings, [0])
    for stream in added(endings, [0] * 3):
        stream.is_read = True
    endings.close(5.0)
    assert unread.said == []


def test_at_the_end_all_are_parted_with() -> None:
    endings = Endings(5.0)
    streams = [Ended(endings) for _ in range(3)]
    for stream in streams:
        endings.add(cast("ClientStream", stream), 10.0)
    endings.part()
    assert [stream.said for stream in streams] == [["part"]] * 3
