"""What is read of a log, in order from some entry on, goes into a `Tail`.  Pure."""

from collections import deque
from collections.abc import Iterator

from pulse_events.cursors import LogCursors
from pulse_events.history import Hole, Record
from pulse_events.log.entries import UNKNOWN_MS, Entry, Holds, Lost, Recorded, check
from pulse_events.log.succession import Succession
from pulse_events.log.tail import Tail
from pulse_events.log.takeover import LogContent
from pulse_events.wire.wire import line_event

JUMPED = "the log no longer had what follows"
UNREADABLE = "messages may be missing: something in the log cannot be read"
SNAPSHOT = 2
"""The most that offsets grow by from one entry to the next: a segment begins with a snapshot."""


class Intake:
    """Takes entries as they are read.

    Args:
        tail: Where they go.
        keeps: How many of the newest messages that count are to be there as `latest`.
    """

    def __init__(self, tail: Tail, keeps: int = 0) -> None:
        self.tail = tail
        self.latest: deque[LogContent] = deque(maxlen=keeps)
        """Messages that count, oldest first, none missing in between."""
        self._succession = Succession()
        self._offset = -1
        self._is_torn = self._is_whole = False
        self.did_count = False
        """Whether what was taken last counts; see `Succession`."""
        self.held: frozenset[str] | None = None
        """The marks of what is recorded, as the log said last; ``None`` if it did not say."""
        self.since_held = 0
        """How much the log has grown since it said so."""
        self.dropped: dict[str, int] = {}
        """The marks that it says no more, and since when, in milliseconds since the epoch."""

    @property
    def term(self) -> int:
        """The term of the recorder whose turn it is, as far as was read; 0 if none is known."""
        return self._succession.term

    @property
    def _is_before_all(self) -> bool:
        """Whether nothing was ever recorded, so that nothing can be missing."""
        return self._is_whole and not self.term

    def restart(self) -> None:
        """Hold nothing: what is taken from now on is of another log."""
        self.tail.restart()
        self.latest.clear()
        self._succession = Succession()
        self._offset = -1
        self._is_whole = False
        self.held = None
        self.dropped = {}

    def fail(self, offset: int) -> None:
        """Note that what stands at ``offset`` cannot be read.

        It is told with the next entry, whose place is known.
        """
        self._offset = offset
        self._is_torn = True

    def take(self, offset: int, entry: Entry) -> Iterator[Record | Hole]:
        """Take what stands at ``offset``, behind all that was taken before.

        Yields:
            What was not there before, as it is now: messages that are missing, the message.
        """
        before, self._offset = self._offset, offset
        self._is_whole |= before < 0 and not offset
        position = LogCursors.position(offset, check(entry.stamp))
        time_ms = entry.stamp.time_ms
        if self._is_torn or (before >= 0 and offset > before + SNAPSHOT):
            reason = UNREADABLE if self._is_torn else JUMPED
            self._is_torn = False
            self._succession.skip()
            self.latest.clear()
            yield self.tail.missing(position - 1, time_ms, self.tail.entered_ms, "", reason)
        self.did_count = self._succession.counts(entry)
        if self.did_count and isinstance(entry, Recorded):
            content = LogContent(*entry[1:])
            self.latest.append(content)
            yield self.tail.record(position, time_ms, *content[:3], line_event(content.line))
        elif self.did_count and isinstance(entry, Lost) and self._is_told(entry):
            _, from_ms, exchange, reason = entry
            since_ms = 0 if from_ms == UNKNOWN_MS else from_ms or self.tail.entered_ms
            yield self.tail.missing(position, time_ms, since_ms, exchange, reason)
        else:
            self.tail.note(position, time_ms)
        self._note_held(offset - before, entry)

    def _is_told(self, entry: Lost) -> bool:
        # Where nothing was ever recorded nothing can be missing, but of what was to be recorded.
        return entry.exchange != "" or not self._is_before_all

    def _note_held(self, grown: int, entry: Entry) -> None:
        self.since_held += grown
        if not self.did_count or not isinstance(entry, Holds):
            return
        held = frozenset(entry.marks)
        self.dropped |= dict.fromkeys((self.held or held) - held, entry.stamp.time_ms)
        self.dropped = {mark: ms for mark, ms in self.dropped.items() if mark not in held}
        self.held, self.since_held = held, 0
