"""Blocks of the history: how much is looked at for one, and which bytes are shared."""

import itertools
from collections.abc import Collection

import pytest

from pulse_events.bindings import BindingSet
from pulse_events.history import BLOCK_ENTRIES, Record
from pulse_events.hub.audience import Audience
from pulse_events.hub.blocks import Block
from pulse_events.hub.builder import BLOCK_BYTES, Builder
from pulse_events.messages import Message
from pulse_events.wire.wire import Wire, message_event
from tests.support.hub_desk import PACKED_RESUMING, RESUMING, HistoryDesk

MINE, OTHERS = "mine", "others"


class Bench:
    """A builder of one audience's blocks, which gets what was published as `MINE`."""

    def __init__(self, wire: Wire = RESUMING) -> None:
        self.history = HistoryDesk().history
        self.audience = Audience(BindingSet.of([("e", MINE)]), wire)
        self.builder = Builder(self._match)
        self.start = self.history.last
        self._looked_at: list[int] = []

    def _match(self, record: Record) -> Collection[Audience]:
        self._looked_at.append(record.position)
        return (self.audience,) if record.routing_key == MINE else ()

    def publish(self, *keys: str) -> None:
        for key in keys:
            message = Message("e", key, b"%d" % self.history.last)
            self.history.append(message, message_event(message))

    def publish_up_to(self, position: int) -> None:
        self.publish(*(MINE for _ in range(position - self.history.last)))

    def block(self, start: int = 0, limit: int = 0, told: int = 0) -> Block:
        return self.builder.block(self.history, self.audience, start or self.start, told, limit)

    def read(self, start: int = 0, told: int = 0) -> list[Block]:
        """Read as a stream does, up to the end."""
        blocks = [self.block(start, told=told)]
        while blocks[-1].stop < self.history.last:
            blocks.append(self.block(blocks[-1].stop, told=told))
        return blocks

    def gaps(self, start: int = 0, told: int = 0) -> int:
        """Return how many a stream is told that reads up to the end."""
        return sum(block.gaps for block in self.read(start, told))

    def looked_at(self) -> list[int]:
        """Return what has been looked at since the last call."""
        looked_at, self._looked_at = self._looked_at, []
        return looked_at


def test_a_block_that_ended_where_the_history_did_grows_by_what_has_come() -> None:
    bench = Bench()
    bench.publish(MINE, OTHERS, MINE)
    before = bench.block()
    assert (before.messages, bench.looked_at()) == (2, [2, 3, 4])
    bench.publish(OTHERS)
    assert bench.block().chunk is before.chunk  # the very bytes, for all that read them
    assert bench.looked_at() == [5]
    bench.publish(MINE)
    block = bench.block()
    assert (block.messages, block.stop, bench.looked_at()) == (3, 6, [6])
    assert block.chunk.startswith(before.chunk)
    assert bench.block() is block
    assert bench.looked_at() == []


@pytest.mark.parametrize("wire", [RESUMING, PACKED_RESUMING])
def test_a_block_that_is_complete_is_what_it_is_for_who_never_saw_it_grow(wire: Wire) -> None:
    bench = Bench(wire)
    for position in range(bench.start + 1, bench.history.block_end(bench.start) + 2):
        bench.publish_up_to(position)
        bench.block()
    other = Builder(lambda _record: (bench.audience,))
    fresh = other.block(bench.history, bench.audience, bench.start, 0)
    assert bench.block().chunk.startswith(fresh.chunk)


@pytest.mark.parametrize("wire", [RESUMING, PACKED_RESUMING])
def test_what_was_joined_is_the_same_bytes_for_those_who_come_later(wire: Wire) -> None:
    bench = Bench(wire)
    aligned = bench.history.block_end(bench.start)
    bench.publish_up_to(aligned + 5 * BLOCK_ENTRIES)
    bench.publish(OTHERS)
    for start in range(bench.start, bench.start + 20):
        bench.read(start)
    one, other = bench.block(aligned), bench.block(aligned)
    assert one.messages == 5 * BLOCK_ENTRIES
    assert one.chunk is other.chunk
    bench.looked_at()
    late = bench.read(bench.start + 30)
    assert max(bench.looked_at()) <= aligned  # its own beginning
    assert late[-1].chunk.endswith(one.chunk)


def test_who_may_read_less_gets_no_more_though_it_was_joined() -> None:
    bench = Bench()
    aligned = bench.history.block_end(bench.start)
    bench.publish_up_to(aligned + 4 * BLOCK_ENTRIES + 3)
    for start in range(bench.start, bench.start + 20):
        bench.read(start)
    limit = aligned + BLOCK_ENTRIES + 7
    stops = [bench.block(start, limit).stop for start in (bench.start, aligned, limit - 1)]
    assert max(stops) <= limit
    assert sum(block.messages for block in bench.read(aligned)) == 4 * BLOCK_ENTRIES + 3


def test_who_may_read_less_gets_no_more_of_a_block_that_grows() -> None:
    bench = Bench()
    bench.publish(*5 * [MINE])
    bench.block()
    bench.publish(MINE)
    block = bench.block(limit=bench.start + 3)
    assert (block.stop, block.messages) == (bench.start + 3, 3)


def test_a_block_that_grows_ends_where_one_that_is_built_at_once_does() -> None:
    bench, at_once = Bench(), Builder(lambda _record: (bench.audience,))
    for _ in range(5):
        message = Message("e", MINE, b"x" * (BLOCK_BYTES // 3))
        bench.history.append(message, message_event(message))
        bench.block()
    assert bench.block().stop == bench.start + 3
    block = at_once.block(bench.history, bench.audience, bench.start, 0)
    assert bench.block() == block


@pytest.mark.parametrize("blocks", [0, 4])
def test_a_gap_that_one_has_been_told_is_told_to_others_whoever_comes_first(blocks: int) -> None:
    for order in itertools.product((True, False), repeat=5):
        bench = Bench()
        bench.publish_up_to(bench.history.block_end(bench.start) + 5)
        hole = bench.history.hole("", "lost")
        bench.publish_up_to(hole.position + blocks * BLOCK_ENTRIES)
        for is_told in order:
            told = hole.position if is_told else 0
            assert bench.gaps(told=told) == (not is_told)
            bench.publish(MINE)  # what is there grows by it
