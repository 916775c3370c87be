"""A broker that breaks the protocol loses its connection, with a reason; pika is the real one here.

No fault leaves the reader.
"""

import asyncio
import logging
import struct
from collections.abc import Iterator

import pika
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pika import frame, spec

from pulse_events.bindings import BindingSet
from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from pulse_events.brokers.rabbitmq.content import ProtocolBreach
from pulse_events.brokers.rabbitmq.frames import FrameConnection
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from pulse_events.hub.hub import Hub
from pulse_events.messages import Message
from tests.brokers.listening import Recorder, running
from tests.support.hub_desk import Recorder as StreamRecorder
from tests.support.lying_broker import lying_broker, method
from tests.support.raw_headers import RawProperties, deep_table, field, headers
from tests.support.waiting import until

CHANNEL = 1


class Transport:
    """What a connection that is fed by hand writes to."""

    def __init__(self) -> None:
        self.is_aborted = False

    def write(self, data: bytes) -> None:
        """Send nothing."""

    def abort(self) -> None:
        """Note it."""
        self.is_aborted = True


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that never runs."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


def opened(loop: asyncio.AbstractEventLoop, received: list[Message]) -> FrameConnection:
    """Return a connection with one channel that deliveries are read from, in pika's own state."""
    connection = FrameConnection(
        pika.ConnectionParameters(heartbeat=0),
        on_close_callback=lambda *_: None,
        custom_ioloop=loop,
        internal_connection_workflow=False,
    )
    connection._proto_connection_made(Transport())
    for what in (
        spec.Connection.Start(0, 9, {}, "PLAIN", "en_US"),
        spec.Connection.Tune(10, 131_072, 0),
        spec.Connection.OpenOk(),
    ):
        connection._on_data_available(method(0, what))
    assert connection.is_open
    connection.channel(CHANNEL)
    connection._on_data_available(method(CHANNEL, spec.Channel.OpenOk()))
    connection.deliver_directly(CHANNEL, lambda message, *_: received.append(message))
    return connection


_METHODS = [
    method(channel, what)
    for channel in (0, CHANNEL, 2)
    for what in (
        spec.Basic.Deliver("tag", 1, False, "e", "k"),
        spec.Basic.Return(312, "NO_ROUTE", "e", "k"),
        spec.Basic.Cancel("tag"),
        spec.Basic.Ack(1),
        spec.Channel.Close(404, "no", 0, 0),
        spec.Channel.CloseOk(),
        spec.Queue.BindOk(),
        spec.Connection.Close(320, "no", 0, 0),
        spec.Connection.CloseOk(),
        spec.Connection.Blocked("low on memory"),
        spec.Connection.Tune(1, 1, 1),
        spec.Connection.Start(0, 9, {}, "PLAIN", "en_US"),
    )
]
_HEADERS = [
    frame.Header(channel, 1, pika.BasicProperties(headers={"CC": ["a"]})).marshal()
    for channel in (CHANNEL, 2)
]
_BODIES = [frame.Body(channel, b"x").marshal() for channel in (CHANNEL, 2)]
_RAW = st.builds(
    lambda kind, channel, payload: (
        struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"
    ),
    st.sampled_from([1, 2, 3, 8, 4]),
    st.integers(0, 3),
    st.one_of(
        st.binary(max_size=20),
        st.tuples(
            st.sampled_from([10, 20, 40, 50, 60, 85]), st.integers(10, 120), st.binary(max_size=20)
        ).map(lambda parts: struct.pack(">HH", *parts[:2]) + parts[2]),
    ),
)
_FRAMES = st.one_of(st.sampled_from([*_METHODS, *_HEADERS, *_BODIES]), _RAW)


@given(
    frames=st.lists(_FRAMES, max_size=6),
    rest=st.binary(max_size=20),
    cut=st.integers(1, 100),
)
def test_nothing_that_a_broker_sends_leaves_the_reader_as_an_exception(
    loop: asyncio.AbstractEventLoop, frames: list[bytes], rest: bytes, cut: int
) -> None:
    received: list[Message] = []
    connection = opened(loop, received)
    transport = connection._transport
    data = b"".join(frames) + rest
    for start in range(0, len(data), cut):
        if not transport.is_aborted:  # the real one reads no more then
            connection._on_data_available(data[start : start + cut])
    if transport.is_aborted:
        assert str(connection._error)
    assert all(isinstance(message, Message) for message in received)


def test_what_pika_would_recurse_into_does_not_reach_it(loop: asyncio.AbstractEventLoop) -> None:
    connection = opened(loop, [])
    table = headers(field("n", deep_table(3000)))
    payload = struct.pack(">HHQH", 60, 0, 0, 0x2000) + table
    connection._on_data_available(method(2, spec.Basic.Return(312, "NO_ROUTE", "e", "k")))
    connection._on_data_available(struct.pack(">BHI", 2, 2, len(payload)) + payload + b"\xce")
    assert isinstance(connection._error, ProtocolBreach)
    assert "content came on channel 2, where nothing is consumed" in str(connection._error)


LIES = {
    "a frame that is too long": (
        struct.pack(">BHI", 3, CHANNEL, 1 << 24) + b"x",
        "the broker sent a frame of 16777224 bytes, the limit is 131072",
    ),
    "a header without a delivery": (
        frame.Header(CHANNEL, 0, pika.BasicProperties()).marshal(),
        "the broker sent a header where a delivery was due",
    ),
    "content that nobody asked for": (
        frame.Header(2, 0, pika.BasicProperties()).marshal(),
        "content came on channel 2, where nothing is consumed",
    ),
    "a method that there is none": (
        struct.pack(">BHIHH", 1, 0, 4, 90, 1) + b"\xce",
        "a frame of the broker cannot be read: KeyError",
    ),
}


@pytest.mark.parametrize(("lie", "why"), LIES.values(), ids=LIES)
async def test_a_breach_is_told_and_the_next_connection_goes_on(
    lie: bytes, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    async with lying_broker(lambda number: lie if number == 1 else None) as liar:
        broker = RabbitMQ(liar.url, pace=BrokerPace(watches_alarms=False))
        async with running(broker, Recorder()):
            told = "the broker breaks the protocol"
            await until(lambda: broker.health.reason == told, f"the reason: {told}")
            assert not broker.health.connected
            assert why in caplog.text
            await until(lambda: broker.health.connected, "another connection")
        assert liar.connections == 2
    assert faults == []
    assert [record for record in caplog.records if record.exc_info] == []


async def test_what_is_no_broker_is_told_at_once(caplog: pytest.LogCaptureFixture) -> None:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        broker = RabbitMQ(f"amqp://guest:guest@127.0.0.1:{port}/")
        async with running(broker, Recorder()):
            why = "what came is no AMQP frame: b'HTTP/1.1 400'"
            await until(lambda: f"1:{port}: {why}" in caplog.text, f"the reason: {why}")


async def test_what_cannot_be_read_is_told_to_its_exchange_and_acknowledged() -> None:
    def delivery(tag: int, exchange: str, key: str, table: bytes) -> bytes:
        frames = (
            frame.Method(CHANNEL, spec.Basic.Deliver("tag", tag, False, exchange, key)),
            frame.Header(CHANNEL, 1, RawProperties(table)),
            frame.Body(CHANNEL, b"%d" % tag),
        )
        return b"".join(each.marshal() for each in frames)

    def stream(exchange: str, pattern: str) -> StreamRecorder:
        made = StreamRecorder()
        hub.subscribe(made, BindingSet.of([(exchange, pattern)]))
        return made

    unreadable = headers(field("CC", b"A\0\0\1\0"))
    async with lying_broker(lambda _: None) as liar:
        broker = RabbitMQ(liar.url, pace=BrokerPace(watches_alarms=False))
        hub = Hub(broker, asyncio.get_running_loop().call_soon)
        async with running(broker, hub):
            matching, other, elsewhere = stream("e", "a"), stream("f", "b"), stream("g", "#")
            await until(lambda: elsewhere.kinds == ["ready"], "the last is ready")
            liar.say(delivery(1, "e", "a", unreadable) + delivery(2, "f", "a", unreadable))
            liar.say(delivery(3, "g", "a", headers()))
            await until(lambda: liar.acknowledged == 3, "all is acknowledged")
            assert (matching.bodies, elsewhere.bodies) == ([1], [3])
            assert (matching.reason, elsewhere.reason) == (None, None)
            assert str(other.reason) == (
                "messages may be missing: one of exchange 'f' was not passed on (its CC header "
                "breaks off); connect again"
            )
    assert hub.statistics().malformed == 2
    assert liar.connections == 1
