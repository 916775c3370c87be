"""What stands in one message of the log: entries to bytes, bytes to entries.  Pure.

An entry is a head, a line feed, and a line.  The head is a JSON array of integers and strings::

    [writer, number, time_ms, term, exchange, key, *cc]   a message; the line is its final JSON
    [writer, number, time_ms, term, kind]                 all else; the line is empty, or says more

The number of elements tells them apart, five or more than five, and no name does: the default
exchange is called ``""``, and a key may be ``began``.  Knows neither broker nor stream, nor the
order in which entries may come.
"""

import re
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import NamedTuple, TypeVar
from zlib import crc32

import msgspec
import orjson

from pulse_events.bindings import Binding
from pulse_events.errors import PulseEventsError

T = TypeVar("T")

HEAD_LIMIT_BYTES = 1 << 20
"""The longest head that is read.

The properties of a message come in one frame, 128 KiB as RabbitMQ is set, and JSON takes six bytes
at most where they have one.
"""
_CONTROL_ELEMENTS = 5
UNKNOWN_MS = 1
"""As the time from which on messages are missing: nobody knows."""
_NUMBER_END = 1 << 63
_TIME_END_MS = 253_402_300_800_000
"""The year 10,000, which no `datetime` can have."""


class NotAnEntry(PulseEventsError):
    """Bytes that nobody who writes the log has written; the text says what is wrong with them."""


class Stamp(NamedTuple):
    """Who wrote an entry, and when; no two entries of a log have the same writer and number."""

    writer: str
    """The nonce of a recorder's or reader's connection: 8 hexadecimal digits, lower case."""
    number: int
    """How many entries this writer wrote before."""
    time_ms: int
    """By the writer's clock, since the epoch; that of another writer may be behind it."""
    term: int = 0
    """Of a recorder, greater than those before; 0 of everybody else.  See `Succession`."""


class Recorded(NamedTuple):
    """A message."""

    stamp: Stamp
    exchange: str
    routing_key: str
    cc: tuple[str, ...]
    line: bytes
    """Its final JSON, from `encode_message`, never marked as redelivered; no CR or LF."""


class Began(NamedTuple):
    """A recorder begins: what others wrote counts if it is before this."""

    stamp: Stamp


class Probe(NamedTuple):
    """A reader asks where the end is; it means nothing to anybody else."""

    stamp: Stamp


class Lost(NamedTuple):
    """Messages are missing here that nobody can bring back."""

    stamp: Stamp
    from_ms: int
    """When the last thing came that is surely before them; 0 if that is what stands before this,
    `UNKNOWN_MS` if nobody knows."""
    exchange: str
    """Whose messages they were; empty if they may be anybody's."""
    reason: str
    """What clients are told."""


class Holds(NamedTuple):
    """What is recorded from here on, by whoever records.

    It is said again and again, so that who reads the log's end knows what was recorded before.
    """

    stamp: Stamp
    marks: tuple[str, ...]
    """Of the bindings; see `mark_of`."""


Entry = Recorded | Began | Probe | Lost | Holds

_WRITER = re.compile(r"[0-9a-f]{8}")
# Typed, so that it ends at the first thing inside of another: of a MiB of `[[],[],…]` orjson makes
# objects for 49 ms.
_decode_head = msgspec.json.Decoder(list[int | str]).decode
_decode_loss = msgspec.json.Decoder(dict[str, int | str]).decode
_decode_marks = msgspec.json.Decoder(list[str]).decode
_MARK = re.compile(r"[0-9a-f]{16}")
MARKS_LIMIT = HEAD_LIMIT_BYTES // 20
"""The most bindings that one entry tells of; more are taken for new at each start."""


def mark_of(binding: Binding) -> str:
    """Return what stands for a binding: thousands of names would make an entry too long."""
    name = f"{binding.exchange}\0{binding.pattern}"
    return blake2b(name.encode(), digest_size=8).hexdigest()


def holds(stamp: Stamp, marks: Iterable[str]) -> Holds:
    """Return the entry that says that these are recorded."""
    return Holds(stamp, tuple(sorted(marks)[:MARKS_LIMIT]))


def check(stamp: Stamp) -> int:
    """Return the 32 bits by which a cursor proves that it is of this entry.

    Against chance, not against forgers: it opens nothing.
    """
    return crc32(b"%b.%d" % (stamp.writer.encode(), stamp.number))


def encode(entry: Entry) -> bytes:
    """Return the bytes of an entry.

    Texts may hold all that UTF-8 can express, as those of a message do.
    """
    match entry:
        case Recorded(stamp, exchange, routing_key, cc, line):
            return _join((*stamp, exchange, routing_key, *cc), line)
        case Began(stamp):
            return _join((*stamp, "began"))
        case Probe(stamp):
            return _join((*stamp, "probe"))
        case Holds(stamp, marks):
            return _join((*stamp, "holds"), orjson.dumps(marks))
    loss = {"from": entry.from_ms, "exchange": entry.exchange, "reason": entry.reason}
    return _join((*entry.stamp, "lost"), orjson.dumps(loss))


def _join(head: tuple[str | int, ...], line: bytes = b"") -> bytes:
    return orjson.dumps(head) + b"\n" + line


def decode(body: bytes) -> Entry:
    """Return the entry that ``body`` is.

    The line of a message is passed on as it is, whatever it says; that it is a single one is
    checked, since it becomes a line of an event.

    Raises:
        NotAnEntry: It is none; nothing else is raised, whatever the bytes are.  A head takes 4 ms
            at most, a line a search for line ends.
    """
    head, newline, line = body.partition(b"\n")
    if not newline:
        raise NotAnEntry(f"{len(body)} bytes without a line end")
    if b"\n" in line or b"\r" in line:
        raise NotAnEntry("more than a head and a line")
    elements = _read_head(head)
    stamp = _read_stamp(elements)
    if len(elements) == _CONTROL_ELEMENTS:
        return _read_control(stamp, elements[4], line)
    exchange, routing_key, *cc = map(_text, elements[4:])
    return Recorded(stamp, exchange, routing_key, tuple(cc), line)


def _read_head(head: bytes) -> list[int | str]:
    if len(head) > HEAD_LIMIT_BYTES:
        raise NotAnEntry(f"a head of {len(head)} bytes, the limit is {HEAD_LIMIT_BYTES}")
    try:
        elements = _decode_head(head)
    except (msgspec.DecodeError, ValueError) as error:  # UnicodeDecodeError too
        raise NotAnEntry(f"a head that cannot be read: {error}") from None
    if len(elements) < _CONTROL_ELEMENTS:
        raise NotAnEntry(f"a head of {len(elements)} elements")
    return elements


def _read_stamp(elements: list[int | str]) -> Stamp:
    writer, number, time_ms, term = elements[:4]
    if not isinstance(writer, str) or not _WRITER.fullmatch(writer):
        raise NotAnEntry("a writer that is not 8 hexadecimal digits")
    number, time_ms = _natural(number, _NUMBER_END), _natural(time_ms, _TIME_END_MS)
    return Stamp(writer, number, time_ms, _natural(term, _NUMBER_END))


def _read_control(stamp: Stamp, kind: int | str, line: bytes) -> Began | Probe | Lost | Holds:
    if kind == "lost":
        return _read_loss(stamp, line)
    if kind == "holds":
        return Holds(stamp, tuple(_read_marks(line)))
    if line:
        raise NotAnEntry(f"a line of {len(line)} bytes where there is nothing to say")
    if kind == "began":
        return Began(stamp)
    if kind == "probe":
        return Probe(stamp)
    raise NotAnEntry("an entry of unknown kind")


def _read_loss(stamp: Stamp, line: bytes) -> Lost:
    loss = _read_line(_decode_loss, line, "a loss")
    if loss.keys() != {"from", "exchange", "reason"}:
        raise NotAnEntry(f"a loss that says {len(loss)} things, not from, exchange and reason")
    from_ms = _natural(loss["from"], _TIME_END_MS)
    return Lost(stamp, from_ms, _text(loss["exchange"]), _text(loss["reason"]))


def _read_marks(line: bytes) -> list[str]:
    marks = _read_line(_decode_marks, line, "a list of marks")
    if not all(map(_MARK.fullmatch, marks)):
        raise NotAnEntry("a mark that is not 16 hexadecimal digits")
    return marks


def _read_line(read: Callable[[bytes], T], line: bytes, what: str) -> T:
    if len(line) > HEAD_LIMIT_BYTES:
        raise NotAnEntry(f"{what} of {len(line)} bytes, the limit is {HEAD_LIMIT_BYTES}")
    try:
        return read(line)
    except (msgspec.DecodeError, ValueError) as error:
        raise NotAnEntry(f"{what} that cannot be read: {error}") from None


def _natural(value: int | str, end: int) -> int:
    if isinstance(value, str) or not 0 <= value < end:
        raise NotAnEntry(f"something else where a number from 0 to {end - 1} is due")
    return value


def _text(value: int | str) -> str:
    if not isinstance(value, str):
        raise NotAnEntry("a number where a text is due")
    return value
