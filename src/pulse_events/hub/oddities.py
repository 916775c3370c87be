"""What is odd about messages: counted, and told once for each exchange.  Pure; knows no log."""

from collections.abc import Callable
from typing import NamedTuple

from pulse_events.errors import Count

KINDS = (Count.UNROUTED, Count.MALFORMED, Count.OVERSIZED_KEYS, Count.SKIPPED_KEYS)
NOTED_LIMIT = 1000
"""Exchanges that are told of, for each kind."""


class Oddity(NamedTuple):
    """Something odd about a message, the first of its kind on its exchange."""

    kind: Count
    """One of `KINDS`."""
    exchange: str
    why: str = ""
    """In words, where there is more to say than the kind does."""
    error: Exception | None = None
    """The fault of this program that it is, if it is one."""


class Oddities:
    """Counts by kind; tells of the first of a kind on each exchange."""

    def __init__(self, tell: Callable[[Oddity], None]) -> None:
        self.counts = dict.fromkeys(KINDS, 0)
        self._tell = tell
        self._told: dict[Count, set[str]] = {kind: set() for kind in self.counts}

    def note(self, oddity: Oddity, count: int = 1) -> None:
        """Count, and tell unless that was done, or was done for too many exchanges already."""
        self.counts[oddity.kind] += count
        told = self._told[oddity.kind]
        if count and oddity.exchange not in told and len(told) < NOTED_LIMIT:
            told.add(oddity.exchange)
            self._tell(oddity)
