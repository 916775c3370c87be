"""Deliveries from the payloads of their frames: a method, a header, and bodies, in this order.

AMQP 0-9-1, sections 2.3.5 and 4.2.6, as RabbitMQ keeps to them.  Knows neither sockets nor pika,
nor what becomes of a delivery.
"""

from collections.abc import Callable
from struct import Struct
from struct import error as StructError

from pulse_events.brokers.rabbitmq.headers import HAS_HEADERS, Unreadable, read_cc
from pulse_events.errors import BrokerUnavailable
from pulse_events.messages import Message, omission

Receive = Callable[[Message, int, int], None]
"""Takes a message, its delivery tag, and about how many bytes of memory it holds."""

METHOD, HEADER, BODY = 1, 2, 3
_NAMES = {METHOD: "delivery", HEADER: "header", BODY: "body"}

_BASIC = 60
_TAG = Struct(">QB")  # delivery tag, redelivered
_CONTENT = Struct(">HHQH")  # class, weight, size of the body, property flags
_BYTES_PER_HEADER_BYTE = 10
"""A key of two letters takes 7 bytes in its frame, and 65 as a string in a tuple."""


class ProtocolBreach(BrokerUnavailable):
    """The broker sent what AMQP does not allow: the connection can no longer be relied on."""

    kind = "the broker breaks the protocol"


class Content:
    """The delivery that is being received.

    Each method takes the payload ``data[start:end]`` of a frame, and raises `ProtocolBreach` if
    another frame was due, or if it is not what its kind has to be.

    Args:
        receive: Gets each delivery when it is complete.
        body_limit_bytes: Of a longer body nothing is held; the message says so instead.
    """

    def __init__(self, receive: Receive, body_limit_bytes: int) -> None:
        self._receive = receive
        self._limit_bytes = body_limit_bytes
        self._due = METHOD
        self._exchange = self._routing_key = self._omitted = self._malformed = ""
        self._tag = self._redelivered = self._header_bytes = self._missing_bytes = 0
        self._cc: tuple[str, ...] = ()
        self._pieces: list[bytes] = []

    def begin(self, data: bytes, start: int, end: int) -> None:
        """Take a method that is known to be ``basic.deliver``."""
        if self._due != METHOD:
            raise self._unexpected(METHOD)
        try:
            at = start + 5 + data[start + 4]  # behind the consumer tag
            self._tag, self._redelivered = _TAG.unpack_from(data, at)
            self._exchange, at = _short_string(data, at + _TAG.size)
            self._routing_key, at = _short_string(data, at)
        except (IndexError, StructError):
            at = -1
        if at != end:
            raise ProtocolBreach("the broker sent a delivery that does not fill its frame")
        self._due = HEADER

    def add_header(self, data: bytes, start: int, end: int) -> None:
        """Take a header, or as much as is held of a long one."""
        if self._due != HEADER:
            raise self._unexpected(HEADER)
        properties = start + _CONTENT.size
        if properties > end:
            raise ProtocolBreach(f"the broker sent a header of {end - start} bytes")
        class_id, _, size, flags = _CONTENT.unpack_from(data, start)
        if class_id != _BASIC:
            raise ProtocolBreach(f"the broker sent a header of class {class_id} with a delivery")
        self._malformed = ""
        try:
            self._cc = read_cc(data, properties, end, flags) if flags & HAS_HEADERS else ()
        except Unreadable as error:
            self._cc, self._malformed = error.cc, error.why
        self._header_bytes = end - start
        self._missing_bytes = size
        self._omitted = omission(size, self._limit_bytes) if size > self._limit_bytes else ""
        if size:
            self._due = BODY
        else:
            self._finish(b"")

    def add_body(self, piece: bytes) -> None:
        """Take a body, or the next part of one."""
        if self._due != BODY:
            raise self._unexpected(BODY)
        missing_bytes = self._missing_bytes = self._missing_bytes - len(piece)
        if missing_bytes < 0:
            raise ProtocolBreach("the broker sent a body that is longer than its header says")
        if self._omitted:
            piece = b""
        elif piece and (missing_bytes or self._pieces):
            self._pieces.append(piece)
        if missing_bytes:
            return
        if self._pieces:
            piece = b"".join(self._pieces)
            self._pieces.clear()
        self._finish(piece)

    def _finish(self, body: bytes) -> None:
        self._due = METHOD
        message = Message(
            self._exchange,
            self._routing_key,
            body,
            self._cc,
            self._redelivered & 1 == 1,
            self._omitted,
            self._malformed,
        )
        held_bytes = len(body) + _BYTES_PER_HEADER_BYTE * self._header_bytes
        self._receive(message, self._tag, held_bytes)

    def _unexpected(self, kind: int) -> ProtocolBreach:
        return ProtocolBreach(
            f"the broker sent a {_NAMES[kind]} where a {_NAMES[self._due]} was due"
        )


def _short_string(data: bytes, at: int) -> tuple[str, int]:
    """Return the short string at ``at``, and where it ends; what is not UTF-8 is replaced."""
    start = at + 1
    end = start + data[at]
    return data[start:end].decode(errors="replace"), end
