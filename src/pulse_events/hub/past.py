"""What a hub remembers: its history, since when bindings have been held, and who reads it.

`Past` remembers, `NoPast` does not; to the hub they are the same.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

from pulse_events.bindings import Binding
from pulse_events.cursors import NONE
from pulse_events.errors import PulseEventsError
from pulse_events.history import History, Record
from pulse_events.hub.audience import Audience
from pulse_events.hub.coverage import Coverage, Everything
from pulse_events.hub.linger import KEPT_BINDINGS
from pulse_events.hub.losses import Losses
from pulse_events.hub.missing import Missing
from pulse_events.hub.ports import Stream
from pulse_events.hub.reading import NOW, Start
from pulse_events.hub.replay import Replays
from pulse_events.messages import Message
from pulse_events.topics.containment import for_broker
from pulse_events.wire.wire import Gap, gap_event


class Keeping(NamedTuple):
    """What a hub keeps of the past, and how it is read."""

    history: History
    pace: Callable[[Callable[[], bool]], None]
    """See `Replays`."""
    retry_ms: Callable[[], int]
    """See `Replays`."""
    kept_bindings: int = KEPT_BINDINGS
    """How many bindings stay for the history's age after their last stream."""
    holds_all: bool = False
    """Whether all that anybody can ask of this hub is held, and always was."""


class NoPast:
    """Nothing is remembered: no stream can be resumed, and one that is too slow ends.

    Args:
        arrive: Called with a stream that is live from now on, in that very call.
    """

    history: History | None = None
    position = 0
    """The newest one of the history."""
    kept_s = 0.0
    """How long bindings of streams that can be resumed stay after the last of them."""
    kept_bindings = 0
    """How many of them do."""

    def __init__(self, arrive: Callable[[Stream], None]) -> None:
        self._arrive = arrive

    def read(self) -> "ReadCounts":
        """Return what streams have read."""
        return ReadCounts()

    def record(self, message: Message, event: bytes) -> int:
        """Hold a message, as an event without a cursor; return its position, 0 if nowhere."""
        return 0

    def hole(self, exchange: str, reason: str, back_ms: int = 0) -> Gap | None:
        """Note a loss of messages of ``exchange``, of all if it is empty; return how it is told.

        It is noticed ``back_ms`` late.
        """
        return None

    def gap(self, reason: str) -> Gap | None:
        """Return how it is told that the newest message is missing for some."""
        return None

    def opened(self, audience: Audience) -> None:
        """Note a new audience."""

    def closed(self, audience: Audience) -> None:
        """Note that an audience is gone."""

    def completed(self, audience: Audience) -> bytes | None:
        """Note that all its bindings are in force; return the ``gap`` event that its streams get.

        There is one if they were told nothing of an interruption yet.
        """
        return None

    def interrupted(self, audience: Audience, gap: Gap | None) -> bool:
        """Note that its bindings may not be in force; return whether it is told when they are."""
        return False

    def always(self, binding: Binding) -> None:
        """Note that ``binding`` is wanted whether there are streams or not."""

    def begin(self, stream: Stream, start: Start) -> None:
        """Let a stream have ``ready``, and what follows: its bindings are in force."""
        self._arrive(stream)
        stream.write(stream.wire.ready)

    def leave(self, stream: Stream) -> None:
        """Forget a stream."""

    def take(self, stream: Stream) -> bool:
        """Let a live stream go on in the history; return whether that is possible."""
        return False

    def drained(self, stream: Stream) -> None:
        """Note that the client of a stream has read what was written to it."""

    def cursor_of(self, stream: Stream) -> bytes:
        """Return the cursor of what a stream has had, as far as it can be resumed."""
        return NONE

    def cursor(self, position: int | None = None) -> bytes:
        """Return the cursor of a position; of the newest if none is given."""
        return NONE

    def forget(self) -> bool:
        """Give up what is too old; return whether there is more of it than a turn may take."""
        return False

    def close(self) -> None:
        """Hold nothing any more, for good."""


class Past(NoPast):
    """A history, and who reads it.

    Args:
        keeping: What is kept.
        match: Returns who gets a message; see `Routes.match`.
        arrive: Makes a stream live.
        end: Ends a stream.
    """

    history: History

    def __init__(
        self,
        keeping: Keeping,
        match: Callable[[Record], Collection[Audience]],
        arrive: Callable[[Stream], None],
        end: Callable[[Stream, PulseEventsError], None],
    ) -> None:
        super().__init__(arrive)
        history, pace, retry_ms, self.kept_bindings, holds_all = keeping
        self.history = history
        self.kept_s = history.age_ms / 1000
        self._coverage = Everything() if holds_all else Coverage()
        self._losses = Losses()
        missing = Missing(history, self._coverage, self._losses)
        self._replays = Replays(history, match, missing, pace, retry_ms, arrive, end)

    @property
    def position(self) -> int:  # type: ignore[override]  # which is never set
        """See `NoPast`."""
        return self.history.last

    def read(self) -> "ReadCounts":
        """See `NoPast`."""
        replays = self._replays
        return ReadCounts(len(replays), 0, replays.messages_out, replays.bytes_out, replays.gaps)

    def record(self, message: Message, event: bytes) -> int:
        """See `NoPast`."""
        return self.history.append(message, event)

    def hole(self, exchange: str, reason: str, back_ms: int = 0) -> Gap:
        """See `NoPast`."""
        before, before_ms = self.history.last, self.history.entered_ms
        hole = self.history.hole(exchange, reason, back_ms)
        if not exchange:
            if hole.from_ms < before_ms:
                before = self.history.position_at(hole.from_ms)
            self._losses.note(before, hole.position, hole.from_ms)
        return Gap(reason, hole.from_ms, hole.time_ms)

    def gap(self, reason: str) -> Gap:
        """See `NoPast`."""
        return Gap(reason, self.history.entered_ms, self.history.entered_ms)

    def opened(self, audience: Audience) -> None:
        """See `NoPast`."""
        self._coverage.add(audience.bindings)

    def closed(self, audience: Audience) -> None:
        """See `NoPast`."""
        self._coverage.remove(audience.bindings)
        self._replays.forget(audience)
        self._losses.settle(audience, self.history.last + 1)

    def completed(self, audience: Audience) -> bytes | None:
        """See `NoPast`."""
        if not self._coverage.is_complete(audience.bindings):
            self._coverage.begin(audience.bindings, self.history.mark())
        gap = self._losses.settle(audience, self.history.last + 1)
        if gap is None:
            return None
        now = self.history.mark()
        return gap_event(gap._replace(to_ms=now.time_ms), self.cursor(now.position))

    def interrupted(self, audience: Audience, gap: Gap | None) -> bool:
        """See `NoPast`."""
        if not audience.missing:
            return False
        for binding in audience.bindings.bindings:
            asked = Binding(binding.exchange, for_broker(binding.pattern))
            if asked in audience.missing:
                self._coverage.interrupt(binding)
        if gap is None or not audience.wire.resumes:
            return False
        if audience.streams or audience.behind:  # who is behind may be live by then
            self._losses.owe(audience, gap)
        return True

    def always(self, binding: Binding) -> None:
        """See `NoPast`."""
        self._coverage.record(binding)

    def begin(self, stream: Stream, start: Start) -> None:
        """See `NoPast`."""
        if stream.wire.resumes:
            self._replays.begin(stream, start)
        else:
            super().begin(stream, start)

    def leave(self, stream: Stream) -> None:
        """See `NoPast`."""
        self._replays.leave(stream)

    def take(self, stream: Stream) -> bool:
        """See `NoPast`."""
        audience = stream.audience
        assert audience is not None
        if stream in audience.streams:
            self._replays.fall_behind(stream, self._live_position(audience))
        return True

    def drained(self, stream: Stream) -> None:
        """See `NoPast`."""
        self._replays.drained(stream)

    def cursor_of(self, stream: Stream) -> bytes:
        """See `NoPast`."""
        audience = stream.audience
        if audience is None or not audience.wire.resumes:
            return NONE
        position = self._replays.position_of(stream)
        if position is not None:
            return self.cursor(position)
        start = audience.waiting.get(stream, NOW)
        if isinstance(self.history.cursors.read(start.cursor), int):
            return start.cursor.encode()  # it has had nothing yet
        if start.since_ms is not None and not start.cursor:
            return self.cursor(self.history.position_at(start.since_ms))
        return self.cursor(self._live_position(audience))

    def cursor(self, position: int | None = None) -> bytes:
        """See `NoPast`."""
        return self.history.cursors.at(self.history.last if position is None else position)

    def _live_position(self, audience: Audience) -> int:
        """Return up to where those that are live have had everything."""
        return audience.pending_after if audience.pending else self.history.last

    def forget(self) -> bool:
        """See `NoPast`."""
        return self.history.forget()

    def close(self) -> None:
        """See `NoPast`."""
        self.history.close()


class ReadCounts(NamedTuple):
    """What streams have read in the history."""

    streams: int = 0
    """That read it now."""
    in_line: int = 0
    """Of these, those that wait for an older part of it."""
    messages: int = 0
    size_bytes: int = 0
    gaps: int = 0
    """Told to them."""
