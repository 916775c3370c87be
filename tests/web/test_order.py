"""A stream's bytes keep their order, whether the kernel, the transport or nobody has room."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from pulse_events.access.limits import Admission, Limits
from pulse_events.errors import StreamEnded
from pulse_events.hub.hub import Hub
from pulse_events.hub.hubs import Exact, Hubs
from pulse_events.hub.ports import Health
from pulse_events.process.loops import new_event_loop
from pulse_events.web.client_stream import ClientStream
from pulse_events.web.status import BrokerStatus
from pulse_events.web.streams import Streams
from pulse_events.wire.sse import encode_event
from pulse_events.wire.wire import Wire, wire_of
from tests.support.chunked import Chunks, unchunked
from tests.support.simulated_broker import SimulatedBroker

PIECE = 1 << 16
UNFRAMED = wire_of(is_chunked=False, is_gzip=False)
CHUNKED = wire_of(is_chunked=True, is_gzip=False)
MORE_THAN_FITS = encode_event(b"message", b'"%b"' % (b"x" * (16 << 20)))


def on_the_servers_loop(
    case: Callable[[asyncio.Transport, socket.socket], Coroutine[Any, Any, None]],
) -> None:
    """Run ``case`` with a connection's two ends, on the kind of loop that the server has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    client.setblocking(False)

    async def run() -> None:
        transport = await connect(ours)
        try:
            await case(transport, client)
        finally:
            transport.abort()
            await asyncio.sleep(0)

    with client, asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(run())


def take(client: socket.socket) -> bytes:
    """Take what the kernel has, so that it has room, and the transport cannot know it yet."""
    received = bytearray()
    try:
        while chunk := client.recv(1 << 20):
            received += chunk
    except BlockingIOError:
        pass
    return bytes(received)


async def take_through(client: socket.socket, end: bytes) -> bytes:
    received = b""
    async with asyncio.timeout(5):
        while not received.endswith(end):
            received += await asyncio.get_running_loop().sock_recv(client, 1 << 20)
    return received


async def connect(ours: socket.socket) -> asyncio.Transport:
    connect = asyncio.get_running_loop().create_connection
    transport, _ = await connect(asyncio.Protocol, sock=ours)
    transport.set_write_buffer_limits(high=1 << 30)
    return transport


def no_queue() -> Exact:
    """Open no queue of one set of bindings: nobody asks for one."""
    raise AssertionError


class Told(Streams):
    """Notes what streams tell it, and does nothing about it."""

    def __init__(self) -> None:
        hub = Hub(SimulatedBroker(), asyncio.get_running_loop().call_soon)
        super().__init__(
            Hubs(hub, lambda exchange: False, no_queue),
            Admission(Limits(streams=1)),
            BrokerStatus(lambda: Health(connected=True), lambda: 0),
            ping_interval_s=60,
            unsent_limit_bytes=1 << 20,
        )
        self.said: list[str] = []

    def slow(self, stream: ClientStream) -> None:
        self.said.append("slow")

    def drained(self, stream: ClientStream) -> None:
        assert not stream.is_blocked
        self.said.append("drained")


def begin(
    transport: asyncio.Transport, wire: Wire = UNFRAMED, told: Told | None = None
) -> ClientStream:
    """Return a stream on ``transport`` whose head has been sent."""
    streams = Told() if told is None else told
    stream = ClientStream(streams, transport, wire)
    streams.add(stream, transport)
    return stream


def test_a_stream_waits_behind_what_its_connection_still_owes() -> None:
    async def case(transport: asyncio.Transport, client: socket.socket) -> None:
        owed = 0
        while not transport.get_write_buffer_size():
            transport.write(b"x" * PIECE)
            owed += PIECE
            await asyncio.sleep(0)
        received = take(client)
        begin(transport)
        received += await take_through(client, b"\r\n\r\n")
        assert received.startswith(b"x" * owed + b"HTTP/1.1 200 OK\r\n")

    on_the_servers_loop(case)


def test_what_the_kernel_does_not_take_is_sent_before_what_follows() -> None:
    async def case(transport: asyncio.Transport, client: socket.socket) -> None:
        stream = begin(transport)
        pieces = [b"%8d" % number * (PIECE // 8) for number in range(64)]
        received = b""
        for number, piece in enumerate(pieces):
            stream.write(piece)
            if number % 7 == 0:
                received += take(client)
            if number % 11 == 0:
                await asyncio.sleep(0)
        stream.write(b"end")
        received += await take_through(client, b"end")
        assert received.partition(b"\r\n\r\n")[2] == b"".join(pieces) + b"end"

    on_the_servers_loop(case)


async def take_all(client: socket.socket) -> bytes:
    """Return the body, up to the end or the break of the connection."""
    received = bytearray()
    async with asyncio.timeout(10):
        try:
            while piece := await asyncio.get_running_loop().sock_recv(client, 1 << 20):
                received += piece
        except ConnectionResetError:
            pass
    return bytes(received).partition(b"\r\n\r\n")[2]


def test_a_stream_that_is_ended_amid_an_unsent_chunk_says_why_behind_it() -> None:
    async def case(transport: asyncio.Transport, client: socket.socket) -> None:
        stream = begin(transport, CHUNKED)
        stream.write(CHUNKED.encode(MORE_THAN_FITS))
        assert transport.get_write_buffer_size()
        stream.end(StreamEnded("enough"))
        body = unchunked(await take_all(client))
        assert body == MORE_THAN_FITS + b'event: error\ndata: "enough"\nid: -\n\n'

    on_the_servers_loop(case)


SMALL = encode_event(b"message", b'"small"')


def test_a_stream_that_is_not_slow_gets_what_waits_before_it_is_told_the_end() -> None:
    async def case(transport: asyncio.Transport, client: socket.socket) -> None:
        stream = begin(transport, CHUNKED)
        stream.write(CHUNKED.encode(MORE_THAN_FITS))
        stream.write(CHUNKED.encode(SMALL))
        stream.end(StreamEnded("the server stops"))
        assert not stream.close_if_read()
        body = unchunked(await take_all(client))
        assert body == MORE_THAN_FITS + SMALL + b'event: error\ndata: "the server stops"\nid: -\n\n'

    on_the_servers_loop(case)


def test_what_is_dropped_was_not_begun_and_the_reason_comes_behind_what_was() -> None:
    async def case(transport: asyncio.Transport, client: socket.socket) -> None:
        stream = begin(transport, CHUNKED)
        stream.write(CHUNKED.encode(MORE_THAN_FITS))
        in_transit = stream.unsent_bytes
        stream.write(CHUNKED.encode(SMALL))
        assert stream.unsent_bytes == in_transit + len(CHUNKED.encode(SMALL))
        stream.drop()
        assert stream.unsent_bytes == in_transit
        stream.end(StreamEnded("slow"))
        body = unchunked(await take_all(client))
        assert body == MORE_THAN_FITS + b'event: error\ndata: "slow"\nid: -\n\n'

    on_the_servers_loop(case)


def test_a_head_that_waits_behind_an_earlier_answer_is_not_dropped() -> None:
    async def case(transport: asyncio.Transport, client: socket.socket) -> None:
        transport.write(b"x" * (16 << 20))
        stream = begin(transport, CHUNKED)
        assert stream.is_blocked
        stream.write(CHUNKED.encode(SMALL))
        stream.drop()
        stream.end(StreamEnded("slow"))
        body = unchunked(await take_all(client))
        assert body == b'event: error\ndata: "slow"\nid: -\n\n'

    on_the_servers_loop(case)


def test_a_stream_tells_once_that_it_is_slow_and_that_the_kernel_has_taken_all() -> None:
    async def case(transport: asyncio.Transport, client: socket.socket) -> None:
        told = Told()
        stream = begin(transport, told=told)
        for times in range(1, 3):
            stream.write(MORE_THAN_FITS)
            for _ in range(3):
                stream.write(SMALL)
            assert stream.is_blocked
            assert stream.unsent_bytes > 1 << 20
            await asyncio.sleep(0)  # not from within `write`
            assert told.said == [*["slow", "drained"] * (times - 1), "slow"]
            await take_through(client, SMALL * 3)
            assert told.said == ["slow", "drained"] * times
            assert stream.unsent_bytes == 0

    on_the_servers_loop(case)


def test_what_the_kernel_takes_at_once_is_no_reason_to_say_anything() -> None:
    async def case(transport: asyncio.Transport, client: socket.socket) -> None:
        told = Told()
        stream = begin(transport, told=told)
        stream.write(SMALL)
        assert not stream.is_blocked
        await take_through(client, SMALL)
        assert told.said == []

    on_the_servers_loop(case)


def test_a_stream_that_is_cut_off_amid_a_chunk_gets_nothing_that_is_read_as_part_of_it() -> None:
    async def case(transport: asyncio.Transport, client: socket.socket) -> None:
        stream = begin(transport, CHUNKED)
        chunk = CHUNKED.encode(MORE_THAN_FITS)
        stream.write(chunk)
        stream.end(StreamEnded("enough"))
        stream.abort()
        await asyncio.sleep(0)
        body = await take_all(client)
        assert 0 < len(body) < len(chunk)
        assert chunk.startswith(body)
        assert Chunks().feed(body) == []

    on_the_servers_loop(case)
