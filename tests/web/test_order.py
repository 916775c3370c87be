"""A stream's bytes keep their order, whether the kernel, the transport or nobody has room."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from pulse_events.access.limits import Admission, Limits
from pulse_events.errors import StreamEnded
from pulse_events.hub.hub import Hub
from pulse_events.hub.hubs import Exact, Hubs
from pulse_events.process.loops import new_event_loop
from pulse_events.web.client_stream import ClientStream
from pulse_events.web.streams import Streams
from pulse_events.wire.sse import encode_event
from pulse_events.wire.wire import Wire, wire_of
from tests.support.chunked import Chunks, unchunked
from tests.support.simulated_broker import SimulatedBroker

PIECE = 1 << 16
UNFRAMED = wire_of(is_chunked=False, is_gzip=False)
CHUNKED = wire_of(is_chunked=True, is_gzip=False)
MORE_THAN_FITS = encode_event("message", b'"%b"' % (b"x" * (16 << 20)))


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


def begin(transport: asyncio.Transport, wire: Wire = UNFRAMED) -> ClientStream:
    """Return a stream on ``transport`` whose head has been sent."""
    broker = SimulatedBroker()
    hub = Hub(broker, asyncio.get_running_loop().call_soon)
    streams = Streams(
        Hubs(hub, lambda exchange: False, no_queue),
        Admission(Limits(streams=1)),
        ping_interval_s=60,
        unsent_limit_bytes=1 << 30,
    )
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
