"""Which audiences a message is for: a trie of patterns for each exchange.

Knows what audiences asked for, and where the broker was asked for more; writes nothing to them.
"""

from collections.abc import Collection, Iterable

from pulse_events.bindings import Binding, BindingSet
from pulse_events.cache_limit import CacheLimit
from pulse_events.hub.audience import Audience
from pulse_events.messages import Message
from pulse_events.topics import TopicIndex


class Routes:
    """The audiences by what they asked for."""

    def __init__(self) -> None:
        self._indexes: dict[str, TopicIndex[Audience]] = {}
        self._answers = CacheLimit()
        # By exchange and pattern: who asked for less than the broker is asked for.
        self._widened: dict[str, dict[str, set[Audience]]] = {}

    def add(self, audience: Audience) -> None:
        """Let ``audience`` have what its bindings match."""
        for binding in audience.bindings.bindings:
            index = self._indexes.setdefault(binding.exchange, TopicIndex(self._answers))
            index.add(binding.pattern, audience)
        for asked in _wider(audience.bindings):
            patterns = self._widened.setdefault(asked.exchange, {})
            patterns.setdefault(asked.pattern, set()).add(audience)

    def remove(self, audience: Audience) -> None:
        """Forget ``audience``, which was added."""
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

    def match(self, message: Message) -> Collection[Audience]:
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
