"""The streams that get the same bytes."""

from typing import TYPE_CHECKING

from pulse_events.bindings import BindingSet
from pulse_events.wire.wire import Wire

if TYPE_CHECKING:
    from pulse_events.hub.ports import Stream


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
