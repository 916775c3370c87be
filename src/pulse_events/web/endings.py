"""Streams that have had their last event: each waits until its client has read all, or for long.

Until then it counts, and the kernel keeps nothing of it afterwards.  The clock is an argument.
"""

from pulse_events.web.client_stream import ClientStream


class Endings:
    """The streams that are ended and not yet closed.

    Args:
        within_s: How long a client may take to read the rest.
    """

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._until_s: dict[ClientStream, float] = {}

    def __len__(self) -> int:
        """Number of streams."""
        return len(self._until_s)

    def add(self, stream: ClientStream, now_s: float) -> None:
        """Take a stream that has had its last event."""
        self._until_s[stream] = now_s + self._within_s

    def discard(self, stream: ClientStream) -> None:
        """Forget a stream, if it is there."""
        self._until_s.pop(stream, None)

    def close(self, now_s: float) -> None:
        """Close those whose clients have read all, and cut those off that have not for too long."""
        for stream, until_s in tuple(self._until_s.items()):
            if not stream.close_if_read() and until_s <= now_s:
                stream.abort()

    def part(self) -> None:
        """Close all now; the kernel may go on alone where it has all."""
        for stream in tuple(self._until_s):
            stream.part()
