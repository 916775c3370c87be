"""Who may come in: limits of all, and of each client address.

Knows addresses (`addresses.py` says whose a request is) and counts, nothing of what is asked for,
nor how often (`rate.py`).
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pulse_events.access.addresses import Origins, is_own
from pulse_events.errors import AddressLimitReached, Count, LimitReached, StreamEnded

STREAMS_PER_ADDRESS = 1000
OUTSTANDING_BINDINGS = 2000
CONNECTIONS_PER_ADDRESS = 1000
BINDINGS_PER_ADDRESS = 10_000
QUEUES_PER_ADDRESS = 10
NOBODY = "nobody"
"""What the streams are counted by that no address has any more."""


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
    streams_per_address: AddressLimit = AddressLimit(None, STREAMS_PER_ADDRESS)
    connections_per_address: AddressLimit = AddressLimit(None, CONNECTIONS_PER_ADDRESS)
    """Of those that are no streams yet."""
    requests_per_s: float | None = None
    """Of one address; see `Allowances`."""


class Admission:
    """Counts streams by client address, and says which are too many."""

    def __init__(self, limits: Limits, origins: Origins | None = None) -> None:
        self.limits = limits
        self.origins = origins or Origins()
        self._streams: Counter[str] = Counter()
        self._total = 0
        self._closed = ""

    def address_of(self, peer: str | None, forwarded: Sequence[str] = ()) -> str:
        """Return what a request is counted by; see `Origins.address_of`."""
        return self.origins.address_of(peer, forwarded)

    def connections_limit(self, peer: str | None) -> int:
        """Return how many connections a peer may have that are no streams yet.

        Those of a trusted proxy are its clients', of whom each may have little.
        """
        if self.origins.is_proxy(peer):
            return sys.maxsize
        return self.limits.connections_per_address.of(self.address_of(peer))

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
                Count.REFUSED_STREAMS,
            )
        limit = self.limits.streams_per_address.of(address)
        if self._streams[address] >= limit:
            raise AddressLimitReached(
                f"{address} has {self._streams[address]} streams open, the limit is {limit}; "
                "close some, or share one among pages",
                Count.REFUSED_STREAMS_OF_ADDRESS,
            )
        self._streams[address] += 1
        self._total += 1

    def disown(self, address: str) -> str:
        """Count one stream of an address as nobody's; return by what it is counted until `leave`.

        It still counts among all streams.
        """
        self._streams[NOBODY] += 1
        self._total += 1
        self.leave(address)
        return NOBODY

    def leave(self, address: str) -> None:
        """Count one stream less."""
        self._total -= 1
        self._streams[address] -= 1
        if not self._streams[address]:
            del self._streams[address]
