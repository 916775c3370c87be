"""Deliveries straight from the bytes: the hot path beside pika, which does everything else.

pika decodes a delivery's three frames through a dozen objects and callbacks, in 17 µs.  Here the
frames of the one consuming channel are read where they lie (AMQP 0-9-1, sections 2.3.5 and 4.2),
in 4 µs; all other frames go to pika untouched.  ``docs/design.md`` has both figures.
"""

from collections.abc import Callable
from struct import Struct

from pika.adapters.asyncio_connection import AsyncioConnection
from pika.data import decode_table
from pika.exceptions import AMQPError

from pulse_events.messages import DEFAULT_LIMIT_BYTES, Message, omission

Receive = Callable[[Message, int], None]
"""Takes a message and its delivery tag."""

_METHOD, _HEADER, _BODY = 1, 2, 3
_FRAME_END = 0xCE
_FRAME = Struct(">BHI")  # type, channel, size of the payload
_FRAME_EXTRA = _FRAME.size + 1
_DELIVER = b"\x00\x3c\x00\x3c"  # class basic, method deliver
_TAG = Struct(">QB")  # delivery tag, redelivered
_CONTENT = Struct(">HHQH")  # class, weight, size of the body, property flags
_LONG = Struct(">I")
_LONG_STRING = ord("S")
_HAS_CONTENT_TYPE, _HAS_CONTENT_ENCODING, _HAS_HEADERS = 0x8000, 0x4000, 0x2000
_RECEIVE_BYTES = 64 << 10
_TURN_BYTES = 4 << 20
_SLOW_BYTES = 4 << 10


class Connection(AsyncioConnection):  # type: ignore[misc]  # pika ships no types
    """pika's connection, with a by-pass for the deliveries of one channel."""

    _direct_channel = -1
    _read_once = _slowly = False
    _rest = b""

    def deliver_directly(
        self,
        channel_number: int,
        receive: Receive,
        body_limit_bytes: int = DEFAULT_LIMIT_BYTES,
    ) -> None:
        """Hand what is delivered on one channel to ``receive`` instead of to pika's callback.

        A longer body than ``body_limit_bytes`` is not even held: the message says so instead.
        """
        self._direct_channel = channel_number
        self._content = _Content(receive, body_limit_bytes)
        # pika reads 4 KB at a time, three messages, and 100 KB a turn: in a flood a bind-ok then
        # waits behind a whole prefetch for 25 turns, 50 ms each with 500 streams.
        self.read_slowly(False)
        # TLS holds back what it has decrypted, so there a short read says nothing.
        self._read_once = self.params.ssl_options is None

    def read_slowly(self, slowly: bool) -> None:
        """Read 4 KB a turn of the loop, enough for heartbeats, or as much as there is again."""
        self._slowly = slowly
        self._transport._MAX_RECV_BYTES = _SLOW_BYTES if slowly else _RECEIVE_BYTES
        self._transport._MAX_CONSUME_BYTES = 1 if slowly else _TURN_BYTES

    def _on_data_available(self, data_in: bytes) -> None:
        """Cut what came into frames; pika's own method of this name gets them one by one."""
        if self._read_once and not self._slowly:
            # A short read says that the socket is empty; pika asks again, for 4 µs a turn.
            full = len(data_in) == _RECEIVE_BYTES
            self._transport._MAX_CONSUME_BYTES = _TURN_BYTES if full else 1
        data = self._rest + data_in if self._rest else data_in
        start, available = 0, len(data)
        while available - start >= _FRAME_EXTRA:
            kind, channel, size = _FRAME.unpack_from(data, start)
            end = start + size + _FRAME_EXTRA
            if end > available:
                break
            payload = start + _FRAME.size
            if (
                channel == self._direct_channel
                and (kind != _METHOD or data.startswith(_DELIVER, payload))
                and data[end - 1] == _FRAME_END
            ):
                self._content.add(kind, data, payload, end - 1)
                self.bytes_received += end - start  # what pika's heartbeat looks at
            else:
                super()._on_data_available(data[start:end])
            start = end
        self._rest = data[start:]


class _Content:
    """The delivery that is being received: its method, then its header, then its body."""

    def __init__(self, receive: Receive, body_limit_bytes: int) -> None:
        self._receive = receive
        self._limit_bytes = body_limit_bytes
        self._omitted = ""
        self._exchange = self._routing_key = ""
        self._tag = self._redelivered = self._missing_bytes = 0
        self._cc: tuple[str, ...] = ()
        self._pieces: list[bytes] = []

    def add(self, kind: int, data: bytes, start: int, end: int) -> None:
        """Take the payload ``data[start:end]`` of the next frame."""
        if kind == _BODY:
            self._add_body(data[start:end])
        elif kind == _METHOD:
            tag_at = start + 5 + data[start + 4]  # behind the consumer tag
            self._tag, self._redelivered = _TAG.unpack_from(data, tag_at)
            self._exchange, at = _short_string(data, tag_at + _TAG.size)
            self._routing_key, at = _short_string(data, at)
        elif kind == _HEADER:
            _, _, size, flags = _CONTENT.unpack_from(data, start)
            self._missing_bytes = size
            self._omitted = omission(size, self._limit_bytes) if size > self._limit_bytes else ""
            self._cc = _read_cc(data, start + _CONTENT.size, flags) if flags & _HAS_HEADERS else ()
            self._pieces = []
            if not self._missing_bytes:
                self._finish(b"")

    def _add_body(self, piece: bytes) -> None:
        self._missing_bytes -= len(piece)
        if self._omitted:
            piece = b""
        if self._missing_bytes:
            self._pieces.append(piece)
        elif self._pieces:
            self._finish(b"".join((*self._pieces, piece)))
        else:
            self._finish(piece)

    def _finish(self, body: bytes) -> None:
        redelivered = bool(self._redelivered & 1)
        message = Message(
            self._exchange, self._routing_key, body, self._cc, redelivered, self._omitted
        )
        self._receive(message, self._tag)


def _short_string(data: bytes, at: int) -> tuple[str, int]:
    """Return the short string at ``at``, and where it ends; what is not UTF-8 is replaced."""
    start = at + 1
    end = start + data[at]
    return data[start:end].decode(errors="replace"), end


def _read_cc(data: bytes, at: int, flags: int) -> tuple[str, ...]:
    """Return the strings of the ``CC`` header; ``at`` is where the properties start.

    Publishers may put anything into ``CC``; what is no string cannot be a routing key.
    """
    for flag in (_HAS_CONTENT_TYPE, _HAS_CONTENT_ENCODING):
        if flags & flag:
            at += 1 + data[at]
    if data.startswith(b"\x02CCA", at + 4):  # the only header, as a rule, or the first
        strings = _read_strings(data, at + 8)
        if strings is not None:
            return strings
    if data.find(b"\x02CC", at, at + 4 + _LONG.unpack_from(data, at)[0]) < 0:
        return ()
    return _decode_cc(data, at)


def _read_strings(data: bytes, at: int) -> tuple[str, ...] | None:
    """Return the array at ``at``; ``None`` if it holds something else than long strings."""
    at, end = at + 4, at + 4 + _LONG.unpack_from(data, at)[0]
    found = []
    while at < end:
        if data[at] != _LONG_STRING:
            return None
        start = at + 5
        at = start + _LONG.unpack_from(data, at + 1)[0]
        found.append(data[start:at].decode(errors="replace"))
    return tuple(found)


def _decode_cc(data: bytes, at: int) -> tuple[str, ...]:
    """Return the strings of ``CC`` from any table, as pika decodes it."""
    try:
        values = decode_table(data, at)[0].get("CC")
    except (ValueError, OverflowError, OSError, AMQPError):
        return ()  # a header that pika cannot decode, such as a time in the year 300,000
    if not isinstance(values, list):
        return ()
    return tuple(
        value if isinstance(value, str) else value.decode(errors="replace")
        for value in values
        if isinstance(value, str | bytes)
    )
