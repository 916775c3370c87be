"""Losses of which not everybody was told: who is owed a gap, and whose place needs a wider one.

A loss is told when the bindings are in force again: until then more may be missed.  Who leaves
before that has a cursor from behind the loss, but has not been told of it.
"""

import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pulse_events.hub.audience import Audience
    from pulse_events.wire.wire import Gap

STRETCHES = 100
"""Losses that are known apart; of those before them it is not known when they began."""
UNKNOWN_MS = 0


class _Stretch(NamedTuple):
    """Places at which a loss may not have been told yet."""

    after: int
    """The position that is surely before the loss."""
    told: int
    """The position at which all have been told of it; the greatest there can be before that."""
    from_ms: int
    """When the last thing came that is surely before the loss."""


class Losses:
    """The losses of messages of any exchange, as far back as somebody may have a cursor."""

    def __init__(self) -> None:
        self._owed: dict[Audience, Gap] = {}
        self._stretches: list[_Stretch] = []  # in order, with nothing in two of them
        self._unknown_before = 0

    def note(self, after: int, position: int, from_ms: int) -> None:
        """Note a loss that is told at ``position`` to all who are not owed a gap."""
        stretches = self._stretches
        while stretches and after < stretches[-1].told:
            last = stretches.pop()
            after, from_ms = min(after, last.after), min(from_ms, last.from_ms)
        stretches.append(_Stretch(after, sys.maxsize if self._owed else position, from_ms))
        if len(stretches) > STRETCHES:
            self._unknown_before = stretches.pop(0).told

    def owe(self, audience: "Audience", gap: "Gap") -> None:
        """Note that an audience is told of it later: by ``gap``, or by what is owed to it already.

        That then begins with what is missing first; a loss may be noticed late.
        """
        owed = self._owed.get(audience, gap)
        from_ms = min(owed.from_ms or UNKNOWN_MS, gap.from_ms or UNKNOWN_MS)
        self._owed[audience] = owed._replace(from_ms=from_ms or None)
        self._stretches[-1] = self._stretches[-1]._replace(told=sys.maxsize)

    def settle(self, audience: "Audience", position: int) -> "Gap | None":
        """Return what is owed to an audience, that is told of it at ``position`` or has gone."""
        gap = self._owed.pop(audience, None)
        if gap is not None and not self._owed:
            self._stretches[-1] = self._stretches[-1]._replace(told=position)
        return gap

    def next_after(self, position: int) -> tuple[int, int]:
        """Return behind which position one of whom this is the place next was not told all.

        Returns:
            That position, not before this one; and from when on messages may be missing.
        """
        if position >= self._unknown_before:
            for stretch in self._stretches:
                if position < stretch.told:
                    return max(position, stretch.after), stretch.from_ms
        return position, UNKNOWN_MS

    def from_ms(self, position: int) -> int | None:
        """Return from when on messages may be missing to who has had what came up to a position.

        ``None`` if that is all: he has been told what else is missing.
        """
        for stretch in reversed(self._stretches):
            if position > stretch.after:
                return stretch.from_ms if position < stretch.told else None
        return UNKNOWN_MS if position < self._unknown_before else None
