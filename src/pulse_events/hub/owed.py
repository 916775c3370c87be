"""Audiences that are owed the word that a message may be missing: some are told in each turn.

An end takes 0.1 ms a stream.  A message that was made for a hundred patterns would keep all others
waiting for as many ends.
"""

from collections.abc import Callable, Iterable

from pulse_events.errors import PulseEventsError
from pulse_events.hub.audience import Audience

AT_ONCE = 16
"""Streams that are ended in a turn of the loop, with those of the last audience."""


class Owed:
    """Who is still to be told, and what.

    Args:
        tell: Ends the streams of an audience that may be owed something; returns how many.
        wake: See `Hub`.
    """

    def __init__(
        self,
        tell: Callable[[Audience, PulseEventsError], int],
        wake: Callable[[Callable[[], None]], object],
    ) -> None:
        self._tell = tell
        self._wake = wake
        self._reasons: dict[Audience, PulseEventsError] = {}

    def add(self, audiences: Iterable[Audience], reason: PulseEventsError) -> None:
        """Tell some of ``audiences`` now, and the others soon."""
        is_waking = bool(self._reasons)
        for audience in audiences:
            self._reasons.setdefault(audience, reason)
        if not is_waking:
            self._go_on()

    def forget(self, audience: Audience) -> None:
        """Note that ``audience`` is gone."""
        self._reasons.pop(audience, None)

    def _go_on(self) -> None:
        left = AT_ONCE
        while left > 0 and self._reasons:
            audience = next(iter(self._reasons))
            left -= self._tell(audience, self._reasons.pop(audience))
        if self._reasons:
            self._wake(self._go_on)
