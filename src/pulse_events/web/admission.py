"""Who may come in: limits of all streams, of each client address, and of its rate of requests.

Knows addresses and counts, nothing of what is asked for.  The clock is an argument.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from pulse_events.errors import AddressLimitReached, LimitReached, StreamEnded

STREAMS_PER_ADDRESS = 1000
OUTSTANDING_BINDINGS = 2000
REQUESTS_PER_S = 1000.0
BURST_S = 10.0
"""Requests of so many seconds may come at once."""
_ADDRESSES_LIMIT = 100_000
_UNKNOWN = "unknown"
_IPV6_HOST_BITS = 64
"""A network gets at least a /64: whoever has one has all of its addresses."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process allows; each is a setting."""

    streams: int
    streams_per_address: int | None = None
    """`STREAMS_PER_ADDRESS` if ``None``, but not for this machine's own addresses: most of what
    comes from there is a proxy's."""
    outstanding_bindings: int | None = None
    """Of one address; if ``None``, `OUTSTANDING_BINDINGS`, likewise."""
    requests_per_s: float | None = None
    """Of one address; if ``None``, `REQUESTS_PER_S`, likewise."""
    proxies: int = 0
    """How many proxies in front of this server add to ``X-Forwarded-For``."""


class Admission:
    """Counts streams and requests by client address, and says which are too many."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._streams: Counter[str] = Counter()
        self._total = 0
        self._closed = ""
        self._requests: dict[str, tuple[float, float]] = {}  # allowance left, when; oldest first

    def address_of(self, peer: str | None, forwarded: Sequence[str]) -> str:
        """Return what a client is counted by: its IPv4 address, or its IPv6 network.

        Args:
            peer: The other end of the connection.
            forwarded: The request's ``X-Forwarded-For`` fields.  Each proxy adds at the end whom it
                talks to, so what stands before the trusted proxies' entries may be made up.
        """
        proxies = self.limits.proxies
        hops = ",".join(forwarded).split(",") if proxies and forwarded else []
        text = hops[-min(proxies, len(hops))] if hops else peer or ""
        return _network_of(text.strip()[:64]) or _UNKNOWN

    def count_request(self, address: str, now_s: float) -> None:
        """Count one request.

        Raises:
            AddressLimitReached: There were too many for some time.
        """
        rate = self.limits.requests_per_s
        if rate is None:
            if _is_local(address):
                return
            rate = REQUESTS_PER_S
        most = max(1.0, rate * BURST_S)
        left, then_s = self._requests.pop(address, (most, now_s))
        left = min(most, left + rate * (now_s - then_s))
        is_allowed = left >= 1
        self._requests[address] = (left - is_allowed, now_s)
        if len(self._requests) > _ADDRESSES_LIMIT:
            del self._requests[next(iter(self._requests))]
        if not is_allowed:
            raise AddressLimitReached(
                f"too many requests from {address}: the limit is {rate:g} a second; wait, and ask "
                "less often",
                "refused_requests",
            )

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
        limit = self.limits.streams_per_address
        if limit is None:
            limit = sys.maxsize if _is_local(address) else STREAMS_PER_ADDRESS
        if self._streams[address] >= limit:
            raise AddressLimitReached(
                f"{address} has {self._streams[address]} streams open, the limit is {limit}; "
                "close some, or share one among pages",
                "refused_streams_of_address",
            )
        self._streams[address] += 1
        self._total += 1

    def outstanding_limit(self, address: str) -> int:
        """Return how many new bindings of ``address`` the broker may not have answered."""
        limit = self.limits.outstanding_bindings
        if limit is None:
            limit = sys.maxsize if _is_local(address) else OUTSTANDING_BINDINGS
        return limit

    def leave(self, address: str) -> None:
        """Count one stream less."""
        self._total -= 1
        self._streams[address] -= 1
        if not self._streams[address]:
            del self._streams[address]


def _is_local(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


@lru_cache(4096)
def _network_of(text: str) -> str:
    try:
        address = ip_address(text.partition("]")[0].lstrip("[").partition("%")[0])
    except ValueError:
        return text.rpartition(":")[0] if text.count(":") == 1 else text  # with a port, as some add
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    if address.is_loopback:
        return str(address)
    network = int(address) >> _IPV6_HOST_BITS << _IPV6_HOST_BITS
    return f"{IPv6Address(network)}/{_IPV6_HOST_BITS}"
