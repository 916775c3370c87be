"""Where a stream begins in the history, and where it is while it reads."""

from typing import NamedTuple

from pulse_events.history import History, Mark
from pulse_events.hub.coverage import NEVER
from pulse_events.wire.wire import Gap


class Start(NamedTuple):
    """Where a stream that can be resumed begins: at the first of these that is given, else now."""

    cursor: str = ""
    since_ms: int | None = None
    """Milliseconds since the epoch."""
    last: int = 0
    """So many of the newest messages."""
    found: int | None = None
    """The position of ``since_ms``, where it was looked for."""


NOW = Start()


class OwedGap(NamedTuple):
    """A gap that a stream is to be told before it gets anything more."""

    gap: Gap
    position: int
    """Behind it messages may be missing: if the stream leaves untold, it comes back here."""
    until: Mark
    """When all that is missing came before."""


class ReadingPlace:
    """Where a stream is in the history."""

    __slots__ = (
        "found",
        "history",
        "is_awaited",
        "is_in_line",
        "left",
        "looked",
        "owed",
        "passed_ms",
        "position",
        "told",
    )

    def __init__(
        self, history: History, position: int, passed_ms: int | None, *, last: int = 0
    ) -> None:
        self.history = history
        """What it reads: all that is held here, or an older part."""
        self.is_in_line = False
        """Whether it has asked for an older part."""
        self.position = position
        """What came up to here it has had."""
        self.passed_ms = passed_ms
        """When the last thing came that it has had; ``None`` if unknown."""
        self.owed: OwedGap | None = None
        self.told = NEVER
        """What was missing up to here it has been told, or need not be told."""
        self.left = last
        """How many messages it still looks back for."""
        self.looked = 0
        """From where on it has not looked back yet."""
        self.found = 0
        """Where the oldest that it has found begins."""
        self.is_awaited = bool(last)
        """Whether a ``ping`` is to say that it has had all there was."""

    @property
    def sure(self) -> int:
        """What came up to here it has had, or was told that it is missing."""
        return min(self.position, self.owed.position) if self.owed else self.position
