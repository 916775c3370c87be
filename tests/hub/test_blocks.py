"""Encoded parts of the history: bounded, the ones nobody asks for go first."""

from pulse_events.bindings import BindingSet
from pulse_events.hub.audience import Audience
from pulse_events.hub.blocks import Block, Blocks, joined
from tests.support.hub_desk import RESUMING


def audience() -> Audience:
    return Audience(BindingSet.of([("e", "a")]), RESUMING)


def block(size: int = 10) -> Block:
    return Block(1, True, 0, b"x" * size, 1, 0, None, "")


def test_a_block_is_of_its_audience_and_place() -> None:
    blocks, one, other = Blocks(), audience(), audience()
    first = block()
    blocks.put(one, 7, first)
    assert blocks.get(one, 7) is first
    assert (blocks.get(one, 8), blocks.get(other, 7)) == (None, None)
    newer = block()
    blocks.put(one, 7, newer)
    assert blocks.get(one, 7) is newer
    blocks.forget(one)
    blocks.forget(other)
    assert blocks.get(one, 7) is None


def test_bytes_and_number_are_bounded_and_the_longest_unasked_go() -> None:
    for blocks in (Blocks(limit_bytes=25), Blocks(limit=2)):
        one, other = audience(), audience()
        blocks.put(one, 1, block())
        blocks.put(other, 1, block())
        blocks.put(one, 2, block())
        assert [blocks.get(one, 1) is None, blocks.get(other, 1) is None] == [False, True]
        blocks.put(one, 2, block())  # replaced, not added
        assert blocks.get(one, 1)
        blocks.put(one, 3, block(26 if blocks.get(one, 1) else 0))
    assert blocks.get(one, 3)


def test_a_block_over_the_limit_is_not_kept() -> None:
    blocks, one = Blocks(limit_bytes=25), audience()
    blocks.put(one, 1, block(26))
    assert blocks.get(one, 1) is None
    blocks.put(one, 1, block(25))
    assert blocks.get(one, 1)


def test_blocks_are_one_that_ends_as_the_last_does() -> None:
    one = Block(5, True, 3, b"one", messages=2, gaps=1, time_ms=7, loss="")
    other = Block(9, False, 0, b"other", messages=1, gaps=0, time_ms=None, loss="lost")
    assert joined((one, other)) == Block(9, False, 3, b"oneother", 3, 1, 7, "lost")


def test_what_nothing_is_added_to_stays_the_same_bytes() -> None:
    one, other = block(), block(0)
    assert joined((one,)) is one
    assert joined((other, one, other)).chunk is one.chunk
