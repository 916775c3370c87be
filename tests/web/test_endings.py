"""Streams that have had their last event: closed when they are read, cut off when they are not."""

from typing import TYPE_CHECKING, cast

from pulse_events.web.endings import Endings

if TYPE_CHECKING:
    from pulse_events.web.client_stream import ClientStream


class Ended:
    """What is known here of a stream; ``said`` is what happened to it."""

    def __init__(self, endings: Endings, *, is_read: bool = False) -> None:
        self.said: list[str] = []
        self.is_read = is_read
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


def test_at_the_end_all_are_parted_with() -> None:
    endings = Endings(5.0)
    streams = [Ended(endings) for _ in range(3)]
    for stream in streams:
        endings.add(cast("ClientStream", stream), 10.0)
    endings.part()
    assert [stream.said for stream in streams] == [["part"]] * 3
