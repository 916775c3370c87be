"""What a stream whose client reads too slowly has yet to send: whole chunks, in order.

Made when a connection takes no more, gone when it has taken all; most streams never have one.
Knows no connection: what is in transit is the transport's, and not counted here.
"""

from collections import deque

TAKEN_BYTES = 64 << 10
"""About what is taken at once: of small chunks many, so that few calls of the kernel are needed;
no more, since what is taken cannot be dropped."""


class Unsent:
    """The chunks behind the one in transit; the same bytes objects as other streams have."""

    __slots__ = ("_acked_bytes", "_chunks", "_looks", "has_end", "is_over", "size_bytes")

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._acked_bytes = -1
        self._looks = 0
        self.size_bytes = 0
        """Of all chunks here, whoever shares them."""
        self.has_end = False
        """Whether nothing follows them: the connection's end does."""
        self.is_over = False
        """Whether it was told that there is more than the limit, which is told once."""

    def add(self, chunk: bytes) -> None:
        """Put a chunk behind all others."""
        self._chunks.append(chunk)
        self.size_bytes += len(chunk)

    def looks_in_vain(self, acked_bytes: int) -> int:
        """Look how much the client has taken; return at how many looks in a row it was no more."""
        self._looks = self._looks + 1 if acked_bytes == self._acked_bytes else 0
        self._acked_bytes = acked_bytes
        return self._looks

    def take(self) -> list[bytes]:
        """Return the first chunks, which are no longer here: one, or more if they are small."""
        taken = [self._chunks.popleft()]
        taken_bytes = len(taken[0])
        while self._chunks and taken_bytes + len(self._chunks[0]) <= TAKEN_BYTES:
            taken.append(self._chunks.popleft())
            taken_bytes += len(taken[-1])
        self.size_bytes -= taken_bytes
        return taken

    def drop(self) -> None:
        """Forget all chunks."""
        self._chunks.clear()
        self.size_bytes = 0
