"""A strict reader of chunked bodies (RFC 9112, 7.1): chunks as this server makes them, no others.

Shares no code with the package.
"""

import re

_SIZE_LINE = re.compile(rb"([1-9a-f][0-9a-f]{0,7}|0)\r\n")
_SIZE_LINE_BYTES = 10


class Chunks:
    """Takes a body cut anywhere, gives the chunks that are complete."""

    def __init__(self) -> None:
        self.has_ended = False
        """The last chunk has come."""
        self._unread = bytearray()

    def feed(self, received: bytes) -> list[bytes]:
        """Return the chunks that ``received`` completes; the last one, which is empty, is not told.

        Raises:
            AssertionError: The bytes are no chunks, or something follows the last one.
        """
        self._unread += received
        found = []
        while (chunk := self._take()) is not None:
            if chunk:
                found.append(chunk)
        return found

    def _take(self) -> bytes | None:
        assert not (self.has_ended and self._unread), f"behind the last chunk: {self._unread!r}"
        line = _SIZE_LINE.match(self._unread)
        if line is None:
            start = bytes(self._unread[:_SIZE_LINE_BYTES])
            assert len(start) < _SIZE_LINE_BYTES and b"\n" not in start, f"no chunk: {start!r}"
            return None
        end = line.end() + int(line[1], 16)
        if len(self._unread) < end + 2:
            return None
        chunk, after = bytes(self._unread[line.end() : end]), bytes(self._unread[end : end + 2])
        assert after == b"\r\n", f"a chunk of {len(chunk)} bytes is followed by {after!r}"
        self.has_ended = not chunk
        del line  # it holds the buffer
        del self._unread[: end + 2]
        return chunk


def unchunked(body: bytes) -> bytes:
    """Return what a complete body says."""
    chunks = Chunks()
    found = b"".join(chunks.feed(body))
    assert chunks.has_ended, f"the last chunk is missing: {body[-100:]!r}"
    return found
