"""Parts of a log that are read once more: what arrives of one, and who reads it.  Pure."""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pulse_events.cursors import LogCursors
from pulse_events.log.entries import Entry, NotAnEntry, decode
from pulse_events.log.intake import Intake
from pulse_events.log.tail import Tail

if TYPE_CHECKING:
    from pulse_events.hub.ports import Stream

AHEAD = 10_000
"""Entries behind a part at which one joins it, though it could have a part of its own."""
SLICE_ENTRIES = 64
SLICE_BYTES = 256 << 10
"""Taken in one step, and so between two looks at who else has work to do."""


class Reading(Protocol):
    """What reads a log from some place on."""

    def took(self, count: int) -> None:
        """Note that so many more entries were taken: as many more may come."""

    def close(self) -> None:
        """Read no more."""


class Source(Protocol):
    """Where a log is read."""

    def read(self, start: int | datetime, take: Callable[[int, bytes], None]) -> Reading:
        """Read from an offset on, or from shortly before a time; never later.

        Args:
            start: Where; if it is not there any more, what is read first follows it.
            take: Called with the offset and the bytes of each entry, a bounded number of times
                beyond what was taken, and not before this returns.
        """


class Part:
    """A part of the log that is being read.

    Args:
        source: Where.
        start: See `Source.read`.
        wake: Told that something arrived.
    """

    def __init__(self, source: Source, start: int | datetime, wake: Callable[[], None]) -> None:
        self._wake = wake
        self.arrived: deque[tuple[int, bytes]] = deque()
        self._reading = source.read(start, self._arrive)

    def _arrive(self, offset: int, body: bytes) -> None:
        self.arrived.append((offset, body))
        self._wake()

    def slice(self, end: int) -> Iterator[tuple[int, Entry | None]]:
        """Take what arrived, a bounded part of it, up to the offset ``end``.

        Yields:
            Offset and entry, ``None`` for what is none.
        """
        count = size = 0
        while self.arrived and count < SLICE_ENTRIES and size < SLICE_BYTES:
            offset, body = self.arrived[0]
            if offset > end:
                break
            self.arrived.popleft()
            count += 1
            size += len(body)
            try:
                yield offset, decode(body)
            except NotAnEntry:
                yield offset, None
        if count:
            self._reading.took(count)

    def has_more(self, end: int) -> bool:
        """Tell whether `slice` would yield something."""
        return bool(self.arrived) and self.arrived[0][0] <= end

    def close(self) -> None:
        """Read no more."""
        self.arrived.clear()
        self._reading.close()


class Stretch(Part):
    """A part of the log, and who reads it."""

    def __init__(self, source: Source, start: int, wake: Callable[[], None], tail: Tail) -> None:
        super().__init__(source, start, wake)
        self.start = self.offset = start
        self.tail = tail
        self.intake = Intake(tail)
        self.taken = 0
        self.readers: set[Stream] = set()
        """Those that have something to read here."""
        self.waiting: dict[Stream, int] = {}
        """Those that wait for what follows a position."""

    def is_near(self, position: int) -> bool:
        """Tell whether what follows ``position`` is here, or will be soon."""
        offset = LogCursors.offset(position)
        is_behind = (
            position < self.tail.forgotten.position if self.tail.last else offset < self.start
        )
        return not is_behind and offset <= self.offset + AHEAD

    def is_idle(self) -> bool:
        """Tell whether nobody here reads on."""
        return not self.waiting and all(stream.is_blocked for stream in self.readers)

    def take(self, end: int) -> None:
        """Take some of what arrived."""
        for offset, entry in self.slice(end):
            self.taken += 1
            self.offset = offset
            try:
                if entry is None:
                    self.intake.fail(offset)
                else:
                    deque(self.intake.take(offset, entry), maxlen=0)  # it is in the tail
            except Exception:  # a fault of ours: it costs this entry alone, which is told as a gap
                self.intake.fail(offset)
