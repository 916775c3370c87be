"""A raw-socket reader of compressed event streams: Python's zlib below, exact bytes above.

Whatever a block holds must come out of zlib before the next block is there.
"""

import zlib
from typing import TYPE_CHECKING

from tests.support.raw_stream import Head, RawStream

if TYPE_CHECKING:
    from collections.abc import Mapping

_GZIP_BODY = 16 + zlib.MAX_WBITS


class GzipStream(RawStream):
    """A `RawStream` whose client accepts gzip and must get it.

    Args:
        port: The server's, on 127.0.0.1.
        target: The request target.
        accept: The value of ``Accept-Encoding``.
        receive_buffer_bytes: The kernel's buffer, for readers that are to seem slow.
    """

    def __init__(
        self,
        port: int,
        target: str,
        *,
        accept: str = "gzip",
        receive_buffer_bytes: int | None = None,
    ) -> None:
        self._inflater = zlib.decompressobj(_GZIP_BODY)
        self._in_body = False
        headers: Mapping[str, str] = {"Accept-Encoding": accept}
        super().__init__(port, target, headers=headers, receive_buffer_bytes=receive_buffer_bytes)

    def head(self, within_s: float = 10.0) -> Head:
        """Read and return the head, which must say that the body is compressed."""
        head = super().head(within_s)
        assert head.headers.get("content-encoding") == "gzip", head.raw
        self._in_body = True
        self._unread = self._decoded(self._unread)
        return head

    def _decoded(self, received: bytes) -> bytes:
        return self._inflater.decompress(received) if self._in_body else received
