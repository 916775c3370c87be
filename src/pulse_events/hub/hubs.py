"""Which hub a stream belongs to: the shared one, or one of its set of bindings alone.

The shared queue is exact for topic exchanges.  For others a set of bindings can have a queue of its
own, where the broker alone decides what is in it; its streams still share that.  Pure.

Equal sets share a queue, whatever their order, repetitions, and the coding of their streams.  More
cannot be known to be equal: what a pattern means there depends on the exchange's type, which nobody
tells us (a fanout exchange takes all patterns for one, a direct exchange none).
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

from pulse_events.bindings import BindingSet
from pulse_events.errors import (
    AddressLimitReached,
    Count,
    InputError,
    LimitReached,
    PulseEventsError,
)
from pulse_events.hub.hub import Hub
from pulse_events.hub.log_hub import LogHub
from pulse_events.hub.ports import Stream
from pulse_events.hub.reading import NOW, Start
from pulse_events.hub.statistics import Statistics
from pulse_events.topics.containment import BROKER_HASHES

EXACT_LIMIT = 100
"""Sets of bindings with a queue of their own; each also takes a connection to the broker."""


class Exact(NamedTuple):
    """A hub with a queue of its own, and how to give the queue up."""

    hub: Hub
    close: Callable[[], object]


class Hubs:
    """The hubs of one process, together with the interface of one.

    Args:
        shared: For all bindings that need no queue of their own.
        is_exact: Tells whether the broker alone can match an exchange.
        open_exact: Makes a hub with a queue of its own.
        exact_limit: How many of those there may be.
        owner_exact_limit: Returns how many of those one owner may have opened.
        log: For streams that can be resumed and ask for what a log holds, if there is one.
    """

    def __init__(
        self,
        shared: Hub,
        is_exact: Callable[[str], bool],
        open_exact: Callable[[], Exact],
        exact_limit: int = EXACT_LIMIT,
        owner_exact_limit: Callable[[str], int] = lambda owner: sys.maxsize,
        log: LogHub | None = None,
    ) -> None:
        self.shared = shared
        self.log = log
        self._is_exact = is_exact
        self._open_exact = open_exact
        self._exact_limit = exact_limit
        self._owner_exact_limit = owner_exact_limit
        self._exact: dict[BindingSet, Exact] = {}
        self._openers: dict[BindingSet, str] = {}
        self._closed = Statistics()

    def subscribe(self, stream: Stream, bindings: BindingSet, start: Start = NOW) -> None:
        """Add a stream to its hub; see `Hub.subscribe`.

        Raises:
            InputError: The broker alone would have to match a pattern with too many ``#``.
            LimitReached: There would be too many queues.
            AddressLimitReached: The stream's owner would have opened too many of them.
        """
        if self._has_own_queue(bindings):
            _check_exact(bindings)
            if bindings not in self._exact:
                self._open(bindings, stream.owner)
            self._exact[bindings].hub.subscribe(stream, bindings, start)
        elif self.log is not None and stream.wire.resumes and self.log.holds(bindings):
            self.log.subscribe(stream, bindings, start)
        else:
            self.shared.subscribe(stream, bindings, start)

    def count_new(self, bindings: BindingSet) -> int:
        """Return how many of ``bindings`` the broker has yet to bind."""
        if not self._has_own_queue(bindings):
            return self.shared.count_new(bindings)
        return 0 if bindings in self._exact else len(bindings.bindings)

    def has(self, bindings: BindingSet) -> bool:
        """Tell whether there is an audience with these bindings."""
        exact = self._exact.get(bindings)
        return (exact.hub if exact else self.shared).has(bindings)

    def leave(self, stream: Stream, now_s: float) -> None:
        """Remove a stream whose client is gone."""
        self._hub_of(stream).leave(stream, now_s)

    def slow(self, stream: Stream, reason: PulseEventsError, now_s: float) -> None:
        """Note that a stream leaves too much unread; see `Hub.slow`."""
        self._hub_of(stream).slow(stream, reason, now_s)

    def drained(self, stream: Stream) -> None:
        """Note that the client of a stream has read what was written to it."""
        self._hub_of(stream).drained(stream)

    def cursor_of(self, stream: Stream) -> bytes:
        """Return the cursor of what a stream has had."""
        return self._hub_of(stream).cursor_of(stream)

    def end(self, stream: Stream, reason: PulseEventsError, now_s: float) -> None:
        """End a stream, after it was sent what is pending."""
        self._hub_of(stream).end(stream, reason, now_s)

    def tick(self, now_s: float) -> bool:
        """Give up what has had no stream for the linger; see `Hub.tick`."""
        has_more = self.shared.tick(now_s)
        if self.log is not None:
            has_more |= self.log.tick(now_s)
        for bindings, exact in tuple(self._exact.items()):
            exact.hub.tick(now_s)
            if not exact.hub.statistics().audiences:
                self._close(bindings)
        return has_more

    def close(self) -> None:
        """Give up all queues but the shared one."""
        for bindings in tuple(self._exact):
            self._close(bindings)

    def statistics(self) -> Statistics:
        """Return the sums over all hubs, those that are closed included."""
        total = self._closed.plus(self.shared.statistics())
        if self.log is not None:
            total = total.plus(self.log.statistics())
        for exact in self._exact.values():
            total = total.plus(exact.hub.statistics())
        return total

    def _has_own_queue(self, bindings: BindingSet) -> bool:
        return any(self._is_exact(binding.exchange) for binding in bindings.bindings)

    def _open(self, bindings: BindingSet, owner: str) -> None:
        if len(self._exact) >= self._exact_limit and not self._close_idle():
            raise LimitReached(
                f"this server has {self._exact_limit} sets of bindings with a queue of their own, "
                "which is the limit; try again later",
                Count.REFUSED_DISTINCT_BINDINGS,
            )
        limit = self._owner_exact_limit(owner)
        if (opened := self._opened_by(owner)) >= limit and not self._close_idle(owner):
            raise AddressLimitReached(
                f"{owner} has {opened} sets of bindings with a queue of their own, the limit is "
                f"{limit}; use the same set in more streams, or try again later",
                Count.REFUSED_QUEUES_OF_ADDRESS,
            )
        self._exact[bindings] = self._open_exact()
        self._openers[bindings] = owner

    def _opened_by(self, owner: str) -> int:
        return sum(opener == owner for opener in self._openers.values())

    def _close_idle(self, owner: str | None = None) -> bool:
        """Give up a queue that only lingers, of those that ``owner`` opened; tell if there was."""
        for bindings, exact in self._exact.items():
            is_theirs = owner is None or self._openers[bindings] == owner
            if is_theirs and exact.hub.is_spare:
                self._close(bindings)
                return True
        return False

    def _close(self, bindings: BindingSet) -> None:
        exact = self._exact.pop(bindings)
        del self._openers[bindings]
        exact.close()
        exact.hub.close()
        self._closed = self._closed.plus(exact.hub.statistics().ended())

    def _hub_of(self, stream: Stream) -> Hub:
        audience = stream.audience
        if audience is None:
            return self.shared
        if self.log is not None and self.log.owns(audience):
            return self.log
        exact = self._exact.get(audience.bindings)
        return exact.hub if exact else self.shared


def _check_exact(bindings: BindingSet) -> None:
    """Refuse what the broker must not be asked for: it alone matches here, nobody after it."""
    wider = set(bindings.bindings).difference(bindings.asked)
    if wider:
        worst = min(wider)
        raise InputError(
            f"pattern {worst.pattern!r} has more than {BROKER_HASHES} '#', which is the limit for "
            f"exchange {worst.exchange!r}: it has queues of its own, where the broker alone matches"
        )
