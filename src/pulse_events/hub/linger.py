"""Audiences that have no stream any more, and how long they stay all the same."""

from pulse_events.hub.audience import Audience

DEFAULT_LINGER_S = 10.0
"""How long the bindings of an audience stay after its last stream: a page reload costs nothing."""


class Linger:
    """Who has been without a stream since when; those of the longest ago first."""

    def __init__(self, linger_s: float = DEFAULT_LINGER_S) -> None:
        self._linger_s = linger_s
        self._since_s: dict[Audience, float] = {}
        self._from_now: dict[Audience, None] = {}

    def begin(self, audience: Audience, now_s: float | None = None) -> None:
        """Let ``audience`` stay for a while; from when `due` is asked next if none is said."""
        if now_s is not None:
            self._since_s[audience] = now_s
        elif audience not in self._since_s:
            self._from_now[audience] = None

    def end(self, audience: Audience) -> None:
        """Note that ``audience`` has a stream again, or is gone."""
        self._since_s.pop(audience, None)
        self._from_now.pop(audience, None)

    def due(self, now_s: float) -> Audience | None:
        """Return who has stayed long enough, if anybody has."""
        self._since_s.update(dict.fromkeys(self._from_now, now_s))
        self._from_now.clear()
        for audience, since_s in self._since_s.items():
            return audience if now_s - since_s >= self._linger_s else None
        return None
