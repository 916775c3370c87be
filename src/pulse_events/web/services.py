"""What the routes work with, put together by the composition root."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from pulse_events.access.limits import Admission
from pulse_events.errors import Count
from pulse_events.hub.hubs import Hubs
from pulse_events.hub.ports import Health
from pulse_events.hub.statistics import Statistics
from pulse_events.messages import Message
from pulse_events.web.page import Catalogue
from pulse_events.web.streams import Streams
from pulse_events.web.tokens import Tokens


class HistoryReach(NamedTuple):
    """How far back what is held reaches at most: an age, and bytes; neither if nothing is held."""

    age_s: float = 0.0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes work with."""

    hub: Hubs
    admission: Admission
    streams: Streams
    tokens: Tokens
    max_bindings: int
    ping_interval_s: float
    compression: bool
    """Whether streams may be compressed for clients that accept it."""
    history: str
    """What is kept of the past: ``memory``, or ``off``."""
    health: Callable[[], Health]
    """Whether the broker can be used, and if not, why; what is wrong with it though it can."""
    total: Callable[[], Awaitable[Statistics]]
    """The counts of all processes that share the port."""
    catalogue: Catalogue
    broker: str
    """See `Broker.public_name`."""
    demo: bool
    """Whether messages are made up."""
    reach: HistoryReach
    publish: Callable[[Message], None] | None = None
    """Takes a message from HTTP; ``None`` where the broker is a real one."""
    refused: Counter[Count] = field(default_factory=Counter)
    """Counts what is refused by a limit."""
