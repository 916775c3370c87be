"""What a request costs its address, in simple requests that take as long, and who must wait.

Knows requests, sets of bindings and the limits; not what is at which path, nor how it is answered.
"""

import logging
import time

from aiohttp import web

from pulse_events.bindings import BindingSet
from pulse_events.errors import AddressLimitReached, PulseEventsError
from pulse_events.web.services import Services

log = logging.getLogger(__name__)

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

_PROXY_ADVICE = (
    "a request through %s came with an X-Forwarded-For that does not count, so that all clients of "
    "a proxy there share the limits of one address; %s"
)
_SAY_HOW_MANY = (
    "say with --trust-proxy, or TRUST_PROXY, how many proxies are in front of this server"
)
_SAY_WHERE = "if it is a proxy of yours, say so with --trusted-proxies"


class Work:
    """Counts the work of requests by address."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._admission = services.admission
        self._has_advised = False

    def address_of(self, request: web.BaseRequest) -> str:
        """Return what a request is counted by."""
        if not self._admission.origins.proxies:
            return self._admission.address_of(request.remote)
        forwarded = request.headers.getall("X-Forwarded-For", ())
        return self._admission.address_of(request.remote, forwarded)

    def begin(self, request: web.BaseRequest, more: int = 0) -> None:
        """Count a request, with what it takes to read it, and ``more`` if it is no simple one.

        Raises:
            AddressLimitReached: Its client asks too often.
        """
        if not self._admission.origins.proxies:
            self._advise(request)
        self.charge(request, 1 + more + len(request.raw_path) // TEXT_BYTES)

    def charge(self, request: web.BaseRequest, cost: int) -> None:
        """Count further work for a request, before it is done.

        Raises:
            AddressLimitReached: Its client asks for too much.
        """
        if cost:
            address = self.address_of(request)
            self._admission.count_request(address, time.monotonic(), cost)

    def charge_stream(self, request: web.BaseRequest, bindings: BindingSet) -> None:
        """Count what a stream costs.

        A binding that nobody has yet must be indexed, bound at the broker, and unbound again: a
        hundred of them took as long as 65 pings here, and the broker's own time.

        Raises:
            AddressLimitReached: Its client asks for too much.
        """
        hub = self._services.hub
        if not hub.has(bindings):
            known = len(bindings.bindings) // KNOWN_BINDINGS
            self.charge(request, hub.count_new(bindings) + known)

    def refused(self, request: web.BaseRequest, reason: PulseEventsError) -> None:
        """Count a refusal that a limit is the reason of."""
        if reason.counted_as:
            self._services.refused[reason.counted_as] += 1
        if isinstance(reason, AddressLimitReached):
            self._advise(request, is_refused=True)

    def _advise(self, request: web.BaseRequest, *, is_refused: bool = False) -> None:
        """Say once that a proxy's clients count as one, if they do.

        Anybody may send the header: of somebody from far away only a refusal is worth a word.
        """
        if self._has_advised or "X-Forwarded-For" not in request.headers:
            return
        origins, peer = self._admission.origins, request.remote
        forwarded = request.headers.getall("X-Forwarded-For")
        if origins.doubts(peer, forwarded) and (is_refused or origins.is_near(peer)):
            self._has_advised = True
            advice = _SAY_WHERE if origins.proxies else _SAY_HOW_MANY
            log.warning(_PROXY_ADVICE, self.address_of(request), advice)
