"""Which audiences there are: from the first stream with their bindings until after the last.

Owns what the broker is asked for on their behalf, and what of it is awaited; how long they stay
without a stream; and which are there for the history's sake.  Writes nothing to streams.
"""

from collections.abc import Callable, Iterator, ValuesView

from pulse_events.bindings import Binding, BindingSet
from pulse_events.errors import Count, LimitReached
from pulse_events.hub.audience import Audience
from pulse_events.hub.interest import Interest
from pulse_events.hub.linger import DEFAULT_LINGER_S, Linger
from pulse_events.hub.past import NoPast
from pulse_events.hub.ports import Orders, Stream
from pulse_events.hub.quotas import Quotas
from pulse_events.hub.reading import Start
from pulse_events.hub.routes import Routes
from pulse_events.wire.wire import WIRES, Wire, wire_of

CLOSED_AT_ONCE = 100
"""Bindings that are given up in a turn of the loop, with those of the last audience; 0.5 ms."""

RECORD_AGAIN_S = 30.0
"""How long after the broker refused to bind what is to be recorded it is asked again."""

_RECORDED = wire_of(is_chunked=True, is_gzip=False)
"""The form of audiences that are there for the history's sake."""
_YIELDS = frozenset((Count.REFUSED_DISTINCT_BINDINGS, Count.REFUSED_DISTINCT_BINDINGS_OF_ADDRESS))
"""Limits for which what only lingers makes room."""


class Audiences:
    """The audiences of one hub.

    Args:
        orders: See `Hub`.
        routes: Are kept as the audiences are.
        past: Is told of each that is opened or closed.
        complete: Called when all bindings of one are in force.
        closed: Called when one is gone.
        threshold: See `Hub`.
        linger_s: See `Hub`.
        quotas: See `Hub`.
    """

    def __init__(
        self,
        orders: Orders,
        routes: Routes,
        past: NoPast,
        *,
        complete: Callable[[Audience], None],
        closed: Callable[[Audience], None],
        threshold: int,
        linger_s: float,
        quotas: Quotas,
    ) -> None:
        self._orders = orders
        self._interest = Interest(orders, threshold)
        self._quotas = quotas
        self._routes = routes
        self._past = past
        self._complete = complete
        self._closed = closed
        self._audiences: dict[tuple[BindingSet, Wire], Audience] = {}
        self._awaited: dict[Binding, set[Audience]] = {}
        self._linger = Linger(linger_s)
        self._kept = Linger(past.kept_s)
        self._recorded: dict[BindingSet, float] = {}
        self._ticked_s = 0.0

    def __iter__(self) -> Iterator[Audience]:
        """Return those of now, whatever becomes of them meanwhile."""
        return iter(tuple(self._audiences.values()))

    def values(self) -> ValuesView[Audience]:
        """Return those of whenever it is read."""
        return self._audiences.values()

    def owns(self, audience: Audience) -> bool:
        """Tell whether an audience is one of these."""
        return self._audiences.get((audience.bindings, audience.wire)) is audience

    def has(self, bindings: BindingSet) -> bool:
        """Tell whether there is an audience with these bindings, whatever its form."""
        return any((bindings, wire) in self._audiences for wire in WIRES)

    @property
    def heard(self) -> int:
        """How many there are, without those that only the history needs."""
        return len(self._audiences) - sum(map(self._is_unheard, self._recorded))

    @property
    def bindings(self) -> int:
        """How many bindings the broker is asked for."""
        return len(self._interest)

    def count_new(self, bindings: BindingSet) -> int:
        """Return how many of ``bindings`` nobody has yet."""
        return self._interest.new_among(bindings.asked)

    def gets_all(self, exchange: str) -> bool:
        """Tell whether the broker is asked for all messages of an exchange, whatever is wanted."""
        return self._interest.gets_all(exchange)

    # From the first stream on

    def enter(self, bindings: BindingSet, wire: Wire, owner: str) -> Audience:
        """Return the audience for a stream that is about to join it, made if there is none.

        Raises:
            LimitReached: All streams together would have too many distinct bindings.
            AddressLimitReached: Those of ``owner`` would, or too many of them wait for the broker's
                answer.
        """
        audience = self._audiences.get((bindings, wire))
        if audience is None:
            self._make_room(bindings, owner)
            audience = self._open(bindings, wire, owner)
        self._routes.add(audience, owner)
        self._linger_of(audience).end(audience)
        return audience

    def _open(self, bindings: BindingSet, wire: Wire, owner: str) -> Audience:
        audience = self._audiences[bindings, wire] = Audience(bindings, wire)
        self._past.opened(audience)
        for asked in bindings.asked:
            if not self._interest.want(asked, owner):
                self._await(asked, audience)
        if not audience.missing:
            self._complete(audience)
        return audience

    def _await(self, binding: Binding, audience: Audience) -> None:
        audience.miss(binding)
        self._awaited.setdefault(binding, set()).add(audience)

    def _make_room(self, bindings: BindingSet, owner: str) -> None:
        """Raise if there would be too many bindings, though what lingers for long makes room."""
        left = 2 * CLOSED_AT_ONCE
        while True:
            try:
                self._quotas.check(bindings, owner, self._interest, self._orders)
                return
            except LimitReached as reason:
                is_own = reason.counted_as is Count.REFUSED_DISTINCT_BINDINGS_OF_ADDRESS
                audience = self._spare(owner if is_own else None)
                if audience is None or left <= 0 or reason.counted_as not in _YIELDS:
                    raise
                left -= len(audience.bindings.bindings)
                self.close(audience)

    def _spare(self, owner: str | None = None) -> Audience | None:
        """Return who lingers only as its streams may come back, and has done so for a while.

        Not who has just left: else one who comes and goes keeps the broker binding and unbinding.
        """
        return self._kept.oldest(owner, self._ticked_s - DEFAULT_LINGER_S)

    @property
    def may_yield(self) -> bool:
        """Whether there is one that others may take the place of."""
        return self._spare() is not None

    # Without a stream

    def left(self, audience: Audience, now_s: float | None, owner: str) -> None:
        """Note that a stream of ``owner`` has left; the bindings stay for the linger."""
        if self.is_idle(audience):
            self._linger_of(audience).begin(audience, now_s, owner)

    def is_idle(self, audience: Audience) -> bool:
        """Tell whether nothing needs an audience: neither a stream nor the history."""
        return audience.is_empty and not (
            audience.wire is _RECORDED and audience.bindings in self._recorded
        )

    def _linger_of(self, audience: Audience) -> Linger:
        """Return for how long an audience stays: one whose streams may come back, for long."""
        return self._kept if audience.wire.resumes else self._linger

    def tick(self, now_s: float) -> bool:
        """Close who has lingered for long enough; record what was refused, if it is time.

        Returns:
            Whether there are more than a turn of the loop should be taken for.
        """
        self._ticked_s = now_s
        left = CLOSED_AT_ONCE
        while left > 0 and (audience := self._due(now_s)):
            left -= len(audience.bindings.bindings)
            self.close(audience)
        self._record_again(now_s)
        return left <= 0

    def _due(self, now_s: float) -> Audience | None:
        """Return an audience that has lingered for long enough, or is one too many."""
        kept = self._kept
        if kept.bindings > self._past.kept_bindings:
            return kept.oldest()
        return self._linger.due(now_s) or kept.due(now_s)

    def close(self, audience: Audience) -> None:
        """Give up an audience that has no stream."""
        del self._audiences[audience.bindings, audience.wire]
        self._linger_of(audience).end(audience)
        self._routes.remove(audience)
        self._past.closed(audience)
        for asked in audience.bindings.asked:
            if waiting := self._awaited.get(asked):
                waiting.discard(audience)
                if not waiting:
                    del self._awaited[asked]
            self._interest.drop(asked)
        self._closed(audience)

    # For the history's sake

    def record(self, binding: Binding) -> None:
        """Keep ``binding`` in force from now on.

        While the broker refuses it, it is asked for again now and then.
        """
        bindings = BindingSet((binding,))
        self._recorded[bindings] = 0.0
        self._open_record(bindings)

    def _open_record(self, bindings: BindingSet) -> None:
        audience = self._audiences.get((bindings, _RECORDED)) or self._open(bindings, _RECORDED, "")
        self._routes.add(audience, "")

    def _is_unheard(self, bindings: BindingSet) -> bool:
        """Tell whether what is recorded has an audience of its own, without a stream."""
        audience = self._audiences.get((bindings, _RECORDED))
        return audience is not None and audience.is_empty

    def _record_again(self, now_s: float) -> None:
        for bindings, asked_s in self._recorded.items():
            if (bindings, _RECORDED) not in self._audiences and now_s - asked_s > RECORD_AGAIN_S:
                self._recorded[bindings] = now_s
                self._open_record(bindings)

    # What the broker says

    def confirmed(self, binding: Binding) -> Iterator[tuple[Stream, Start]]:
        """Note that the broker has bound ``binding``; yield who can begin, and where."""
        for wanted in self._interest.confirmed(binding):
            for audience in self._awaited.pop(wanted, ()):
                ready = audience.confirm(wanted)
                if not audience.missing:
                    self._complete(audience)
                yield from ready.items()

    def refused(self, binding: Binding) -> Iterator[Audience]:
        """Note that the broker will not bind ``binding``; yield who asked for it, to be closed."""
        for failed in self._interest.refused(binding):
            yield from self._routes.askers(failed)

    def lost(self) -> None:
        """Note that nothing is in force any more, until it is confirmed again."""
        self._interest.lost()
        self._awaited.clear()
        for audience in self._audiences.values():
            for asked in audience.bindings.asked:
                self._await(asked, audience)
