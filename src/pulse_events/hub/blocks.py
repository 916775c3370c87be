"""What audiences were sent of the history: encoded once, for all that read the same part.

A thousand clients that come back at once want the same bytes from nearly the same places.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pulse_events.hub.audience import Audience

DEFAULT_BYTES = 4 << 20
DEFAULT_BLOCKS = 4096


class Block(NamedTuple):
    """A part of the history as an audience gets it."""

    stop: int
    """The position behind it."""
    is_final: bool
    """Whether it stays so; if not, it ended where the history did."""
    told: int
    """What is missing up to this position is not said in it; 0 if that leaves nothing out."""
    chunk: bytes
    """What is sent, encoded; may be empty."""
    messages: int
    gaps: int
    time_ms: int | None
    """When the last entry in it came, if there is any."""
    loss: str
    """Why a stream that cannot be resumed ends behind it."""


def joined(blocks: Sequence[Block]) -> Block:
    """Return blocks that follow each other, one at least, as one."""
    if len(blocks) == 1:
        return blocks[0]
    # Of a single one that is not empty this is the very chunk, shared by all that get it.
    chunk = b"".join([block.chunk for block in blocks if block.chunk])
    return blocks[-1]._replace(
        told=blocks[0].told,
        chunk=chunk,
        messages=sum([block.messages for block in blocks]),
        gaps=sum([block.gaps for block in blocks]),
        time_ms=next((block.time_ms for block in reversed(blocks) if block.time_ms), None),
    )


class Blocks:
    """The blocks of late, by audience and the position that they begin behind."""

    def __init__(self, limit_bytes: int = DEFAULT_BYTES, limit: int = DEFAULT_BLOCKS) -> None:
        self._limit_bytes = limit_bytes
        self._limit = limit
        self._bytes = self._count = 0
        self._blocks: dict[Audience, dict[int, Block]] = {}

    def get(self, audience: Audience, start: int) -> Block | None:
        """Return what is kept, if anything is."""
        blocks = self._blocks.get(audience)
        return blocks.get(start) if blocks else None

    def put(self, audience: Audience, start: int, block: Block) -> None:
        """Keep ``block``; those of whom nobody asked for longest go first."""
        blocks = self._blocks.pop(audience, {})
        self._blocks[audience] = blocks
        self._drop(blocks, start)
        blocks[start] = block
        self._count += 1
        self._bytes += len(block.chunk)
        while self._bytes > self._limit_bytes or self._count > self._limit:
            oldest = next(iter(self._blocks))
            self._drop(self._blocks[oldest], next(iter(self._blocks[oldest])))
            if not self._blocks[oldest]:
                del self._blocks[oldest]

    def forget(self, audience: Audience) -> None:
        """Drop all of ``audience``, which is gone."""
        blocks = self._blocks.pop(audience, {})
        for start in tuple(blocks):
            self._drop(blocks, start)

    def _drop(self, blocks: dict[int, Block], start: int) -> None:
        block = blocks.pop(start, None)
        if block is not None:
            self._count -= 1
            self._bytes -= len(block.chunk)
