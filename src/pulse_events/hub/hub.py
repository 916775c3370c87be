"""The hub: which streams get which message, as the same bytes, once per loop turn.

Owns what becomes of a message, and of a loss.  Which audiences there are `Audiences` knows, what
each holds they do; which a message is for, `Routes`; who reads the history, and where, `Replays`.
Pure and synchronous: it never waits, and knows neither the clock (``now_s`` is an argument) nor the
loop (``wake`` is), neither AMQP nor HTTP.
"""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from pulse_events.bindings import Binding, BindingSet
from pulse_events.errors import (
    BindingRefused,
    Count,
    MessagesMissed,
    PulseEventsError,
)
from pulse_events.hub.audience import Audience
from pulse_events.hub.audiences import Audiences
from pulse_events.hub.builder import UNDECIDED, missing_text
from pulse_events.hub.interest import DEFAULT_THRESHOLD
from pulse_events.hub.linger import DEFAULT_LINGER_S
from pulse_events.hub.oddities import Oddities, Oddity
from pulse_events.hub.outbox import Outbox
from pulse_events.hub.owed import Owed
from pulse_events.hub.past import Keeping, NoPast, Past
from pulse_events.hub.ports import Orders, Stream
from pulse_events.hub.quotas import Quotas
from pulse_events.hub.reading import NOW, Start
from pulse_events.hub.replay import told_by_an_end
from pulse_events.hub.routes import Routes
from pulse_events.hub.statistics import Statistics
from pulse_events.messages import Message
from pulse_events.topics.index import OddKeys
from pulse_events.wire.wire import Gap, gap_event, message_event

if TYPE_CHECKING:
    from pulse_events.history import Record


class Hub:
    """Routes messages of one broker to audiences of streams."""

    def __init__(
        self,
        orders: Orders,
        wake: Callable[[Callable[[], None]], object],
        *,
        threshold: int = DEFAULT_THRESHOLD,
        linger_s: float = DEFAULT_LINGER_S,
        quotas: Quotas | None = None,
        on_odd: Callable[[Oddity], None] = lambda oddity: None,
        keeping: Keeping | None = None,
    ) -> None:
        """Make an empty hub.

        Args:
            orders: How to tell the broker what to bind and unbind.
            wake: Gets `Outbox.flush` when there is something to flush, to call it at the end of the
                loop turn, as ``loop.call_soon`` does.
            threshold: Wildcard patterns of one exchange above which one ``#`` replaces them.
            linger_s: How long the bindings of an audience stay after its last stream.
            quotas: How many bindings there may be; by default `Quotas` without arguments.
            on_odd: Told what is odd about messages, the first time on each exchange.
            keeping: What is kept of the past; if nothing is, no stream can be resumed, and one that
                does not read fast enough ends.
        """
        self._orders = orders
        self._odd = Oddities(on_odd)
        self._past = self._make_past(keeping)
        self._owed = Owed(self._end_ready, wake)
        self._routes = Routes()
        self._audiences = Audiences(
            orders,
            self._routes,
            self._past,
            complete=self._complete,
            closed=self._owed.forget,
            threshold=threshold,
            linger_s=linger_s,
            quotas=quotas or Quotas(),
        )
        self._match: Callable[[Message | Record], Collection[Audience]] = self._routes.match
        self._outbox = Outbox(wake)
        self._clients = self._messages_in = self._slow_closed = self._omitted = 0
        self._losses = self._gaps = self._fell_behind = 0

    def _make_past(self, keeping: Keeping | None) -> NoPast:
        if keeping is None:
            return NoPast(self._arrive)
        # The matching is another one in a hub of exact matches.
        return Past(keeping, lambda record: self._match(record), self._arrive, self._end_slow)

    # Clients

    def subscribe(self, stream: Stream, bindings: BindingSet, start: Start = NOW) -> None:
        """Add a stream; it gets ``ready`` now, or as soon as all its bindings are in force.

        Where it begins only counts if its form can be resumed, which takes a history.

        Raises:
            LimitReached: All streams together would have too many distinct bindings.
            AddressLimitReached: Those of the stream's owner would, or too many of them wait for the
                broker's answer.
        """
        audience = self._audiences.enter(bindings, stream.wire, stream.owner)
        self._clients += 1
        if audience.join(stream, start):
            self._past.begin(stream, start)

    def _arrive(self, stream: Stream) -> None:
        """Let a stream be live that has had all there is: in this very call, so nothing is between.

        What is pending for the others is among what it has had.
        """
        assert stream.audience is not None
        self._outbox.send(stream.audience)
        stream.audience.go_live(stream)

    def count_new(self, bindings: BindingSet) -> int:
        """Return how many of ``bindings`` no audience has yet: the work of subscribing."""
        return self._audiences.count_new(bindings)

    @property
    def is_spare(self) -> bool:
        """Whether there is no stream, and nothing but what may yield to others."""
        return not self._clients and self._audiences.may_yield

    def has(self, bindings: BindingSet) -> bool:
        """Tell whether there is an audience with these bindings, whatever its form."""
        return self._audiences.has(bindings)

    def cursor_of(self, stream: Stream) -> bytes:
        """Return the cursor of what a stream has had, as far as it can be resumed."""
        return self._past.cursor_of(stream)

    def leave(self, stream: Stream, now_s: float | None = None) -> None:
        """Remove a stream whose client is gone; its bindings stay for the linger."""
        audience = stream.audience
        if audience is not None:
            self._past.leave(stream)
            audience.leave(stream)
            self._clients -= 1
            self._audiences.left(audience, now_s, stream.owner)

    def slow(self, stream: Stream, reason: PulseEventsError, now_s: float) -> None:
        """Note that a stream leaves too much unread; nobody else waits for it.

        It goes on in the history when it has read what it has.  Without one it ends.
        """
        audience = stream.audience
        if audience is None:
            return
        was_live = stream in audience.streams
        if self._past.take(stream):
            self._fell_behind += was_live
        else:
            self._slow_closed += 1
            self.leave(stream, now_s)
            stream.end(reason)

    def drained(self, stream: Stream) -> None:
        """Note that the client of a stream has read what was written to it."""
        self._past.drained(stream)

    def end(self, stream: Stream, reason: PulseEventsError, now_s: float) -> None:
        """End a stream, after it was sent what is pending."""
        if stream.audience is not None:
            self._outbox.send(stream.audience)
            cursor = self.cursor_of(stream)
            self.leave(stream, now_s)
            stream.end(reason, cursor)

    def _end_slow(self, stream: Stream, reason: PulseEventsError) -> None:
        """End a stream that is behind, and needs what the history does not have."""
        self._slow_closed += 1
        self._end_all((stream,), reason)

    def _end_all(self, streams: Collection[Stream], reason: PulseEventsError) -> int:
        """End streams of one audience; return how many they were."""
        for stream in streams:
            cursor = self.cursor_of(stream)
            self.leave(stream)
            stream.end(reason, cursor)
        return len(streams)

    def tick(self, now_s: float) -> bool:
        """Give up what is too old: messages, and bindings of audiences without a stream.

        Returns:
            Whether there are more than a turn of the loop should be taken for.
        """
        has_more = self._audiences.tick(now_s)
        return self._past.forget() or has_more

    def _complete(self, audience: Audience) -> None:
        """Note that all bindings of ``audience`` are in force."""
        gap = self._past.completed(audience)
        if gap is not None:
            self._push(audience, gap)
            self._outbox.send(audience)  # who falls behind would not find it in the history

    # What is recorded

    def record(self, binding: Binding) -> None:
        """Keep ``binding`` in force from now on, so that what it matches is held.

        While the broker refuses it, it is asked for again now and then.
        """
        self._past.always(binding)
        self._audiences.record(binding)

    # What the broker says

    def confirmed(self, binding: Binding) -> None:
        """Note that the broker has bound ``binding``; audiences that lack nothing are ready."""
        for stream, start in self._audiences.confirmed(binding):
            self._past.begin(stream, start)

    def refused(self, binding: Binding, reason: BindingRefused) -> None:
        """Note that the broker will not bind ``binding``; end the streams that asked for it.

        Those that had ``ready`` (the exchange was deleted later) first get what is pending.
        """
        for audience in self._audiences.refused(binding):
            self._outbox.send(audience)
            self._end_all(audience.everybody(), reason)
            self._audiences.close(audience)

    def lost(self) -> None:
        """Note that the broker is gone: new clients wait until the bindings are confirmed again.

        Streams that had ``ready`` go on: the queue keeps their messages meanwhile.
        """
        self._audiences.lost()

    def missed(self, reason: MessagesMissed) -> None:
        """Note that the broker lost messages; tell the streams that had ``ready``.

        Those that can be resumed go on behind a gap, the others end.
        """
        self._losses += 1
        gap = self._past.hole("", str(reason), reason.back_ms)
        for audience in self._audiences:
            if self._past.interrupted(audience, gap):
                continue
            if gap is not None and audience.wire.resumes:
                self._push(audience, gap_event(gap, self._past.cursor()))
                continue
            self._outbox.send(audience)
            self._end_all(tuple(audience.streams), told_by_an_end(str(reason)))
            if self._audiences.is_idle(audience):
                self._audiences.close(audience)

    def failed(self, message: Message, error: Exception) -> None:
        """Note that `publish` raised ``error``; tell the streams on the exchange, and no other.

        Whom the message was for is not known then, nor who has got it already.
        """
        self._odd.note(Oddity(Count.MALFORMED, message.exchange, "", error))
        self._lose(message.exchange, "the server failed at it")

    def _lose(self, exchange: str, why: str) -> None:
        """Tell all that had ``ready`` and have bindings of ``exchange``: they may be owed one.

        Args:
            exchange: The message's.
            why: Why it is not passed on, in words.
        """
        reason = missing_text(exchange, why)
        self._tell_loss(self._routes.on(exchange), self._past.hole(exchange, reason), reason)

    def _tell_loss(self, audiences: Collection[Audience], gap: Gap | None, reason: str) -> None:
        """Tell a loss behind what is pending: by ``gap``, or by the end of the streams.

        Bindings of those that end linger: to take many away at once would keep all others waiting.
        """
        ending = []
        for audience in audiences:
            if gap is not None and audience.wire.resumes:
                self._push(audience, gap_event(gap, self._past.cursor()))
            else:
                ending.append(audience)
        self._owed.add(ending, told_by_an_end(reason))

    def _push(self, audience: Audience, gap: bytes) -> None:
        """Let those that are live have a ``gap`` event of the history's last position."""
        self._gaps += len(audience.streams)
        self._outbox.push(audience, gap, self._past.position)

    def _end_ready(self, audience: Audience, reason: PulseEventsError) -> int:
        self._outbox.send(audience)
        return self._end_all(tuple(audience.streams), reason)

    # The hot path

    def publish(self, message: Message) -> None:
        """Append the message's frame to the pending list of each audience that it matches."""
        self._messages_in += 1
        match = self._match
        odd = None
        try:
            audiences = match(message) or self._note_unrouted(message)
        except OddKeys as error:
            odd, audiences = error, error.found
        if audiences or odd is not None:
            event = message_event(message)
            position = self._past.record(message, event)
            is_passed_on = self._outbox.put(event, audiences, position, self._past.cursor)
            self._omitted += is_passed_on and message.omitted != ""
        if odd is not None:
            self._note_odd(message.exchange, odd)
        if message.malformed:
            self._note_malformed(message, audiences)

    def _note_unrouted(self, message: Message) -> Collection[Audience]:
        """Return nobody; count the message, unless the broker was asked for more than is wanted."""
        exchange = message.exchange
        is_more = self._audiences.gets_all(exchange) or self._routes.is_widened(exchange)
        if not (message.malformed or is_more):
            self._odd.note(Oddity(Count.UNROUTED, exchange))
        return ()

    def _note_odd(self, exchange: str, odd: "OddKeys[Audience]") -> None:
        """Count the keys that were not matched in full, and tell whom that may concern.

        What nobody gets is not unrouted then: the broker may have matched it by one of these.
        """
        self._odd.note(Oddity(Count.OVERSIZED_KEYS, exchange), odd.oversized)
        self._odd.note(Oddity(Count.SKIPPED_KEYS, exchange), odd.skipped)
        if odd.undecided:
            reason = missing_text(exchange, UNDECIDED)
            self._tell_loss(odd.undecided, self._past.gap(reason), reason)

    def _note_malformed(self, message: Message, audiences: Collection[Audience]) -> None:
        """Count what came without all of its keys; if nobody gets it, it may be anybody's."""
        self._odd.note(Oddity(Count.MALFORMED, message.exchange, message.malformed))
        if not any(audience.streams or audience.behind for audience in audiences):
            self._lose(message.exchange, message.malformed)

    def close(self) -> None:
        """Hold nothing of the past any more, for good."""
        self._past.close()

    def statistics(self) -> Statistics:
        """Return the counts of now and since the start."""
        waiting, age_s = self._orders.waiting()
        read, history = self._past.read(), self._past.history
        return Statistics(
            clients=self._clients,
            audiences=self._audiences.heard,
            bindings=self._audiences.bindings,
            bindings_waiting=waiting,
            bindings_waiting_age_s=round(age_s, 3),
            clients_behind=read.streams,
            clients_in_line=read.in_line,
            history_records=len(history) if history is not None else 0,
            history_bytes=history.records_bytes if history is not None else 0,
            messages_in=self._messages_in,
            messages_out=self._outbox.messages + read.messages,
            bytes_out=self._outbox.size_bytes + read.size_bytes,
            slow_clients_closed=self._slow_closed,
            slow_clients_behind=self._fell_behind,
            gaps=self._gaps + read.gaps,
            omitted=self._omitted,
            losses=self._losses,
            **self._odd.counts,
        )
