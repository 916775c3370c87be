"""Which audiences a message is for: an index of patterns for each exchange.

Knows what audiences asked for, and where the broker was asked for more; writes nothing to them.
"""

from collections.abc import Collection, Iterable

from pulse_events.bindings import Binding, BindingSet
from pulse_events.history import Record
from pulse_events.hub.audience import Audience
from pulse_events.messages import Message
from pulse_events.topics.cache_limit import CacheLimit
from pulse_events.topics.index import TopicIndex

_OWNERS_LIMIT = 16
"""Owners of an audience in whose names its patterns are filed."""


class Routes:
    """The audiences by what they asked for."""

    def __init__(self) -> None:
        self._indexes: dict[str, TopicIndex[Audience]] = {}
        self._answers = CacheLimit()
        self._owners: dict[Audience, set[str]] = {}
        # By exchange and pattern: who asked for less than the broker is asked for.
        self._widened: dict[str, dict[str, set[Audience]]] = {}

    def add(self, audience: Audience, owner: str) -> None:
        """Let ``audience`` have what its bindings match; ``owner`` is whose stream joins it.

        Several may share it: what it takes to compare its patterns is of the one with the least.
        """
        owners = self._owners.setdefault(audience, set())
        if owner in owners or len(owners) == _OWNERS_LIMIT:
            return
        for binding in audience.bindings.bindings:
            self._index_of(binding.exchange).add(binding.pattern, audience, owner)
        if not owners:
            self._widen(audience)
        owners.add(owner)

    def _index_of(self, exchange: str) -> TopicIndex[Audience]:
        index = self._indexes.get(exchange)
        if index is None:  # not `setdefault`, which makes one for each binding
            index = self._indexes[exchange] = TopicIndex(self._answers)
        return index

    def _widen(self, audience: Audience) -> None:
        for asked in _wider(audience.bindings):
            patterns = self._widened.setdefault(asked.exchange, {})
            patterns.setdefault(asked.pattern, set()).add(audience)

    def remove(self, audience: Audience) -> None:
        """Forget ``audience``, which was added."""
        del self._owners[audience]
        for binding in audience.bindings.bindings:
            index = self._indexes[binding.exchange]
            index.remove(binding.pattern, audience)
            if not index:
                del self._indexes[binding.exchange]
        for asked in _wider(audience.bindings):
            self._narrow(asked, audience)

    def _narrow(self, asked: Binding, audience: Audience) -> None:
        patterns = self._widened[asked.exchange]
        patterns[asked.pattern].discard(audience)
        if not patterns[asked.pattern]:
            del patterns[asked.pattern]
        if not patterns:
            del self._widened[asked.exchange]

    def match(self, message: Message | Record) -> Collection[Audience]:
        """Return who gets ``message``: the routing key counts, and each ``CC`` key.

        Raises:
            OddKeys: Some keys were not matched in full; it says who gets the message nonetheless.
        """
        index = self._indexes.get(message.exchange)
        return index.match(message.routing_key, message.cc) if index else ()

    def on(self, exchange: str) -> Collection[Audience]:
        """Return who has any binding of ``exchange``."""
        index = self._indexes.get(exchange)
        return index.items() if index else ()

    def askers(self, asked: Binding) -> Collection[Audience]:
        """Return the audiences for which the broker was asked for ``asked``."""
        index = self._indexes.get(asked.exchange)
        own = index.under(asked.pattern) if index else frozenset[Audience]()
        return own.union(self._widened.get(asked.exchange, {}).get(asked.pattern, ()))

    def is_widened(self, exchange: str) -> bool:
        """Tell whether the broker was asked for more of ``exchange`` than anybody wants."""
        return exchange in self._widened


def _wider(bindings: BindingSet) -> Iterable[Binding]:
    """Return what the broker is asked for that is not in ``bindings`` themselves."""
    if bindings.asked is bindings.bindings:
        return ()
    return set(bindings.asked).difference(bindings.bindings)
