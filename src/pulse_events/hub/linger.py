"""Audiences that have no stream any more, and how long they stay all the same."""

import math

from pulse_events.hub.audience import Audience

DEFAULT_LINGER_S = 10.0
"""How long the bindings of an audience stay after its last stream: a page reload costs nothing."""
KEPT_BINDINGS = 10_000
"""Bindings that stay for as long as the history holds messages, for streams that come back."""


class Linger:
    """Who has been without a stream since when; those of the longest ago first."""

    def __init__(self, linger_s: float = DEFAULT_LINGER_S) -> None:
        self.bindings = 0
        """Those of all that linger, counted once for each audience."""
        self._linger_s = linger_s
        self._since_s: dict[Audience, float] = {}
        self._from_now: dict[Audience, None] = {}
        self._owner_of: dict[Audience, str] = {}
        self._owners: dict[str, dict[Audience, None]] = {}

    def begin(self, audience: Audience, now_s: float | None = None, owner: str = "") -> None:
        """Let ``audience`` stay for a while; from when `due` is asked next if none is said.

        ``owner`` is whose stream was the last.
        """
        if audience in self._owner_of:
            return
        if now_s is not None:
            self._since_s[audience] = now_s
        else:
            self._from_now[audience] = None
        self._owner_of[audience] = owner
        self._owners.setdefault(owner, {})[audience] = None
        self.bindings += len(audience.bindings.bindings)

    def end(self, audience: Audience) -> None:
        """Note that ``audience`` has a stream again, or is gone."""
        owner = self._owner_of.pop(audience, None)
        if owner is None:
            return
        del self._owners[owner][audience]
        if not self._owners[owner]:
            del self._owners[owner]
        self._since_s.pop(audience, None)
        self._from_now.pop(audience, None)
        self.bindings -= len(audience.bindings.bindings)

    def due(self, now_s: float) -> Audience | None:
        """Return who has stayed long enough, if anybody has."""
        self._since_s.update(dict.fromkeys(self._from_now, now_s))
        self._from_now.clear()
        for audience, since_s in self._since_s.items():
            return audience if now_s - since_s >= self._linger_s else None
        return None

    def oldest(self, owner: str | None = None, before_s: float = math.inf) -> Audience | None:
        """Return who has stayed longest, of those of ``owner`` if one is given.

        Only if that is since ``before_s`` at least.
        """
        lingering = self._owner_of if owner is None else self._owners.get(owner, {})
        audience = next(iter(lingering), None)
        if audience is None or self._since_s.get(audience, math.inf) > before_s:
            return None
        return audience
