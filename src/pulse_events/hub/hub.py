"""The hub: which streams get which message, as the same bytes, once per loop turn.

Owns which audiences there are; what each holds, and which a message is for, they and `Routes` know.
Pure and synchronous: it never waits, and knows
neither the clock (``now_s`` is an argument) nor the loop (``wake`` is), neither AMQP nor HTTP.
"""

import sys
from collections.abc import Callable, Collection

from pulse_events.bindings import Binding, BindingSet
from pulse_events.errors import BindingRefused, Count, MessagesMissed, PulseEventsError
from pulse_events.hub.audience import Audience
from pulse_events.hub.interest import DEFAULT_THRESHOLD, Interest
from pulse_events.hub.linger import DEFAULT_LINGER_S, Linger
from pulse_events.hub.oddities import Oddities, Oddity
from pulse_events.hub.owed import Owed
from pulse_events.hub.ports import Orders, Stream
from pulse_events.hub.quotas import Quotas
from pulse_events.hub.routes import Routes
from pulse_events.hub.statistics import Statistics
from pulse_events.messages import Message
from pulse_events.topics.index import OddKeys
from pulse_events.wire.wire import WIRES, Wire

TURN_BYTES = 4 << 20
"""Bytes for all streams after which the audiences that are left wait for another turn of the loop;
some 2 ms.  One audience, however large, is written to at once."""

CLOSED_AT_ONCE = 100
"""Bindings that are given up in a turn of the loop, with those of the last audience; 0.5 ms."""

FLUSH_BYTES = 32 << 20
"""Bytes for all streams together that end the waiting for a flush: some 10 ms of writing, so that
a flood leaves turns to new clients and pings."""


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
    ) -> None:
        """Make an empty hub.

        Args:
            orders: How to tell the broker what to bind and unbind.
            wake: Gets `flush` when there is something to flush, to call it at the end of the
                loop turn, as ``loop.call_soon`` does.
            threshold: Wildcard patterns of one exchange above which one ``#`` replaces them.
            linger_s: How long the bindings of an audience stay after its last stream.
            quotas: How many bindings there may be; by default `Quotas` without arguments.
            on_odd: Told what is odd about messages, the first time on each exchange.
        """
        self._interest = Interest(orders, threshold)
        self._orders = orders
        self._wake = wake
        self._quotas = quotas or Quotas()
        self._odd = Oddities(on_odd)
        self._audiences: dict[tuple[BindingSet, Wire], Audience] = {}
        self._linger = Linger(linger_s)
        self._owed = Owed(self._end_ready, wake)
        self._routes = Routes()
        self._match: Callable[[Message], Collection[Audience]] = self._routes.match
        self._awaited: dict[Binding, set[Audience]] = {}
        self._dirty: list[Audience] = []
        self._pending_bytes = 0
        self._clients = self._messages_in = self._messages_out = 0
        self._bytes_out = self._slow_closed = self._omitted = self._losses = 0

    # Clients

    def subscribe(self, stream: Stream, bindings: BindingSet) -> None:
        """Add a stream; it gets ``ready`` now, or as soon as all its bindings are in force.

        Raises:
            LimitReached: All streams together would have too many distinct bindings.
            AddressLimitReached: Those of the stream's owner would, or too many of them wait for the
                broker's answer.
        """
        key = (bindings, stream.wire)
        audience = self._audiences.get(key) or self._open(*key, stream.owner)
        self._routes.add(audience, stream.owner)
        self._linger.end(audience)
        self._clients += 1
        audience.join(stream)

    def count_new(self, bindings: BindingSet) -> int:
        """Return how many of ``bindings`` no audience has yet: the work of subscribing."""
        return self._interest.new_among(bindings.asked)

    def has(self, bindings: BindingSet) -> bool:
        """Tell whether there is an audience with these bindings, whatever its form."""
        return any((bindings, wire) in self._audiences for wire in WIRES)

    def leave(self, stream: Stream, now_s: float) -> None:
        """Remove a stream whose client is gone; its bindings stay for the linger."""
        audience = stream.audience
        if audience is not None:
            audience.leave(stream)
            self._clients -= 1
            if audience.is_empty:
                self._linger.begin(audience, now_s)

    def evict(self, stream: Stream, reason: PulseEventsError, now_s: float) -> None:
        """End a stream that does not read fast enough; nobody else waits for it."""
        if stream.audience is not None:
            self._slow_closed += 1
            self.leave(stream, now_s)
            stream.end(reason)

    def end(self, stream: Stream, reason: PulseEventsError, now_s: float) -> None:
        """End a stream, after it was sent what is pending."""
        if stream.audience is not None:
            self._flush(stream.audience)
            self.leave(stream, now_s)
            stream.end(reason)

    def tick(self, now_s: float) -> bool:
        """Give up the bindings of audiences that have had no stream for the linger.

        Returns:
            Whether there are more than a turn of the loop should be taken for.
        """
        left = CLOSED_AT_ONCE
        while left > 0 and (audience := self._linger.due(now_s)):
            left -= len(audience.bindings.bindings)
            self._close(audience)
        return left <= 0

    def _open(self, bindings: BindingSet, wire: Wire, owner: str) -> Audience:
        self._quotas.check(bindings, owner, self._interest, self._orders)
        audience = self._audiences[bindings, wire] = Audience(bindings, wire)
        for asked in bindings.asked:
            if not self._interest.want(asked, owner):
                self._await(asked, audience)
        return audience

    def _close(self, audience: Audience) -> None:
        del self._audiences[audience.bindings, audience.wire]
        self._linger.end(audience)
        self._owed.forget(audience)
        self._routes.remove(audience)
        for asked in audience.bindings.asked:
            if waiting := self._awaited.get(asked):
                waiting.discard(audience)
                if not waiting:
                    del self._awaited[asked]
            self._interest.drop(asked)

    def _await(self, binding: Binding, audience: Audience) -> None:
        audience.miss(binding)
        self._awaited.setdefault(binding, set()).add(audience)

    # What the broker says

    def confirmed(self, binding: Binding) -> None:
        """Note that the broker has bound ``binding``; audiences that lack nothing are ready."""
        for wanted in self._interest.confirmed(binding):
            for audience in self._awaited.pop(wanted, ()):
                audience.confirm(wanted)

    def refused(self, binding: Binding, reason: BindingRefused) -> None:
        """Note that the broker will not bind ``binding``; end the streams that asked for it.

        Those that had ``ready`` (the exchange was deleted later) first get what is pending.
        """
        for failed in self._interest.refused(binding):
            for audience in self._routes.askers(failed):
                self._flush(audience)
                self._clients -= audience.end(reason)
                self._close(audience)

    def lost(self) -> None:
        """Note that the broker is gone: new clients wait until the bindings are confirmed again.

        Streams that had ``ready`` go on: the queue keeps their messages meanwhile.
        """
        self._interest.lost()
        self._awaited.clear()
        for audience in self._audiences.values():
            for asked in audience.bindings.asked:
                self._await(asked, audience)

    def missed(self, reason: MessagesMissed) -> None:
        """Note that the broker lost messages; end the streams that had ``ready``."""
        self._losses += 1
        for audience in tuple(self._audiences.values()):
            self._flush(audience)
            self._clients -= audience.end_ready(reason)
            if audience.is_empty:
                self._close(audience)

    def failed(self, message: Message, error: Exception) -> None:
        """Note that `publish` raised ``error``; end the streams on the exchange, and no other.

        Whom the message was for is not known then, nor who has got it already.
        """
        self._odd.note(Oddity(Count.MALFORMED, message.exchange, "", error))
        self._lose(message.exchange, "the server failed at it")

    def _lose(self, exchange: str, why: str, audiences: Collection[Audience] | None = None) -> None:
        """End streams that had ``ready`` and may be owed a message, after what is pending for them.

        Their bindings linger: to take many away at once would keep all others waiting.

        Args:
            exchange: The message's.
            why: Why it is not passed on, in words.
            audiences: Those who may be owed it; ``None`` for all on the exchange.
        """
        what = f"one of exchange {exchange!r} was not passed on ({why})"
        reason = MessagesMissed(f"messages may be missing: {what}; connect again")
        self._owed.add(self._routes.on(exchange) if audiences is None else audiences, reason)

    def _end_ready(self, audience: Audience, reason: PulseEventsError) -> int:
        self._flush(audience)
        ended = audience.end_ready(reason)
        self._clients -= ended
        if audience.is_empty:
            self._linger.begin(audience)
        return ended

    # The hot path

    def publish(self, message: Message) -> None:
        """Append the message's frame to the pending list of each audience that it matches."""
        self._messages_in += 1
        match = self._match
        try:
            audiences = match(message) or self._note_unrouted(message)
        except OddKeys as odd:
            audiences = self._note_odd(message.exchange, odd)
        if message.malformed:
            self._note_malformed(message, audiences)
        frame = None
        for audience in audiences:
            if audience.streams:
                if frame is None:
                    self._omitted += message.omitted != ""
                    frame = audience.wire.message(message)
                if not audience.pending:
                    if not self._dirty:
                        self._wake(self.flush)
                    self._dirty.append(audience)
                append = audience.append  # taken first: Python 3.11 calls it faster then
                append(frame)
                written = len(frame) * len(audience.streams) // audience.wire.shrinks
                self._pending_bytes += written
        if self._pending_bytes > FLUSH_BYTES:
            self.flush(sys.maxsize)  # all of it: left for later, it would grow without bound

    def _note_unrouted(self, message: Message) -> Collection[Audience]:
        """Return nobody; count the message, unless the broker was asked for more than is wanted."""
        exchange = message.exchange
        is_more = self._interest.gets_all(exchange) or self._routes.is_widened(exchange)
        if not (message.malformed or is_more):
            self._odd.note(Oddity(Count.UNROUTED, exchange))
        return ()

    def _note_odd(self, exchange: str, odd: "OddKeys[Audience]") -> Collection[Audience]:
        """Count the keys that were not matched in full; return who gets the message nonetheless.

        What nobody gets is not unrouted then: the broker may have matched it by one of these.
        """
        self._odd.note(Oddity(Count.OVERSIZED_KEYS, exchange), odd.oversized)
        self._odd.note(Oddity(Count.SKIPPED_KEYS, exchange), odd.skipped)
        if odd.undecided:
            why = "comparing its keys with these patterns took too long"
            self._lose(exchange, why, odd.undecided)
        return odd.found

    def _note_malformed(self, message: Message, audiences: Collection[Audience]) -> None:
        """Count what came without all of its keys; if nobody gets it, it may be anybody's."""
        self._odd.note(Oddity(Count.MALFORMED, message.exchange, message.malformed))
        if not any(audience.streams for audience in audiences):
            self._lose(message.exchange, message.malformed)

    def flush(self, turn_bytes: int = TURN_BYTES) -> None:
        """Write what is pending: one chunk per audience, the same bytes object to each stream.

        What is left after ``turn_bytes`` for all streams together waits for the next turn.
        """
        dirty, self._dirty = self._dirty, []
        if self._pending_bytes > turn_bytes:
            # Who gets little does not wait for who gets much.
            dirty.sort(key=Audience.pending_bytes)
        limit_bytes = self._bytes_out + turn_bytes
        for place, audience in enumerate(dirty, start=1):
            self._flush(audience)
            if self._bytes_out > limit_bytes and place < len(dirty):
                self._dirty = dirty[place:]
                self._wake(self.flush)
                break
        self._pending_bytes = sum(map(Audience.pending_bytes, self._dirty))

    def _flush(self, audience: Audience) -> None:
        if audience.pending:
            self._messages_out += len(audience.pending) * len(audience.streams)
            self._bytes_out += audience.flush()

    def statistics(self) -> Statistics:
        """Return the counts of now and since the start."""
        waiting, age_s = self._orders.waiting()
        return Statistics(
            clients=self._clients,
            audiences=len(self._audiences),
            bindings=len(self._interest),
            bindings_waiting=waiting,
            bindings_waiting_age_s=round(age_s, 3),
            messages_in=self._messages_in,
            messages_out=self._messages_out,
            bytes_out=self._bytes_out,
            slow_clients_closed=self._slow_closed,
            omitted=self._omitted,
            losses=self._losses,
            **self._odd.counts,
        )
