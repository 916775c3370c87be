"""How often an AMQP connection is checked, and how long its silence is believed.  Only numbers."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class BrokerPace:
    """The intervals of one broker connection; the defaults are for production."""

    heartbeat_s: int = 15
    """Negotiated with the broker; it sends something at least every half of it."""
    audit_every_s: float = 25.0
    """Seconds between two looks at the queue and at every binding."""
    alarm_every_s: float = 15.0
    """Seconds between two questions whether the broker blocks publishers."""
    watches_alarms: bool = True
    """Whether they are asked at all; it takes a connection."""
    refusals_last_s: float = 5.0
    """Seconds for which the broker is not asked again for what it refused."""
    queue_expires_s: float = 60.0
    """How long the broker keeps the queue when nobody consumes it."""

    def with_heartbeat(self, heartbeat_s: int | None) -> Self:
        """Return these with another heartbeat, if there is one: the address may name it."""
        return replace(self, heartbeat_s=heartbeat_s) if heartbeat_s else self
