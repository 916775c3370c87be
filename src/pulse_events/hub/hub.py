"""The hub: which streams get which message, as the same bytes, once per loop turn.

Owns audiences, routing and pending frames.  Pure and synchronous: it never waits, and knows
neither the clock (``now_s`` is an argument) nor the loop (``wake`` is), neither AMQP nor HTTP.
"""

import sys
from collections.abc import Callable, Collection, Iterable

from pulse_events.bindings import Binding, BindingSet
from pulse_events.cache_limit import CacheLimit
from pulse_events.errors import (
    AddressLimitReached,
    BindingRefused,
    LimitReached,
    MessagesMissed,
    PulseEventsError,
)
from pulse_events.hub.audience import Audience
from pulse_events.hub.interest import DEFAULT_THRESHOLD, Interest
from pulse_events.hub.oddities import Oddities, Oddity
from pulse_events.hub.ports import Orders, Stream
from pulse_events.hub.statistics import Statistics
from pulse_events.messages import Message, encode_message
from pulse_events.topics import OddKeys, TopicIndex
from pulse_events.wire.sse import encode_event
from pulse_events.wire.wire import WIRES, Wire

DEFAULT_BINDINGS_LIMIT = 100_000
"""Distinct bindings of a process, those of the linger included."""

DEFAULT_LINGER_S = 10.0
"""How long the bindings of an audience stay after its last stream: a page reload costs nothing."""

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
        bindings_limit: int = DEFAULT_BINDINGS_LIMIT,
        owner_bindings_limit: Callable[[str], int] = lambda owner: sys.maxsize,
        owner_outstanding_limit: Callable[[str], int] = lambda owner: sys.maxsize,
        on_odd: Callable[[Oddity], None] = lambda oddity: None,
    ) -> None:
        """Make an empty hub.

        Args:
            orders: How to tell the broker what to bind and unbind.
            wake: Gets `flush` when there is something to flush, to call it at the end of the
                loop turn, as ``loop.call_soon`` does.
            threshold: Wildcard patterns of one exchange above which one ``#`` replaces them.
            linger_s: How long the bindings of an audience stay after its last stream.
            bindings_limit: Distinct bindings that all audiences may have together.
            owner_bindings_limit: Returns how many of them one owner may be the first to want.
            owner_outstanding_limit: Returns how many of those may have no answer of the broker.
            on_odd: Told what is odd about messages, the first time on each exchange.
        """
        self._interest = Interest(orders, threshold)
        self._orders = orders
        self._wake = wake
        self._linger_s = linger_s
        self._bindings_limit = bindings_limit
        self._owner_bindings_limit = owner_bindings_limit
        self._owner_outstanding_limit = owner_outstanding_limit
        self._odd = Oddities(on_odd)
        self._audiences: dict[tuple[BindingSet, Wire], Audience] = {}
        self._idle: dict[Audience, None] = {}  # oldest first
        self._indexes: dict[str, TopicIndex[Audience]] = {}
        self._answers = CacheLimit()
        self._waiting: dict[Binding, set[Audience]] = {}
        # By exchange and pattern: who asked for less than the broker is asked for.
        self._widened: dict[str, dict[str, set[Audience]]] = {}
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
        audience.idle_since_s = None
        self._idle.pop(audience, None)
        stream.audience = audience
        self._clients += 1
        if audience.missing:
            audience.waiting.add(stream)
        else:
            audience.streams.add(stream)
            stream.write(stream.wire.ready)

    def count_new(self, bindings: BindingSet) -> int:
        """Return how many of ``bindings`` no audience has yet: the work of subscribing."""
        return self._interest.new_among(bindings.asked)

    def has(self, bindings: BindingSet) -> bool:
        """Tell whether there is an audience with these bindings, whatever its form."""
        return any((bindings, wire) in self._audiences for wire in WIRES)

    def leave(self, stream: Stream, now_s: float) -> None:
        """Remove a stream whose client is gone; its bindings stay for the linger."""
        audience = stream.audience
        if audience is None:
            return
        self._remove(stream, audience)
        if not audience.streams and not audience.waiting:
            audience.idle_since_s = now_s
            self._idle[audience] = None

    def evict(self, stream: Stream, reason: PulseEventsError, now_s: float) -> None:
        """End a stream that does not read fast enough; nobody else waits for it."""
        if stream.audience is not None:
            self._slow_closed += 1
            self.leave(stream, now_s)
            stream.end(reason)

    def end(self, stream: Stream, reason: PulseEventsError, now_s: float) -> None:
        """End a stream, after it was sent what is pending."""
        if stream.audience is not None:
            self.flush()
            self.leave(stream, now_s)
            stream.end(reason)

    def tick(self, now_s: float) -> None:
        """Give up the bindings of audiences that have had no stream for the linger."""
        for audience in tuple(self._idle):
            if now_s - (audience.idle_since_s or 0.0) < self._linger_s:
                break
            self._close(audience)

    def _open(self, bindings: BindingSet, wire: Wire, owner: str) -> Audience:
        self._check_limits(bindings, owner)
        audience = self._audiences[bindings, wire] = Audience(bindings, wire)
        for binding in bindings.bindings:
            index = self._indexes.setdefault(binding.exchange, TopicIndex(self._answers))
            index.add(binding.pattern, audience)
        for asked in bindings.asked:
            if not self._interest.want(asked, owner):
                self._miss(audience, asked)
        for asked in _wider(bindings):
            patterns = self._widened.setdefault(asked.exchange, {})
            patterns.setdefault(asked.pattern, set()).add(audience)
        return audience

    def _check_limits(self, bindings: BindingSet, owner: str) -> None:
        new = self._interest.new_among(bindings.asked)
        distinct, owned = self._interest.distinct + new, self._interest.owned(owner) + new
        if distinct > self._bindings_limit:
            raise LimitReached(
                f"all streams of this server would have {distinct} distinct bindings, the limit is "
                f"{self._bindings_limit}; ask for fewer, or try again later",
                "refused_distinct_bindings",
            )
        if new and owned > (limit := self._owner_bindings_limit(owner)):
            raise AddressLimitReached(
                f"{owner} would have {owned} distinct bindings, the limit is {limit}; ask for "
                "fewer, or try again later",
                "refused_distinct_bindings_of_address",
            )
        if new:
            self._check_outstanding(owner, new)

    def _check_outstanding(self, owner: str, new: int) -> None:
        """Refuse more work for the broker from one who has much of it in line.

        Who has none may ask for more than the limit: how many a stream has is limited elsewhere.
        """
        waiting, limit = self._orders.outstanding(owner), self._owner_outstanding_limit(owner)
        if waiting and waiting + new > limit:
            raise AddressLimitReached(
                f"{owner} has {waiting} bindings that the broker has not answered and asks for "
                f"{new} more, the limit is {limit}; wait, and try again",
                "refused_outstanding_bindings",
            )

    def _end(self, audience: Audience, reason: PulseEventsError) -> None:
        for stream in (*audience.streams, *audience.waiting):
            self._remove(stream, audience)
            stream.end(reason)
        self._close(audience)

    def _close(self, audience: Audience) -> None:
        del self._audiences[audience.bindings, audience.wire]
        self._idle.pop(audience, None)
        for binding in audience.bindings.bindings:
            index = self._indexes[binding.exchange]
            index.remove(binding.pattern, audience)
            if not index:
                del self._indexes[binding.exchange]
        for asked in _wider(audience.bindings):
            self._narrow(asked, audience)
        for asked in audience.bindings.asked:
            waiting = self._waiting.get(asked)
            if waiting:
                waiting.discard(audience)
                if not waiting:
                    del self._waiting[asked]
            self._interest.drop(asked)

    def _narrow(self, asked: Binding, audience: Audience) -> None:
        patterns = self._widened[asked.exchange]
        patterns[asked.pattern].discard(audience)
        if not patterns[asked.pattern]:
            del patterns[asked.pattern]
        if not patterns:
            del self._widened[asked.exchange]

    def _remove(self, stream: Stream, audience: Audience) -> None:
        audience.streams.discard(stream)
        audience.waiting.discard(stream)
        if not audience.streams:
            audience.pending.clear()  # else who comes next would get it, and miss what follows
        stream.audience = None
        self._clients -= 1

    # What the broker says

    def confirmed(self, binding: Binding) -> None:
        """Note that the broker has bound ``binding``; audiences that lack nothing are ready."""
        for wanted in self._interest.confirmed(binding):
            for audience in self._waiting.pop(wanted, ()):
                audience.missing -= 1
                if not audience.missing:
                    self._ready(audience)

    def refused(self, binding: Binding, reason: BindingRefused) -> None:
        """Note that the broker will not bind ``binding``; end the streams that asked for it.

        Those that had ``ready`` (the exchange was deleted later) first get what is pending.
        """
        self.flush()
        for failed in self._interest.refused(binding):
            for audience in self._askers(failed):
                self._end(audience, reason)

    def _askers(self, asked: Binding) -> Collection[Audience]:
        """Return the audiences for which the broker was asked for ``asked``."""
        index = self._indexes.get(asked.exchange)
        own = index.under(asked.pattern) if index else frozenset[Audience]()
        return own.union(self._widened.get(asked.exchange, {}).get(asked.pattern, ()))

    def lost(self) -> None:
        """Note that the broker is gone: new clients wait until the bindings are confirmed again.

        Streams that had ``ready`` go on: the queue keeps their messages meanwhile.
        """
        self._interest.lost()
        self._waiting.clear()
        for audience in self._audiences.values():
            audience.missing = 0
            for asked in audience.bindings.asked:
                self._miss(audience, asked)

    def missed(self, reason: MessagesMissed) -> None:
        """Note that the broker lost messages; end the streams that had ``ready``."""
        self.flush()
        self._losses += 1
        for audience in tuple(self._audiences.values()):
            self._end_ready(audience, reason)
            if not audience.waiting:
                self._close(audience)

    def failed(self, message: Message, error: Exception) -> None:
        """Note that `publish` raised ``error``; end the streams on the exchange, and no other.

        Whom the message was for is not known then, nor who has got it already.
        """
        self._odd.note(Oddity("malformed", message.exchange, "", error))
        self._lose(message.exchange, "the server failed at it")

    def _lose(self, exchange: str, why: str, audiences: Collection[Audience] | None = None) -> None:
        """End streams that had ``ready`` and may be owed a message, after what is pending for them.

        Their bindings linger: to take many away at once would keep all others waiting.

        Args:
            exchange: The message's.
            why: Why it is not passed on, in words.
            audiences: Those who may be owed it; ``None`` for all on the exchange.
        """
        self.flush()
        if audiences is None:
            index = self._indexes.get(exchange)
            audiences = index.items() if index else ()
        what = f"one of exchange {exchange!r} was not passed on ({why})"
        reason = MessagesMissed(f"messages may be missing: {what}; connect again")
        for audience in audiences:
            self._end_ready(audience, reason)
            if not audience.waiting:
                self._idle.setdefault(audience)

    def _end_ready(self, audience: Audience, reason: PulseEventsError) -> None:
        for stream in tuple(audience.streams):
            self._remove(stream, audience)
            stream.end(reason)

    def _miss(self, audience: Audience, binding: Binding) -> None:
        audience.missing += 1
        self._waiting.setdefault(binding, set()).add(audience)

    def _ready(self, audience: Audience) -> None:
        for stream in audience.waiting:
            stream.write(audience.wire.ready)
        audience.streams |= audience.waiting
        audience.waiting.clear()

    # The hot path

    def publish(self, message: Message) -> None:
        """Append the message's frame to the pending list of each audience that it matches."""
        self._messages_in += 1
        audiences = self._match(message)
        if message.malformed:
            self._note_malformed(message, audiences)
        frame = None
        for audience in audiences:
            if audience.streams:
                if frame is None:
                    self._omitted += bool(message.omitted)
                    frame = encode_event("message", encode_message(message))
                if not audience.pending:
                    if not self._dirty:
                        self._wake(self.flush)
                    self._dirty.append(audience)
                audience.pending.append(frame)
                written = len(frame) * len(audience.streams) // audience.wire.shrinks
                self._pending_bytes += written
        if self._pending_bytes > FLUSH_BYTES:
            self.flush()

    def _match(self, message: Message) -> Collection[Audience]:
        """Return who gets ``message``: the routing key counts, and each ``CC`` key."""
        audiences: Collection[Audience] = ()
        if index := self._indexes.get(message.exchange):
            try:
                audiences = index.match(message.routing_key, message.cc)
            except OddKeys as odd:
                return self._note_odd(message.exchange, odd)
        if not audiences:
            self._note_unrouted(message)
        return audiences

    def _note_unrouted(self, message: Message) -> None:
        """Count what nobody asked for, unless it comes because the broker is asked for more."""
        exchange = message.exchange
        is_more = self._interest.gets_all(exchange) or exchange in self._widened
        if not (message.malformed or is_more):
            self._odd.note(Oddity("unrouted", exchange))

    def _note_odd(self, exchange: str, odd: "OddKeys[Audience]") -> Collection[Audience]:
        """Count the keys that were not matched in full; return who gets the message nonetheless.

        What nobody gets is not unrouted then: the broker may have matched it by one of these.
        """
        for kind, count in (("oversized_keys", odd.oversized), ("skipped_keys", odd.skipped)):
            if count:
                self._odd.note(Oddity(kind, exchange), count)
        if odd.undecided:
            why = "comparing its keys with these patterns took too long"
            self._lose(exchange, why, odd.undecided)
        return odd.found

    def _note_malformed(self, message: Message, audiences: Collection[Audience]) -> None:
        """Count what came without all of its keys; if nobody gets it, it may be anybody's."""
        self._odd.note(Oddity("malformed", message.exchange, message.malformed))
        if not any(audience.streams for audience in audiences):
            self._lose(message.exchange, message.malformed)

    def flush(self) -> None:
        """Write what is pending: one chunk per audience, the same bytes object to each stream."""
        for audience in self._dirty:
            if not audience.pending:
                continue
            chunk = audience.wire.encode(b"".join(audience.pending))
            streams = len(audience.streams)
            self._messages_out += len(audience.pending) * streams
            self._bytes_out += len(chunk) * streams
            audience.pending.clear()
            for stream in audience.streams:
                stream.write(chunk)
        self._dirty.clear()
        self._pending_bytes = 0

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


def _wider(bindings: BindingSet) -> Iterable[Binding]:
    """Return what the broker is asked for that is not in ``bindings`` themselves."""
    if bindings.asked is bindings.bindings:
        return ()
    return set(bindings.asked).difference(bindings.bindings)


class ExactHub(Hub):
    """A hub whose queue holds one set of bindings: what comes is wanted, the broker matched it."""

    def __init__(
        self,
        orders: Orders,
        wake: Callable[[Callable[[], None]], object],
        on_odd: Callable[[Oddity], None] = lambda oddity: None,
    ) -> None:
        super().__init__(orders, wake, threshold=sys.maxsize, on_odd=on_odd)

    def _match(self, message: Message) -> Collection[Audience]:
        return self._audiences.values()
