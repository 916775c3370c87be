"""A raw-socket reader of compressed event streams: Python's zlib below, exact bytes above.

Whatever a block holds must come out of zlib before the next block is there.
"""

import zlib
from typing import TYPE_CHECKING

from tests.support.raw_stream import Head, RawStream

if TYPE_CHECKING:
    from collections.abc import Mapping

BROWSER = "gzip, deflate, br, zstd"
"""What a browser's ``Accept-Encoding`` says."""
_GZIP_BODY = 16 + zlib.MAX_WBITS


class GzipStream(RawStream):
    """A `RawStream` whose client accepts gzip and must get it.

    Args:
        port: The server's, on 127.0.0.1.
        target: The request target.
        accept: The value of ``Accept-Encoding``.
        headers: Further ones.
        version: Of HTTP, as the request says.
        receive_buffer_bytes: The kernel's buffer, for readers that are to seem slow.
    """

    def __init__(
        self,
        port: int,
        target: str,
        *,
        accept: str = BROWSER,
        headers: "Mapping[str, str] | None" = None,
        version: str = "1.1",
        receive_buffer_bytes: int | None = None,
    ) -> None:
        self._inflater = zlib.decompressobj(_GZIP_BODY)
        self._in_body = False
        super().__init__(
            port,
            target,
            headers={"Accept-Encoding": accept, **(headers or {})},
            version=version,
            receive_buffer_bytes=receive_buffer_bytes,
        )

    def _begin_body(self, head: Head) -> None:
        if head.status == 200:
            assert head.headers.get("content-encoding") == "gzip", head.raw
            self._in_body = True
        super()._begin_body(head)

    def _unpacked(self, piece: bytes) -> bytes:
        return self._inflater.decompress(piece) if self._in_body else piece
