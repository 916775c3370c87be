"""The hub of a log that several processes share: whoever asks for what is recorded reads it there.

Its streams can all be resumed, at any process, and what they get has a place in the log.
"""

import sys
from collections.abc import Callable, Collection, Iterable

from pulse_events.bindings import Binding, BindingSet
from pulse_events.cursors import LogCursors
from pulse_events.errors import PulseEventsError
from pulse_events.history import Hole, Record
from pulse_events.hub.archive import Archive
from pulse_events.hub.audience import Audience
from pulse_events.hub.hub import Hub
from pulse_events.hub.oddities import Oddity
from pulse_events.hub.past import Keeping, NoPast, Past, ReadCounts
from pulse_events.hub.ports import Listener, Stream, Waiting
from pulse_events.hub.quotas import Quotas
from pulse_events.hub.reading import NOW, Start
from pulse_events.hub.replay import told_by_an_end
from pulse_events.log.entries import Entry
from pulse_events.log.intake import Intake
from pulse_events.log.recording import PREFETCH
from pulse_events.log.tail import Tail
from pulse_events.topics.containment import covers
from pulse_events.topics.index import OddKeys
from pulse_events.wire.wire import Gap, gap_event

RESTARTED = "messages may be missing: the log was deleted"


class RecordedAlready:
    """The orders of a log's hub: all that it may ask for is recorded, once the log can be read."""

    def __init__(self) -> None:
        self._awaited: set[Binding] = set()
        self._listener: Listener | None = None

    def attached(self, listener: Listener) -> None:
        """Answer what was ordered, and what will be: the log is read up to its end."""
        self._listener = listener
        while self._awaited:
            listener.confirmed(self._awaited.pop())

    def bind(self, binding: Binding, owner: str = "") -> None:
        """See `Orders.bind`."""
        self._awaited.add(binding)

    def unbind(self, binding: Binding) -> None:
        """See `Orders.unbind`."""
        self._awaited.discard(binding)

    def answer(self) -> None:
        """Answer what was ordered, if the log can be read."""
        if self._listener is not None:
            self.attached(self._listener)

    def outstanding(self, owner: str) -> int:
        """See `Orders.outstanding`."""
        return 0

    def waiting(self) -> Waiting:
        """See `Orders.waiting`."""
        return Waiting()


class LogPast(Past):
    """What was read of the log, and those who have had more of it at another process."""

    def __init__(
        self,
        keeping: Keeping,
        match: Callable[[Record], Collection[Audience]],
        arrive: Callable[[Stream], None],
        end: Callable[[Stream, PulseEventsError], None],
    ) -> None:
        super().__init__(keeping, match, arrive, end)
        assert isinstance(keeping.history, Tail)
        self.archive = Archive(keeping.history, self._replays, keeping.pace, self._found)
        self._replays.older = self.archive
        self._ahead: dict[Stream, int] = {}
        """Who has had more than was read, and the probe that has yet to be read; 0 before that."""

    def read(self) -> ReadCounts:
        """See `NoPast`."""
        return super().read()._replace(in_line=len(self.archive))

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for what has yet to be read."""
        return bool(self._ahead)

    def begin(self, stream: Stream, start: Start) -> None:
        """See `NoPast`; who has had more than is read here waits for it."""
        audience = stream.audience
        assert audience is not None
        since_ms = LogCursors.time_of(start.cursor)
        if since_ms is not None:
            start = Start(since_ms=since_ms)
        if self._is_ahead(start):
            audience.wait(stream, start)
            self._ahead[stream] = 0
        elif self._is_older(start):
            assert start.since_ms is not None
            audience.wait(stream, start)
            self.archive.find(stream, start.since_ms)
        else:
            super().begin(stream, start)

    def _is_older(self, start: Start) -> bool:
        """Tell whether it begins at a time before all that is held."""
        since_ms = start.since_ms
        return (
            not start.cursor and since_ms is not None and since_ms < self.history.forgotten.time_ms
        )

    def _found(self, stream: Stream, position: int) -> None:
        """Let a stream begin whose time was looked for."""
        assert stream.audience is not None
        start = stream.audience.end_wait(stream)
        super().begin(stream, start._replace(found=position))

    def cursor_of(self, stream: Stream) -> bytes:
        """See `NoPast`; who waits for a time to be found comes back with it."""
        audience = stream.audience
        start = audience.waiting.get(stream) if audience is not None else None
        if start is not None and start.since_ms is not None and not start.cursor:
            return LogCursors.at_time(start.since_ms)
        return super().cursor_of(stream)

    def _is_ahead(self, start: Start) -> bool:
        position = self.history.cursors.read(start.cursor)
        return isinstance(position, int) and position > self.history.last

    def leave(self, stream: Stream) -> None:
        """See `NoPast`."""
        self._ahead.pop(stream, None)
        self.archive.stop_finding(stream)
        super().leave(stream)

    def advance(self, read: int = 0) -> None:
        """Let those begin who had no more than is read now, or of another log.

        Args:
            read: The probe that was read: all that was written before it was read, too.
        """
        for stream, awaited in tuple(self._ahead.items()):
            assert stream.audience is not None
            start = stream.audience.waiting[stream]
            if 0 < awaited <= read or not self._is_ahead(start):
                del self._ahead[stream]
                super().begin(stream, stream.audience.end_wait(stream))

    def ask(self, probe: Callable[[], int]) -> None:
        """Have the log's end looked for, if somebody waits for it who did not before."""
        new = [stream for stream, awaited in self._ahead.items() if not awaited]
        if new:
            self._ahead |= dict.fromkeys(new, probe())

    def ask_anew(self) -> None:
        """Note that what was asked for may never be read."""
        self._ahead = dict.fromkeys(self._ahead, 0)


class LogHub(Hub):
    """Routes what is read of a log to audiences of streams that can be resumed.

    Args:
        recorded: What the log holds of: pairs of an exchange and a pattern.
        tail: What was read of it.
        keeping: Its history is ``tail``.
        wake: See `Hub`.
        quotas: See `Hub`.
        on_odd: See `Hub`.
    """

    def __init__(
        self,
        recorded: Iterable[Binding],
        tail: Tail,
        keeping: Keeping,
        wake: Callable[[Callable[[], None]], object],
        *,
        quotas: Quotas | None = None,
        on_odd: Callable[[Oddity], None] = lambda oddity: None,
    ) -> None:
        self._recorded_already = RecordedAlready()
        super().__init__(
            self._recorded_already,
            wake,
            threshold=sys.maxsize,
            quotas=quotas,
            on_odd=on_odd,
            keeping=keeping,
        )
        self.intake = Intake(tail, keeps=PREFETCH)
        self._probe: Callable[[], int] | None = None
        self._patterns: dict[str, list[str]] = {}
        self.hold(recorded)

    def hold(self, recorded: Iterable[Binding]) -> None:
        """Note what is recorded, from now on; streams that are there stay."""
        self._patterns.clear()
        for binding in recorded:
            self._patterns.setdefault(binding.exchange, []).append(binding.pattern)

    def _make_past(self, keeping: Keeping | None) -> NoPast:
        assert keeping is not None
        self._log_past = LogPast(
            keeping, lambda record: self._match(record), self._arrive, self._end_slow
        )
        return self._log_past

    @property
    def archive(self) -> Archive:
        """What of the log is older than what is held."""
        return self._log_past.archive

    def tick(self, now_s: float) -> bool:
        """See `Hub.tick`."""
        if self._probe is not None:
            self._log_past.ask(self._probe)
        self.archive.tick(now_s)
        return super().tick(now_s)

    def holds(self, bindings: BindingSet) -> bool:
        """Tell whether each key that ``bindings`` match is recorded."""
        return all(
            any(
                covers(recorded, binding.pattern)
                for recorded in self._patterns.get(binding.exchange, ())
            )
            for binding in bindings.bindings
        )

    def owns(self, audience: Audience) -> bool:
        """Tell whether an audience is one of this hub's."""
        return self._audiences.owns(audience)

    def subscribe(self, stream: Stream, bindings: BindingSet, start: Start = NOW) -> None:
        """See `Hub.subscribe`; what is recorded is in force, once the log can be read."""
        super().subscribe(stream, bindings, start)
        self._recorded_already.answer()

    def attach(self, probe: Callable[[], int]) -> None:
        """Note that the log is read up to its end: streams can begin.

        Args:
            probe: Asks for the log's end; returns what `found_end` is called with, or with more,
                when what stood in the log by now is read; 0 if it cannot be asked for.
        """
        self._recorded_already.attached(self)
        self._probe = probe
        self._log_past.ask_anew()

    def detach(self) -> None:
        """Note that the log cannot be read for now."""
        self._probe = None

    def found_end(self, probe: int) -> None:
        """Note that the log was read up to where its end was when ``probe`` was asked for."""
        self._log_past.advance(probe)

    def take(self, offset: int, entry: Entry) -> None:
        """Pass on what was read at ``offset``, which is behind all that was read before."""
        self._messages_in += 1
        for item in self.intake.take(offset, entry):
            if isinstance(item, Record):
                self._pass_on(item)
            else:
                self._tell(item)
        if self._log_past.is_awaited:
            self._log_past.advance()

    def _pass_on(self, record: Record) -> None:
        odd = None
        try:
            audiences = self._match(record)
        except OddKeys as error:
            odd, audiences = error, error.found
        self._outbox.put(record.event, audiences, record.position, self._past.cursor)
        if odd is not None:
            self._note_odd(record.exchange, odd)

    def _tell(self, hole: Hole) -> None:
        """Tell those that are live that messages are missing here."""
        if not hole.from_ms:
            return  # something was not recorded before: it is since before they were ready
        gap = Gap(hole.reason, hole.from_ms, hole.time_ms)
        exchange = hole.exchange
        audiences = self._routes.on(exchange) if exchange else self._audiences
        for audience in audiences:
            self._push(audience, gap_event(gap, self._past.cursor(hole.position)))

    def restart(self) -> None:
        """Note that the log is another one: all streams end, and come back to a gap."""
        self._losses += 1
        for audience in self._audiences:
            self._outbox.send(audience)
            self._end_all(audience.everybody(), told_by_an_end(RESTARTED))
        self.intake.restart()
