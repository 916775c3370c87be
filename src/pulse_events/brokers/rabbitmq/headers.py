"""The further routing keys of a delivery: the strings of its ``CC`` header, and nothing else.

Walks the properties and RabbitMQ's table grammar by their lengths (AMQP 0-9-1, section 4.2.5.5,
with RabbitMQ's errata).  What is nested is stepped over and never entered, so depth costs nothing,
and values are not looked at: a time in the year 300,000 is eight bytes.  Pure; knows neither pika,
whose decoder recurses, nor what the keys are for.
"""

from struct import Struct
from struct import error as StructError

HAS_HEADERS = 0x2000
_HAS_CONTENT_TYPE, _HAS_CONTENT_ENCODING = 0x8000, 0x4000

_LONG = Struct(">I")
_TABLE_AND_ARRAY = Struct(">I4xI")  # their lengths, around the name and type of the only header
_CC = b"\x02CC"
_CC_ARRAY = b"\x02CCA"
_ARRAY = ord("A")
_LONG_STRING, _BYTES = b"Sx"
_LENGTHY = b"SxFA"
"""Types of values that begin with their length."""
_SIZES = {
    kind: 1 + size
    for kinds, size in ((b"V", 0), (b"tbB", 1), (b"suU", 2), (b"Iif", 4), (b"D", 5), (b"lLdT", 8))
    for kind in kinds
}
"""Bytes of a value with its type, where the type says how many they are."""


class Unreadable(Exception):
    """The properties break off, or break their grammar.

    Args:
        why: In words.
        cc: The keys that were read before.
    """

    def __init__(self, why: str, cc: tuple[str, ...] = ()) -> None:
        super().__init__(why)
        self.why = why
        self.cc = cc


def read_cc(data: bytes, at: int, end: int, flags: int) -> tuple[str, ...]:
    """Return the strings of the first header that is called ``CC``, if it is an array.

    Publishers may put anything into ``CC``; what is no string cannot be a routing key.  RabbitMQ
    looks at the first ``CC`` alone (probed on 3.10), and ignores the last two flags.

    Args:
        data: What the properties are in; each byte up to ``end`` is there.
        at: Where the properties start, behind their flags.
        end: Where their frame ends, or what is held of it.
        flags: Which properties there are.

    Raises:
        Unreadable: The end comes, or something that the grammar does not have, before the end of
            ``CC``.  What follows ``CC`` does not matter.
    """
    found: list[str] = []
    try:
        if flags & _HAS_CONTENT_TYPE:
            at += 1 + data[at]
        if flags & _HAS_CONTENT_ENCODING:
            at += 1 + data[at]
        first = at + _TABLE_AND_ARRAY.size
        if data.startswith(_CC_ARRAY, at + 4) and first <= end:  # the only header, as a rule
            table, array = _TABLE_AND_ARRAY.unpack_from(data, at)
            if table:  # else these are other properties behind an empty one
                stop = first + table - 8
                _collect_strings(data, first, first + array, stop if stop < end else end, found)
                return tuple(found)
        _collect(data, at, end, found)
    except (StructError, IndexError):
        raise Unreadable("its properties break off", tuple(found)) from None
    except Unreadable as error:
        raise Unreadable(error.why, tuple(found)) from None
    return tuple(found)


def _collect(data: bytes, at: int, end: int, found: list[str]) -> None:
    """Add the strings of ``CC``, anywhere in the table at ``at``, to ``found``."""
    at += 4
    table_end = at + _LONG.unpack_from(data, at - 4)[0]
    stop = min(table_end, end)
    if data.find(_CC, at, stop) >= 0 and (value := _find_cc(data, at, stop)):
        if data[value] == _ARRAY:
            at = value + 5
            _collect_strings(data, at, at + _LONG.unpack_from(data, at - 4)[0], stop, found)
    elif table_end > stop:
        raise Unreadable("its headers are longer than what is read of them")


def _find_cc(data: bytes, at: int, stop: int) -> int:
    """Return where the value of ``CC`` starts, 0 if the table at ``at`` has none."""
    while at < stop:
        value = at + 1 + data[at]
        if value >= stop:
            break
        if data.startswith(_CC, at):
            return value
        at = value + _size_of(data, value)
    if at != stop:
        raise Unreadable("its headers break off")
    return 0


def _size_of(data: bytes, at: int) -> int:
    """Return how many bytes the value at ``at`` takes, with its type."""
    kind = data[at]
    size = _SIZES.get(kind)
    if size is not None:
        return size
    if kind not in _LENGTHY:
        raise Unreadable(f"a header has the unknown type {kind}")
    return 5 + int(_LONG.unpack_from(data, at + 1)[0])


def _collect_strings(data: bytes, at: int, end: int, stop: int, found: list[str]) -> None:
    """Add the strings of the array in ``data[at:end]`` to ``found``, up to ``stop``.

    What is not UTF-8 is replaced.
    """
    last = end if end < stop else stop
    while at < last:
        kind = data[at]
        if kind == _LONG_STRING or kind == _BYTES:
            start = at + 5
            at = start + _LONG.unpack_from(data, at + 1)[0]
            if at > last:
                break
            found.append(data[start:at].decode(errors="replace"))
        else:
            at += _size_of(data, at)
    if at != end or at > stop:
        raise Unreadable("its CC header breaks off")
