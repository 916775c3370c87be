"""What is to be written to live streams, and when: one chunk for each audience and flush.

Owns which audiences have something pending, and counts what is written.
"""

import sys
from collections.abc import Callable, Collection

from pulse_events.hub.audience import Audience
from pulse_events.wire.wire import with_cursor

TURN_BYTES = 4 << 20
"""Bytes for all streams after which the audiences that are left wait for another turn of the loop;
some 2 ms.  One audience, however large, is written to at once."""

SORTED_BYTES = 32 << 10
"""Bytes for all streams of an audience, on average, above which a flush begins with the least: a
crowd of a hundred takes a millisecond.  Sorting costs half a microsecond an audience."""

FLUSH_BYTES = 32 << 20
"""Bytes for all streams together that end the waiting for a flush: some 10 ms of writing, so that
a flood leaves turns to new clients and pings."""


class Outbox:
    """The audiences that have something pending.

    Args:
        wake: See `Hub`.
    """

    def __init__(self, wake: Callable[[Callable[[], None]], object]) -> None:
        self.messages = 0
        """How many were written, once for each stream."""
        self.size_bytes = 0
        """How much that was."""
        self._wake = wake
        self._dirty: list[Audience] = []
        self._pending_bytes = 0

    def put(
        self,
        event: bytes,
        audiences: Collection[Audience],
        position: int,
        cursor: Callable[[int], bytes],
    ) -> bool:
        """Append a message's frame to what is pending for each audience with live streams.

        Args:
            event: The message's, without a cursor.
            audiences: Who gets it.
            position: In the history; 0 where there is none.
            cursor: Returns the cursor of a position.

        Returns:
            Whether there is any live stream.
        """
        resumable, is_live = None, False
        for audience in audiences:
            if audience.streams:
                is_live = True
                if audience.wire.resumes:
                    frame = resumable = resumable or with_cursor(event, cursor(position))
                else:
                    frame = event
                if not audience.pending:
                    self._begin(audience, position)
                append = audience.append  # taken first: Python 3.11 calls it faster then
                append(frame)
                written = len(frame) * len(audience.streams) // audience.wire.shrinks
                self._pending_bytes += written
        if self._pending_bytes > FLUSH_BYTES:
            self.flush(sys.maxsize)  # all of it: left for later, it would grow without bound
        return is_live

    def push(self, audience: Audience, frame: bytes, position: int) -> None:
        """Append another event, of a position in the history, for live streams."""
        if audience.streams:
            if not audience.pending:
                self._begin(audience, position)
            audience.append(frame)

    def _begin(self, audience: Audience, position: int) -> None:
        if not self._dirty:
            self._wake(self.flush)
        self._dirty.append(audience)
        audience.begin_pending(position)

    def flush(self, turn_bytes: int = TURN_BYTES) -> None:
        """Write what is pending: one chunk per audience, the same bytes object to each stream.

        What is left after ``turn_bytes`` for all streams together waits for the next turn.
        """
        dirty, self._dirty = self._dirty, []
        if self._pending_bytes > min(turn_bytes, SORTED_BYTES * len(dirty)):
            # Who gets little does not wait for who gets much.
            dirty.sort(key=Audience.pending_bytes)
        limit_bytes = self.size_bytes + turn_bytes
        for place, audience in enumerate(dirty, start=1):
            self.send(audience)
            if self.size_bytes > limit_bytes and place < len(dirty):
                self._dirty = dirty[place:]
                self._wake(self.flush)
                break
        self._pending_bytes = sum(map(Audience.pending_bytes, self._dirty))

    def send(self, audience: Audience) -> None:
        """Write at once what is pending for ``audience``."""
        if audience.pending:
            self.messages += len(audience.pending) * len(audience.streams)
            self.size_bytes += audience.flush()
