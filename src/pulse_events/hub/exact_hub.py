"""The hub of one set of bindings, where the broker alone decides what a message matches."""

import sys
from collections.abc import Callable, Collection

from pulse_events.hub.audience import Audience
from pulse_events.hub.hub import Hub
from pulse_events.hub.oddities import Oddity
from pulse_events.hub.past import Keeping
from pulse_events.hub.ports import Orders
from pulse_events.messages import Message


class ExactHub(Hub):
    """A hub whose queue holds one set of bindings: what comes is wanted, the broker matched it."""

    def __init__(
        self,
        orders: Orders,
        wake: Callable[[Callable[[], None]], object],
        on_odd: Callable[[Oddity], None] = lambda oddity: None,
        keeping: Keeping | None = None,
    ) -> None:
        super().__init__(orders, wake, threshold=sys.maxsize, on_odd=on_odd, keeping=keeping)
        audiences = self._audiences
        self._match = lambda message: audiences.values()

    def _note_unrouted(self, message: Message) -> Collection[Audience]:
        return ()  # who wanted it has just gone
