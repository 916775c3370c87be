"""AMQP 0-9-1 as bytes, as much as a publisher needs: the handshake and ready-made messages.

A client library would encode every message anew, and be the bottleneck.  Source: AMQP 0-9-1
specification, section 4.2 (wire format).
"""

import socket
import struct
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from bench.workload import TIME_DIGITS, TIME_MARK, Sample

_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"
_FRAME_LIMIT = 131_072
_CONTENT_TYPE, _HEADERS, _DELIVERY_MODE = 1 << 15, 1 << 13, 1 << 12
_TRANSIENT = 1


class AmqpError(Exception):
    """The broker said something else than expected."""


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + _END


def _method(channel: int, number: tuple[int, int], arguments: bytes) -> bytes:
    return _frame(_METHOD, channel, struct.pack(">HH", *number) + arguments)


def _short(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">B", len(raw)) + raw


def _long(raw: bytes) -> bytes:
    return struct.pack(">I", len(raw)) + raw


def encode_publish(exchange: str, sample: Sample) -> tuple[bytes, int]:
    """Return the frames of one transient message, and where in them the time's digits stand."""
    keys = b"".join(b"S" + _long(key.encode()) for key in sample.cc)
    table = _short("CC") + b"A" + _long(keys) if keys else b""
    frames = encode_message(exchange, sample.routing_key, table, sample.body)
    return frames, frames.rindex(TIME_MARK) + len(TIME_MARK)


def encode_message(exchange: str, routing_key: str, table: bytes, body: bytes) -> bytes:
    """Return the frames of a transient message whose header table is ``table``, as it is."""
    flags = _CONTENT_TYPE | _HEADERS | _DELIVERY_MODE
    properties = _short("application/json") + _long(table) + struct.pack(">B", _TRANSIENT)
    header = struct.pack(">HHQH", 60, 0, len(body), flags) + properties
    publish = struct.pack(">H", 0) + _short(exchange) + _short(routing_key) + b"\0"
    most = _FRAME_LIMIT - 8
    pieces = [body[at : at + most] for at in range(0, len(body), most)]
    return b"".join(
        (
            _method(1, (60, 40), publish),
            _frame(_HEADER, 1, header),
            *(_frame(_BODY, 1, piece) for piece in pieces),
        )
    )


def write_time(frames: bytearray, at: int, now_s: float) -> None:
    """Put the time into a message's frames."""
    frames[at : at + TIME_DIGITS] = b"%.6f" % now_s


class RawConnection:
    """One blocking connection with one channel, on which frames are written as they are."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 5672), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = self.socket.makefile("rb")
        login = f"\0{unquote(parts.username or 'guest')}\0{unquote(parts.password or 'guest')}"
        self.socket.sendall(b"AMQP\0\0\x09\x01")
        self._expect((10, 10))
        self.ask((10, 11), _long(b"") + _short("PLAIN") + _long(login.encode()) + _short("en_US"))
        self._expect((10, 30))
        self.ask((10, 31), struct.pack(">HIH", 1, _FRAME_LIMIT, 0))  # no heartbeats
        self.ask((10, 40), _short(unquote(parts.path[1:]) or "/") + b"\0\0", expected=(10, 41))
        self.ask((20, 10), b"\0", channel=1, expected=(20, 11))

    def declare_exchange(self, name: str) -> None:
        """Declare a durable topic exchange."""
        arguments = struct.pack(">H", 0) + _short(name) + _short("topic") + b"\x02" + _long(b"")
        self.ask((40, 10), arguments, channel=1, expected=(40, 11))

    def ask(
        self,
        number: tuple[int, int],
        arguments: bytes,
        *,
        channel: int = 0,
        expected: tuple[int, int] | None = None,
    ) -> None:
        """Send a method and wait for the one that answers it."""
        self.socket.sendall(_method(channel, number, arguments))
        if expected is not None:
            self._expect(expected)

    def send(self, messages: Sequence[bytearray]) -> None:
        """Write ready-made frames; blocks while the broker takes no more."""
        self.socket.sendall(b"".join(messages))

    def confirm(self) -> None:
        """Have the broker confirm what is sent from now on."""
        self.ask((85, 10), b"\0", channel=1, expected=(85, 11))

    def wait_until_confirmed(self, count: int) -> None:
        """Wait until it has confirmed so many messages; it confirms those of a stream in order."""
        confirmed = 0
        while confirmed < count:
            confirmed = struct.unpack(">Q", self._expect((60, 80))[:8])[0]

    def close(self) -> None:
        """Close in order, so that what was sent is surely with the broker."""
        self.ask((10, 50), struct.pack(">HBHH", 200, 0, 0, 0), expected=(10, 51))
        self.socket.close()

    def _expect(self, number: tuple[int, int]) -> bytes:
        """Wait for a method; return its arguments."""
        kind, _channel, length = struct.unpack(">BHI", self._read.read(7))
        payload = self._read.read(length + 1)
        found = struct.unpack(">HH", payload[:4])
        if kind != _METHOD or found != number:
            raise AmqpError(f"expected method {number}, the broker sent {found}: {payload[4:]!r}")
        return payload[4:-1]
