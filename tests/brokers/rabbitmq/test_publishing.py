"""An entry's frames are those that pika would write; they come whole, in order, or raise."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence

import pika
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pika import spec

from pulse_events.brokers.rabbitmq.address import parse_address
from pulse_events.brokers.rabbitmq.connection import Channel, RequestRefused, connected
from pulse_events.brokers.rabbitmq.frames import FrameConnection
from pulse_events.brokers.rabbitmq.log.publishing import frames, publish
from pulse_events.brokers.rabbitmq.targets import targets
from pulse_events.errors import BrokerUnavailable
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit

PERSISTENT = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
PIECE_BYTES = 16
FRAME_MAX, FRAME_EXTRA = 4096, 8
"""The least that AMQP allows, and what a frame has beside its payload."""
SIZES = [
    pieces * (FRAME_MAX - FRAME_EXTRA) + more
    for pieces in range(3)
    for more in (-1, 0, 1)
    if pieces or more >= 0
]
FLOOD, FLOOD_BYTES = 20, 300_001
KERNEL_BYTES = 16 << 10
"""What the kernel takes at once is less: the rest waits in the process."""
PIKAS_TURN = 7


class Pen(FrameConnection):
    """A connection without a socket, which keeps what pika would write."""

    def __init__(self, piece_bytes: int) -> None:
        self._body_max_length = piece_bytes
        self.written = b""

    def _output_marshaled_frames(self, marshaled_frames: Sequence[bytes]) -> None:
        self.written += b"".join(marshaled_frames)


@given(
    number=st.integers(1, 65_535),
    exchange=st.text(max_size=60),
    body=st.binary(max_size=4 * PIECE_BYTES),
    piece_bytes=st.integers(1, 2 * PIECE_BYTES),
)
@example(1, "e", b"", PIECE_BYTES)
@example(1, "e", b"x" * (PIECE_BYTES - 1), PIECE_BYTES)
@example(1, "e", b"x" * PIECE_BYTES, PIECE_BYTES)
@example(1, "e", b"x" * (PIECE_BYTES + 1), PIECE_BYTES)
@example(65_535, "é" * 127, b"x" * 2 * PIECE_BYTES, PIECE_BYTES)
@example(1, "\N{OBJECT REPLACEMENT CHARACTER}" * 85, b"\xce" * 131_089, 131_064)
def test_frames_are_what_pika_writes(
    number: int, exchange: str, body: bytes, piece_bytes: int
) -> None:
    pen = Pen(piece_bytes)
    pen._send_method(number, spec.Basic.Publish(exchange=exchange), (PERSISTENT, body))
    assert frames(number, exchange, body, piece_bytes) == pen.written


@pytest.fixture
def queue(amqp: Amqp, exchange: str) -> str:
    name = amqp.declare_queue()
    amqp.bind_queue(name, exchange, "#")
    return name


@pytest.fixture(params=["plain", "TLS"])
async def channel(request: pytest.FixtureRequest, rabbit: Rabbit) -> AsyncIterator[Channel]:
    url = rabbit.amqps_url if request.param == "TLS" else rabbit.amqp_url
    address = parse_address(f"{url}?frame_max={FRAME_MAX}")
    [target] = targets(address, str(rabbit.ca_file), heartbeat_s=15)
    async with connected(target) as connection:
        yield await Channel(connection).open()


async def test_bodies_of_all_lengths_come_in_order(
    channel: Channel, amqp: Amqp, exchange: str, queue: str
) -> None:
    bodies = [bytes([at]) * size for at, size in enumerate(SIZES)]
    for body in bodies:
        publish(channel, exchange, body)
    await channel.request("queue_declare", queue="", exclusive=True)  # the last one is there
    assert [taken.body for taken in amqp.take(queue, len(bodies))] == bodies


async def test_a_flood_comes_whole_and_in_order_with_what_pika_writes_between(
    channel: Channel, amqp: Amqp, exchange: str, queue: str
) -> None:
    link = channel.pika.connection._transport._sock
    link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
    for number in range(FLOOD):
        publish(channel, exchange, bytes([number]) * FLOOD_BYTES)
        if number % PIKAS_TURN == 0:
            channel.send("exchange_declare", exchange=f"{exchange}/{number}", auto_delete=True)
            await asyncio.sleep(0)
    await channel.request("queue_declare", queue="", exclusive=True)
    taken = amqp.take(queue, FLOOD)
    assert [(body[0], len(body)) for *_, body, _ in taken] == [
        (number, FLOOD_BYTES) for number in range(FLOOD)
    ]
    assert all(body == body[:1] * FLOOD_BYTES for *_, body, _ in taken)


async def test_a_channel_that_the_broker_closed_raises_its_reason(
    channel: Channel, exchange: str
) -> None:
    with pytest.raises(RequestRefused):
        await channel.request("queue_declare", queue="queue/missing", passive=True)
    with pytest.raises(RequestRefused, match="queue/missing"):
        publish(channel, exchange, b"")


async def test_a_channel_that_is_closing_raises(channel: Channel, exchange: str) -> None:
    channel.pika.close()
    with pytest.raises(BrokerUnavailable):
        publish(channel, exchange, b"")


async def test_a_dead_socket_ends_the_connection(channel: Channel, exchange: str) -> None:
    channel.pika.connection._transport._sock.shutdown(socket.SHUT_RDWR)
    publish(channel, exchange, b"")
    with pytest.raises(BrokerUnavailable):
        await channel.until_closed()
    with pytest.raises(BrokerUnavailable):
        publish(channel, exchange, b"")
