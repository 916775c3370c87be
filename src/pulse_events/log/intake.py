"""What is read of a log, in order from some entry on, goes into a `Tail`.  Pure."""

from collections import deque
from collections.abc import Iterator

from pulse_events.cursors import LogCursors
from pulse_events.history import Hole, Record
from pulse_events.log.entries import Entry, Lost, Recorded, check
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
        elif self.did_count and isinstance(entry, Lost) and not self._is_before_all:
            _, from_ms, exchange, reason = entry
            since_ms = from_ms or self.tail.entered_ms
            yield self.tail.missing(position, time_ms, since_ms, exchange, reason)
        else:
            self.tail.note(position, time_ms)
