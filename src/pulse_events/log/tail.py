"""The end of a log: what this process has read of it, as far as it is held in memory.

A history whose positions are the log's.  What came before may be in the log still.
"""

from collections.abc import Callable

from pulse_events.cursors import CHECK_LIMIT, Foreign, LogCursors
from pulse_events.history import (
    BLOCK_ENTRIES,
    KEY_BYTES,
    RECORD_BYTES,
    History,
    Hole,
    Mark,
    Record,
    Room,
)

NOTES_LIMIT = 10_000
"""Entries that are for nobody whose cursors are known; of more the oldest are forgotten."""


class Tail(History):
    """What was read of a log, from some entry on without a break.

    Args:
        clock_ms: Returns the time of day, in milliseconds since the epoch.
        room: The bytes for this and other histories.
        age_ms: How old entries may become; they may become a little older.
    """

    cursors: LogCursors

    def __init__(self, clock_ms: Callable[[], int], room: Room, age_ms: int) -> None:
        super().__init__(LogCursors(), clock_ms, room, age_ms)
        self.last = 0
        """The position of what was read last; 0 before that."""
        self.forgotten = Mark(0, clock_ms())
        self._notes: dict[int, None] = {}

    @property
    def offset(self) -> int:
        """The offset of what was read last; -1 before that."""
        return self.cursors.offset(self.last) if self.last else -1

    def record(
        self,
        position: int,
        time_ms: int,
        exchange: str,
        routing_key: str,
        cc: tuple[str, ...],
        event: bytes,
    ) -> Record:
        """Hold a message, which follows all there is; return it as it is held."""
        keys_bytes = len(routing_key) + KEY_BYTES * len(cc) + sum(map(len, cc))
        size_bytes = RECORD_BYTES + len(event) + keys_bytes
        time_ms = self._begin(position, time_ms)
        record = Record(position, time_ms, exchange, routing_key, cc, event, size_bytes)
        self._hold(record)
        return record

    def missing(
        self, position: int, time_ms: int, from_ms: int, exchange: str, reason: str
    ) -> Hole:
        """Hold that messages are missing before ``position``; see `Hole`."""
        time_ms = self._begin(position, time_ms)
        hole = Hole(position, time_ms, min(from_ms, time_ms), exchange, reason)
        self._hold(hole)
        return hole

    def note(self, position: int, time_ms: int) -> None:
        """Note an entry that is for nobody: its cursor is good."""
        self._begin(position, time_ms)
        if len(self._notes) >= NOTES_LIMIT:
            del self._notes[next(iter(self._notes))]
        self._notes[position] = None

    def restart(self) -> None:
        """Hold nothing: what is read from now on is of another log."""
        if len(self):
            self.forget_oldest(len(self))
        self._notes.clear()
        self.last = 0

    def _begin(self, position: int, time_ms: int) -> int:
        """Move on to ``position``; return when it came, which is not before anything there is."""
        # Recorders on several machines take turns, and their clocks differ.
        if len(self):
            time_ms = max(time_ms, self.entered_ms)
        if not self.last:
            self.forgotten = Mark(position - 1, time_ms)
        self.last = position
        return time_ms

    def hole(self, exchange: str, reason: str, back_ms: int = 0) -> Hole:
        """Return how a loss of this process alone is told; it has no place in the log."""
        now_ms = self.now_ms()
        from_ms = min(self.entered_ms, now_ms - back_ms)
        return Hole(self.last, now_ms, from_ms, exchange, reason)

    def mark(self) -> Mark:
        """Return this moment."""
        return Mark(self.last, self.now_ms())

    def place_of(self, cursor: str) -> int | Foreign:
        """See `History.place_of`; a cursor proves itself by its entry, if that is held."""
        position = self.cursors.read(cursor)
        if isinstance(position, Foreign) or position <= self.forgotten.position:
            return position
        return position if self.has(position) else Foreign.OF_ANOTHER

    def has(self, position: int) -> bool:
        """Tell whether an entry is here that ``position`` is before, or behind."""
        behind = position | 1
        is_edge = position == self.forgotten.position
        return is_edge or behind in self._notes or self.time_of(behind) is not None

    def block_end(self, position: int) -> int:
        """See `History.block_end`; blocks are cut by offsets."""
        first = self.cursors.offset(position) + (position & 1)
        return self.cursors.position(first | (BLOCK_ENTRIES - 1), CHECK_LIMIT - 1)
