"""What a request costs its address, in simple requests that take as long, and who waits for whom.

Knows requests and sets of bindings; `access/rate.py` knows what an address has left.
"""

import time

from aiohttp import web

from pulse_events.access.rate import Allowances
from pulse_events.bindings import BindingSet
from pulse_events.hub.hubs import Hubs
from pulse_events.web.senders import Senders
from pulse_events.web.turnstile import Turnstile

TEXT_BYTES = 1024
"""Of a request's target, or of posted bindings, that are a simple request's work: 60 KB of JSON in
a target took as long as 9 to 19 of those, 80 KB that were posted as long as 69."""
MESSAGE_BYTES = 16_384
"""Of a message that is posted, likewise."""
REPORT = 10
"""What a report of all counts takes: with one process as long as 6 pings, with four as long as 15.
"""
KNOWN_BINDINGS = 16
"""Of a new set of bindings each of which others have already, likewise."""


COSTLY = 8
"""What waits for its turn, half a millisecond: the requests that come in one turn of the loop would
take it together, seven of a hundred bindings 25 ms in which no message is passed on."""


class Charges:
    """Charges the work of requests to their senders' addresses, and lets much of it in one by one.

    Args:
        senders: Says whose a request is.
        allowances: What is charged.
        hub: Knows which bindings are new.
    """

    def __init__(self, senders: Senders, allowances: Allowances, hub: Hubs) -> None:
        self._senders = senders
        self._allowances = allowances
        self._hub = hub
        self._turnstile = Turnstile()

    async def begin(self, request: web.BaseRequest, more: int = 0) -> None:
        """Charge a request, with what it takes to read it, and ``more`` if it is no simple one.

        Raises:
            AddressLimitReached: Its client asks too often.
        """
        await self.charge(request, 1 + more + len(request.raw_path) // TEXT_BYTES)

    async def charge(self, request: web.BaseRequest, cost: int) -> None:
        """Charge further work for a request, before it is done; if it is much, return in its turn.

        Raises:
            AddressLimitReached: Its client asks for too much.
        """
        if cost:
            address = self._senders.address_of(request)
            self._allowances.count(address, time.monotonic(), cost)
            if cost >= COSTLY:
                await self._turnstile.wait(address)

    async def charge_stream(self, request: web.BaseRequest, bindings: BindingSet) -> None:
        """Charge what a stream costs.

        A binding that nobody has yet must be indexed, bound at the broker, and unbound again: a
        hundred of them took as long as 65 pings here, and the broker's own time.

        Raises:
            AddressLimitReached: Its client asks for too much.
        """
        if not self._hub.has(bindings):
            known = len(bindings.bindings) // KNOWN_BINDINGS
            await self.charge(request, self._hub.count_new(bindings) + known)
