"""Header tables as bytes of one's own: what no client library would encode.

AMQP 0-9-1, section 4.2.5, with RabbitMQ's types.  A value is its type and its bytes.
"""

import struct
from functools import reduce

import pika

HAS_HEADERS, HAS_CONTENT_TYPE = 0x2000, 0x8000


def long(raw: bytes) -> bytes:
    """Return ``raw`` behind its length."""
    return struct.pack(">I", len(raw)) + raw


def text(value: str | bytes) -> bytes:
    """Return a long string."""
    return b"S" + long(value.encode() if isinstance(value, str) else value)


def array(*values: bytes) -> bytes:
    """Return an array."""
    return b"A" + long(b"".join(values))


def field(name: str | bytes, value: bytes) -> bytes:
    """Return one entry of a table."""
    raw = name.encode() if isinstance(name, str) else name
    return bytes([len(raw)]) + raw + value


def nested(*fields: bytes) -> bytes:
    """Return a table as a value."""
    return b"F" + long(b"".join(fields))


def cc(*keys: str | bytes) -> bytes:
    """Return the header ``CC`` with these keys."""
    return field("CC", array(*map(text, keys)))


def deep_table(depth: int) -> bytes:
    """Return tables inside of each other."""
    return reduce(lambda inner, _: nested(field("a", inner)), range(depth), nested())


def deep_array(depth: int) -> bytes:
    """Return arrays inside of each other."""
    return reduce(lambda inner, _: array(inner), range(depth), array())


def headers(*fields: bytes) -> bytes:
    """Return the properties of a message that has headers and nothing else."""
    return long(b"".join(fields))


class RawProperties(pika.BasicProperties):  # type: ignore[misc]  # pika ships no types
    """Properties that pika sends as they are given.

    Args:
        raw: The properties, behind their flags.
        flags: Which of them there are.
    """

    def __init__(self, raw: bytes, flags: int = HAS_HEADERS) -> None:
        super().__init__()
        self._raw = struct.pack(">H", flags) + raw

    def encode(self) -> list[bytes]:
        """Return the flags and what follows them."""
        return [self._raw]
