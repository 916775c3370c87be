"""Who may come in: limits of all, of each client address, and of the work that it asks for.

Knows addresses (`addresses.py` says whose a request is) and counts, nothing of what is asked for.
The clock is an argument.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from pulse_events.errors import AddressLimitReached, LimitReached, StreamEnded
from pulse_events.web.addresses import Origins, is_own

STREAMS_PER_ADDRESS = 1000
OUTSTANDING_BINDINGS = 2000
CONNECTIONS_PER_ADDRESS = 1000
BINDINGS_PER_ADDRESS = 10_000
QUEUES_PER_ADDRESS = 10
REQUESTS_PER_S = 1000.0
BURST_S = 10.0
"""Requests of so many seconds may come at once."""
_ADDRESSES_LIMIT = 100_000
_FORGOTTEN_AT_ONCE = 2
"""More than one can come with a request, so that they get fewer; no more, so that it is cheap."""


@dataclass(frozen=True, slots=True)
class AddressLimit:
    """What each address may have of something."""

    given: int | None
    """The setting; if ``None``, ``default``, but not for this machine's own addresses: most of
    what comes from there is a proxy's."""
    default: int

    def of(self, address: str) -> int:
        """Return how much ``address`` may have."""
        if self.given is not None:
            return self.given
        return sys.maxsize if is_own(address) else self.default


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process allows; each is a setting."""

    streams: int
    streams_per_address: int | None = None
    """See `AddressLimit.given`."""
    connections_per_address: int | None = None
    """Of those that are no streams yet; likewise."""
    requests_per_s: float | None = None
    """Of one address; if ``None``, `REQUESTS_PER_S`, likewise."""


class Admission:
    """Counts streams and requests by client address, and says which are too many."""

    def __init__(self, limits: Limits, origins: Origins | None = None) -> None:
        self.limits = limits
        self.origins = origins or Origins()
        self._streams_share = AddressLimit(limits.streams_per_address, STREAMS_PER_ADDRESS)
        self._connections_share = AddressLimit(
            limits.connections_per_address, CONNECTIONS_PER_ADDRESS
        )
        self._streams: Counter[str] = Counter()
        self._total = 0
        self._closed = ""
        self._requests: dict[str, tuple[float, float]] = {}  # allowance left, when; oldest first

    def address_of(self, peer: str | None, forwarded: Sequence[str] = ()) -> str:
        """Return what a request is counted by; see `Origins.address_of`."""
        return self.origins.address_of(peer, forwarded)

    def connections_limit(self, peer: str | None) -> int:
        """Return how many connections a peer may have that are no streams yet.

        Those of a trusted proxy are its clients', of whom each may have little.
        """
        if self.origins.is_proxy(peer):
            return sys.maxsize
        return self._connections_share.of(self.address_of(peer))

    def count_request(self, address: str, now_s: float, cost: float = 1.0) -> None:
        """Count a request, or more work for one, of so many simple requests' cost.

        What is left of an address's allowance need not suffice: it only has to be a request's, and
        what is missing is owed.  So no request can be too big ever to be allowed, and in the long
        run the rate holds.

        Raises:
            AddressLimitReached: There was too much for some time.
        """
        rate = self.limits.requests_per_s
        if rate is None:
            if is_own(address):
                return
            rate = REQUESTS_PER_S
        most = max(1.0, rate * BURST_S)
        left, then_s = self._requests.pop(address, (most, now_s))
        left = min(most, left + rate * (now_s - then_s))
        is_allowed = left >= 1
        self._requests[address] = (left - cost * is_allowed, now_s)
        self._forget_requests(rate, most, now_s)
        if not is_allowed:
            raise AddressLimitReached(
                f"too many requests from {address}: the limit is {rate:g} a second, and those with "
                "many new bindings or a long body count more; wait, and ask less often",
                "refused_requests",
                wait_s=(1 - left) / rate,
            )

    def _forget_requests(self, rate: float, most: float, now_s: float) -> None:
        """Forget who has asked for nothing as long as it takes to have all allowance again."""
        for address in tuple(islice(self._requests, _FORGOTTEN_AT_ONCE)):
            left, then_s = self._requests[address]
            if left + rate * (now_s - then_s) < most and len(self._requests) <= _ADDRESSES_LIMIT:
                break
            del self._requests[address]

    def close(self, reason: str) -> None:
        """Admit no stream any more."""
        self._closed = reason

    def admit(self, address: str) -> None:
        """Count one more stream, until `leave`.

        Raises:
            LimitReached: The process has as many as it may have.
            AddressLimitReached: The address has.
            StreamEnded: All streams are being ended.
        """
        if self._closed:
            raise StreamEnded(self._closed)
        if self._total >= self.limits.streams:
            raise LimitReached(
                f"this server has {self._total} streams open, the limit is {self.limits.streams}; "
                "try again later",
                "refused_streams",
            )
        limit = self._streams_share.of(address)
        if self._streams[address] >= limit:
            raise AddressLimitReached(
                f"{address} has {self._streams[address]} streams open, the limit is {limit}; "
                "close some, or share one among pages",
                "refused_streams_of_address",
            )
        self._streams[address] += 1
        self._total += 1

    def leave(self, address: str) -> None:
        """Count one stream less."""
        self._total -= 1
        self._streams[address] -= 1
        if not self._streams[address]:
            del self._streams[address]
