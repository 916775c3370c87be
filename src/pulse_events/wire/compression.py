"""Content codings of a stream: how chunks of events become the bytes of a response body.

Gzip here is shared: each block is compressed once and stands alone (``Z_FULL_FLUSH`` forgets what
came before, RFC 1951 and zlib's manual), so that a body is a gzip header and then any sequence of
blocks, joined anywhere.  The body ends without gzip's trailer: its checksum would be each stream's
own.  Measured choices are in ``docs/design.md``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from isal import isal_zlib

_LEVEL = 1
_RAW_DEFLATE = -15

# Magic, deflate, no flags, no time, fastest, unknown system (RFC 1952, 2.3).
_GZIP_HEADER = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 255))

# One for the process: it keeps nothing between blocks, and each would hold 300 KB.
_compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _RAW_DEFLATE)


@dataclass(frozen=True, slots=True, eq=False)
class Coding:
    """One way to encode; ``encode`` takes complete events, the body starts with ``prologue``."""

    name: str
    encode: Callable[[bytes], bytes]
    prologue: bytes = b""
    shrinks: int = 1
    """By what it makes typical chunks smaller, about."""


def _deflate(chunk: bytes) -> bytes:
    block: bytes = _compressor.compress(chunk) + _compressor.flush(isal_zlib.Z_FULL_FLUSH)
    return block


def _same(chunk: bytes) -> bytes:
    return chunk


IDENTITY = Coding("identity", _same)
GZIP = Coding("gzip", _deflate, _GZIP_HEADER, shrinks=5)


_GZIP_NAMES = frozenset(("gzip", "x-gzip"))
_NAMES_OF_DECODERS = frozenset(("br", "zstd"))
"""Who names one of these means it: libraries that send ``gzip, deflate`` often have it from one
below, read the bytes as they come, and see nothing (PyPI's ``sseclient`` above ``requests``)."""


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Tell of a stream, from a request's ``Accept-Encoding`` (RFC 9110, 12.5.3).

    Only where it is named, and ``br`` or ``zstd`` beside it: most clients that send ``*`` or
    nothing decode nothing, and some that name gzip alone neither.
    """
    accepted = accepted_codings(accept_encoding)
    return bool(accepted & _GZIP_NAMES and accepted & _NAMES_OF_DECODERS)


@lru_cache(maxsize=256)
def accepted_codings(accept_encoding: str) -> frozenset[str]:
    """Return the names of what is accepted, in lower case; ``*`` stays what it is."""
    parts = (part.partition(";") for part in accept_encoding.lower().split(","))
    return frozenset(name.strip() for name, _, parameters in parts if not _is_zero(parameters))


def _is_zero(parameters: str) -> bool:
    """Tell whether ``q=0`` forbids a coding; what is no number forbids it too."""
    name, _, value = parameters.partition("=")
    if name.strip() != "q":
        return False
    try:
        return not float(value) > 0
    except ValueError:
        return True
