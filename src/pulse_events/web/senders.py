"""Whom a request is counted by, and what a log says once if a proxy's clients all count as one.

Knows requests and their addresses (`access/addresses.py`), not what is counted.
"""

import logging

from aiohttp import web

from pulse_events.access.addresses import Origins

log = logging.getLogger(__name__)

_PROXY_ADVICE = (
    "a request through %s came with an X-Forwarded-For that does not count, so that all clients of "
    "a proxy there share the limits of one address; %s"
)
_SAY_HOW_MANY = (
    "say with --trust-proxy, or TRUST_PROXY, how many proxies are in front of this server"
)
_SAY_WHERE = "if it is a proxy of yours, say so with --trusted-proxies"


class Senders:
    """Tells requests' senders apart."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self._has_advised = False

    def address_of(self, request: web.BaseRequest) -> str:
        """Return what a request is counted by."""
        if not self._origins.proxies:
            return self._origins.address_of(request.remote, ())
        forwarded = request.headers.getall("X-Forwarded-For", ())
        return self._origins.address_of(request.remote, forwarded)

    def note(self, request: web.BaseRequest) -> None:
        """Note a request, before anything is known of it."""
        if not self._origins.proxies:
            self._advise(request)

    def note_refused(self, request: web.BaseRequest) -> None:
        """Note that a request was refused since its address has too much."""
        self._advise(request, is_refused=True)

    def _advise(self, request: web.BaseRequest, *, is_refused: bool = False) -> None:
        """Say once that a proxy's clients count as one, if they do.

        Anybody may send the header: of somebody from far away only a refusal is worth a word.
        """
        if self._has_advised or "X-Forwarded-For" not in request.headers:
            return
        origins, peer = self._origins, request.remote
        forwarded = request.headers.getall("X-Forwarded-For")
        if origins.doubts(peer, forwarded) and (is_refused or origins.is_near(peer)):
            self._has_advised = True
            advice = _SAY_WHERE if origins.proxies else _SAY_HOW_MANY
            log.warning(_PROXY_ADVICE, self.address_of(request), advice)
