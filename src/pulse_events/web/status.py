"""Whether the broker can be used, and since when: what streams are told that ask for it.  Pure."""

from collections.abc import Callable

from pulse_events.hub.ports import Health
from pulse_events.times import iso_time


class BrokerStatus:
    """The broker's state as it was seen last.

    Args:
        health: Returns it as it is now.
        clock_ms: Returns the time of day, in milliseconds since the epoch.
    """

    def __init__(self, health: Callable[[], Health], clock_ms: Callable[[], int]) -> None:
        self._health = health
        self._clock_ms = clock_ms
        self._seen = health()
        self._since_ms = clock_ms()

    def look(self) -> bool:
        """Look at it; return whether it has changed since the last look."""
        health = self._health()
        if health == self._seen:
            return False
        if health.connected != self._seen.connected:
            self._since_ms = self._clock_ms()
        self._seen = health
        return True

    @property
    def is_ok(self) -> bool:
        """Whether the broker could be used when it was seen."""
        return self._seen.connected

    def document(self) -> dict[str, str]:
        """Return what was seen, as a ``status`` event says it.

        ``broker`` is ``ok`` or ``lost``, ``since`` when that was first seen, ``reason`` why it is
        lost, or what is wrong with a broker that can be used.
        """
        connected, reason, warning = self._seen
        return {
            "broker": "ok" if connected else "lost",
            "reason": warning if connected else reason,
            "since": iso_time(self._since_ms),
        }
