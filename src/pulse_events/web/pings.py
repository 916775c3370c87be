"""The ping wheel: which streams get their ping in which turn.  No clock: it is turned.

A slot's streams are pinged together, so a ping is encoded once for all of them, and a turn costs
nothing for the others.
"""

from collections.abc import Iterator
from itertools import chain

from pulse_events.web.client_stream import ClientStream

_STEPS = 64
_SPREAD = 8
"""Streams that come at once get their pings in so many turns, an eighth of the interval early."""
_SHORTEST_STEP_S = 0.05


class PingWheel:
    """The open streams, by the turn in which their next ping comes."""

    def __init__(self, interval_s: float) -> None:
        steps = max(1, min(_STEPS, int(interval_s / _SHORTEST_STEP_S)))
        self.step_s = interval_s / steps
        """How long a turn takes."""
        self._slots: list[set[ClientStream]] = [set() for _ in range(steps)]
        self._spread = max(1, steps * _SPREAD // _STEPS)
        self._added = 0
        self._now = 0

    def __len__(self) -> int:
        """Number of streams."""
        return sum(map(len, self._slots))

    def __iter__(self) -> Iterator[ClientStream]:
        """Yield all streams."""
        return chain.from_iterable(self._slots)

    def add(self, stream: ClientStream) -> None:
        """Take a new stream, whose first ping comes after one interval."""
        # The slot that was served last comes round after just one interval, those before it sooner.
        stream.slot = (self._now - self._added % self._spread) % len(self._slots)
        self._added += 1
        self._slots[stream.slot].add(stream)

    def discard(self, stream: ClientStream) -> None:
        """Forget a stream, if it is there."""
        self._slots[stream.slot].discard(stream)

    def turn(self) -> set[ClientStream]:
        """Return the streams that get their ping now; not a copy."""
        self._now = (self._now + 1) % len(self._slots)
        return self._slots[self._now]
