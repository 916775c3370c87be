"""Streams as the hub knows them, and those that get the same bytes.  Values and an interface."""

from typing import Protocol

from pulse_events.bindings import BindingSet
from pulse_events.errors import PulseEventsError
from pulse_events.wire.wire import Wire


class Stream(Protocol):
    """What the hub needs of a client's stream.  Neither call may wait or call the hub back."""

    audience: "Audience | None"
    wire: Wire
    owner: str
    """Whose share of the server's work this is, such as the client's address."""

    def write(self, chunk: bytes) -> None:
        """Send complete events, encoded."""

    def end(self, reason: PulseEventsError) -> None:
        """Send an ``error`` event that says ``reason``, then close."""


class Audience:
    """All streams with the same bindings and form, and the frames of their next flush."""

    __slots__ = ("bindings", "idle_since_s", "missing", "pending", "streams", "waiting", "wire")

    def __init__(self, bindings: BindingSet, wire: Wire) -> None:
        self.bindings = bindings
        self.wire = wire
        self.streams: set[Stream] = set()
        self.waiting: set[Stream] = set()
        """Streams that have not had ``ready``: some binding is not in force yet."""
        self.missing = 0
        """Bindings that are not in force."""
        self.pending: list[bytes] = []
        self.idle_since_s: float | None = None
