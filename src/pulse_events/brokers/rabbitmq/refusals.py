"""What the broker refused a moment ago, so that it is not asked the same again and again.  Pure."""

from collections.abc import Callable

from pulse_events.bindings import Binding

LAST_S = 5.0
"""Who declares an exchange that was missing need not wait for longer."""
REFUSALS_LIMIT = 10_000


class RecentRefusals:
    """The refusals of the last seconds, by exchange or by binding.

    Args:
        clock: Returns seconds; never goes back.
        last_s: How long a refusal holds.
    """

    def __init__(self, clock: Callable[[], float], last_s: float = LAST_S) -> None:
        self._clock = clock
        self._last_s = last_s
        self._found: dict[str | Binding, tuple[float, str]] = {}  # oldest first

    def __len__(self) -> int:
        """Number of refusals that are held, at most `REFUSALS_LIMIT`."""
        return len(self._found)

    def add(self, refused: str | Binding, reason: str) -> None:
        """Note that the broker refused one binding, or any to the exchange of this name."""
        self._found.pop(refused, None)
        self._found[refused] = self._clock(), reason
        if len(self._found) > REFUSALS_LIMIT:
            del self._found[next(iter(self._found))]

    def find(self, binding: Binding) -> str | None:
        """Return why ``binding`` would be refused, if the broker has just said so."""
        for name in (binding.exchange, binding):
            if name in self._found:
                said_s, reason = self._found[name]
                past_s = self._clock() - said_s
                if past_s < self._last_s:
                    return f"{reason}; ask again in {self._last_s - past_s:.1f} s"
                del self._found[name]
        return None
