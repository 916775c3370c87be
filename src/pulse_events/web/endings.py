"""Streams that have had their last event: each waits until its client has read all, or for long.

Until then it counts, and the kernel keeps nothing of it afterwards.  The clock is an argument.
"""

from pulse_events.web.client_stream import ClientStream

SURE_S = 5.0
"""How long each client has to read the rest, however many there are.

So all streams can be ended at once: of those who read, nobody takes that long.
"""
LATE_LIMIT = 1000
"""Streams that may be unread for longer."""
LATE_BYTES = 64 << 20
"""What may wait for those, beside what the kernel has taken; of each, a chunk or so if it was a
slow reader.  Counted for each, though what several wait for is held once.  So it is twice what a
flush writes to all streams together (`FLUSH_BYTES`): of those who stop in one, all have room."""


class Endings:
    """The streams that are ended and not yet closed.

    Args:
        within_s: How long a client may take to read the rest.
        sure_s: How long it may take even if there are too many that have not read it.
        late_limit: How many these may be, for longer than that.
        late_bytes: How much they may have unsent together.
    """

    def __init__(
        self,
        within_s: float,
        *,
        sure_s: float = SURE_S,
        late_limit: int = LATE_LIMIT,
        late_bytes: int = LATE_BYTES,
    ) -> None:
        self._within_s = within_s
        self._sure_s = min(sure_s, within_s)
        self._late_limit = late_limit
        self._late_bytes = late_bytes
        self._since_s: dict[ClientStream, float] = {}
        self._refused: dict[ClientStream, None] = {}  # of these, oldest first
        self.cut = 0
        """How many were cut off before they were read."""

    def __len__(self) -> int:
        """Number of streams."""
        return len(self._since_s)

    def add(self, stream: ClientStream, now_s: float) -> None:
        """Take a stream that has had its last event."""
        self._since_s[stream] = now_s
        if not stream.owner:
            self._refused[stream] = None

    def discard(self, stream: ClientStream) -> None:
        """Forget a stream, if it is there."""
        self._since_s.pop(stream, None)
        self._refused.pop(stream, None)

    def make_room(self) -> bool:
        """Close the oldest that was never let in, read or not; return whether there was any.

        All it was told is a refusal: so little may be left to the kernel, who has it.  No limit of
        streams bounds how many of such come between two looks at what was read.
        """
        stream = next(iter(self._refused), None)
        if stream is None:
            return False
        self.discard(stream)
        stream.part()
        return True

    def close(self, now_s: float) -> None:
        """Close those whose clients have read all, and cut those off that have not for too long.

        Where there are too many of them, or too much waits for them, the oldest go.
        """
        places, room_bytes = self._late_limit, self._late_bytes
        for stream, since_s in reversed(tuple(self._since_s.items())):
            if stream.close_if_read() or now_s - since_s < self._sure_s:
                continue
            unsent_bytes = stream.unsent_bytes
            if now_s - since_s >= self._within_s or not places or unsent_bytes > room_bytes:
                self.cut_off(stream)
            else:
                places -= 1
                room_bytes -= unsent_bytes

    def part(self) -> None:
        """Close all now; the kernel may go on alone where it has all."""
        for stream in tuple(self._since_s):
            stream.part()

    def cut_off(self, stream: ClientStream) -> None:
        """Close a stream now, whether it is ended or not; what its client has not read is lost."""
        self.cut += stream.is_blocked or stream in self._since_s
        stream.abort()
