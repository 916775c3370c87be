"""Publishing an entry: its frames as bytes (AMQP 0-9-1, section 4.2), which are written at once.

pika makes a publish of a dozen objects, has the socket take its frames one by one, and only in a
later turn of the loop.  A recorder does that for each message; ``docs/design.md`` has both figures.
"""

from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from pulse_events.brokers.rabbitmq.connection import Channel

_FRAME = Struct(">BHI")  # type, channel, size of the payload
_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"
_PUBLISH = b"\x00\x3c\x00\x28" + b"\0\0"  # class basic, method publish; what is reserved
_TO_ALL = b"\0" + b"\0"  # no routing key, not mandatory
_OF_BASIC = b"\x00\x3c" + b"\0\0"  # class, weight
_SIZE = Struct(">Q")
_PERSISTENT = b"\x10\x00" + b"\x02"  # one property, delivery-mode; persistent
_BEGINNINGS = 32
"""Channels and exchanges whose frames' beginning is kept."""


class _Beginning(NamedTuple):
    """What frames begin with on one channel, for one exchange."""

    before_size: bytes
    after_size: bytes


def publish(channel: Channel, exchange: str, body: bytes) -> None:
    """Publish a persistent message with no routing key, without waiting.

    Raises as `Channel.request` does.
    """
    connection = channel.pika.connection
    number, piece_bytes = channel.pika.channel_number, connection.piece_bytes
    channel.write(frames(number, exchange, body, piece_bytes))


def frames(channel_number: int, exchange: str, body: bytes, piece_bytes: int) -> bytes:
    """Return the frames of a message.

    Args:
        channel_number: Of the channel that it goes through.
        exchange: Its name, of 255 bytes at most.
        body: May be empty.
        piece_bytes: The most that one frame holds of the body.
    """
    before_size, after_size = _begin(channel_number, exchange)
    pieces = [before_size, _SIZE.pack(len(body)), after_size]
    for start in range(0, len(body), piece_bytes):
        piece = body[start : start + piece_bytes]  # of a body that is one piece no copy
        pieces += _FRAME.pack(_BODY, channel_number, len(piece)), piece, _END
    return b"".join(pieces)


@lru_cache(_BEGINNINGS)
def _begin(channel_number: int, exchange: str) -> _Beginning:
    name = exchange.encode()
    method = _PUBLISH + bytes((len(name),)) + name + _TO_ALL
    header_size = len(_OF_BASIC) + _SIZE.size + len(_PERSISTENT)
    return _Beginning(
        b"".join(
            (
                _FRAME.pack(_METHOD, channel_number, len(method)),
                method,
                _END,
                _FRAME.pack(_HEADER, channel_number, header_size),
                _OF_BASIC,
            )
        ),
        _PERSISTENT + _END,
    )
