"""Cursors: the ``id`` of an event, which says where in a history its stream is.

Opaque to clients, under 64 bytes of ``A-Za-z0-9_-``, and worth nothing but a place: what a stream
gets is decided by its bindings.  Only the browser module of the same server reads their order
(``client/cursors.js``).  Pure.
"""

import re
from base64 import urlsafe_b64encode
from enum import Enum, auto

NONE = b"-"
"""The ``id`` of every event of a stream that cannot be resumed."""

ID_BYTES = 8
_CHECK_BITS = 32
CHECK_LIMIT = 1 << _CHECK_BITS
"""Checks of a log's entries are below it."""
LAST_LIMIT = 1000
"""Messages that a stream may begin with if it says how many, and no cursor."""
CURSOR_LIMIT = 63
"""Characters of a cursor; a longer text is none, however it begins."""
_SHAPE = re.compile(r"(1m[A-Za-z0-9_-]{11})(0|[1-9a-f][0-9a-f]{0,11})")
"""Version, kind and id of the history; the position, 48 bits."""
_LOG_SHAPE = re.compile(r"1s(0|[1-9a-f][0-9a-f]{0,15})([-_])([0-9a-f]{8})")
"""Version and kind; the offset, 64 bits; before it or behind it; the entry's check."""
_TIME_SHAPE = re.compile(r"1st(0|[1-9a-f][0-9a-f]{0,11})")
"""Version and kind; milliseconds since the epoch."""

_ANY = re.compile(rf"[A-Za-z0-9_-]{{1,{CURSOR_LIMIT}}}")


def is_cursor(text: str) -> bool:
    """Tell whether an event's ``id`` may be a cursor, of whatever server."""
    return text != NONE.decode() and _ANY.fullmatch(text) is not None


class Foreign(Enum):
    """Why a cursor says nothing here."""

    FORGED = auto()
    """No server writes such, or this one has not come so far."""
    OF_ANOTHER = auto()
    """It is of another history: another process', or of one before a restart."""


class Cursors:
    """The cursors of one history.

    Args:
        history_id: `ID_BYTES` bytes that no other history has, such as by chance.
    """

    def __init__(self, history_id: bytes) -> None:
        self._prefix = b"1m" + urlsafe_b64encode(history_id).rstrip(b"=")

    def at(self, position: int) -> bytes:
        """Return the cursor of ``position``: what follows it is still to come."""
        return b"%b%x" % (self._prefix, position)

    def read(self, text: str) -> int | Foreign:
        """Return the position that ``text`` is the cursor of, or why it is none of here."""
        found = _SHAPE.fullmatch(text)
        if found is None:
            return Foreign.FORGED
        prefix, position = found.groups()
        return int(position, 16) if prefix.encode() == self._prefix else Foreign.OF_ANOTHER


class LogCursors:
    """The cursors of a log that several processes share, and that survives them.

    A position is an entry's offset with its check, and whether it is behind the entry or before it:
    so it proves itself by the entry, and those of a log grow with the offsets.
    """

    @staticmethod
    def position(offset: int, check: int) -> int:
        """Return the position behind the entry at ``offset``; one less is the one before it."""
        return (offset << _CHECK_BITS | check) << 1 | 1

    @staticmethod
    def offset(position: int) -> int:
        """Return the offset of the entry that ``position`` is behind, or before."""
        return position >> _CHECK_BITS + 1

    def at(self, position: int) -> bytes:
        """Return the cursor of ``position``: what follows it is still to come."""
        check = (position >> 1) % CHECK_LIMIT
        return b"1s%x%b%08x" % (self.offset(position), b"_" if position & 1 else b"-", check)

    @staticmethod
    def at_time(time_ms: int) -> bytes:
        """Return the cursor of a time whose position is not known yet."""
        return b"1st%x" % time_ms

    @staticmethod
    def time_of(text: str) -> int | None:
        """Return the time that ``text`` is the cursor of, ``None`` if it is of none."""
        found = _TIME_SHAPE.fullmatch(text)
        return int(found[1], 16) if found else None

    def read(self, text: str) -> int | Foreign:
        """Return the position that ``text`` is the cursor of, or why it is none of a log.

        Whether it is of this log only the entry tells.
        """
        found = _LOG_SHAPE.fullmatch(text)
        if found is None:
            return Foreign.OF_ANOTHER if _SHAPE.fullmatch(text) else Foreign.FORGED
        offset, side, check = found.groups()
        return self.position(int(offset, 16), int(check, 16)) - (side == "-")
