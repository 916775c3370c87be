"""Deliveries of a stream: the offset in their headers, whatever else is there."""

from struct import pack

import pytest

from pulse_events.brokers.rabbitmq.log.content import StreamContent
from pulse_events.messages import Message

NAME = b"\x0fx-stream-offset"


def offset_of(table: bytes) -> int:
    """Return the offset that a delivery with these headers has."""
    seen: list[int] = []

    def receive(message: Message, _tag: int, _held_bytes: int) -> None:
        assert message.body == b"{}"
        seen.append(content.offset)

    content = StreamContent(receive, 100)
    method = b"\x00\x3c\x00\x3c\x00" + pack(">QB", 1, 0) + b"\x01e\x01k"
    content.begin(method, 0, len(method))
    header = pack(">HHQH", 60, 0, 2, 0x2000) + pack(">I", len(table)) + table
    content.add_header(header + NAME + b"l" + pack(">q", 9), 0, len(header))
    content.add_body(b"{}")
    return seen[0]


@pytest.mark.parametrize("offset", [0, 1, (1 << 62) + 5])
def test_the_offset_is_read_wherever_it_stands(offset: int) -> None:
    field = NAME + b"l" + pack(">q", offset)
    assert offset_of(field) == offset
    assert offset_of(b"\x01aI\x00\x00\x00\x07" + field) == offset


@pytest.mark.parametrize(
    "table", [b"", b"\x01aI\x00\x00\x00\x07", NAME + b"I\x00\x00\x00\x07", NAME + b"l\x00\x00"]
)
def test_without_an_offset_there_is_none(table: bytes) -> None:
    assert offset_of(table) == -1
