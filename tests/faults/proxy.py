"""A TCP proxy in front of a broker or a server: can be cut, mended, or turned into a black hole.

It can be a slow line to those before it.  In a black hole not even the kernel answers: a socket
filter throws every packet away on arrival.  It can also end, as a broker does that has failed, each
connection on which certain bytes come.
"""

import asyncio
import ctypes
import socket
import ssl
import struct
import threading
from concurrent.futures import Future
from typing import Self

_SO_ATTACH_FILTER = 26
_INTERNAL_ERROR = struct.pack(">HHHB", 10, 50, 541, 14) + b"INTERNAL_ERROR" + bytes(4)
_CLOSE = struct.pack(">BHI", 1, 0, len(_INTERNAL_ERROR)) + _INTERNAL_ERROR + b"\xce"
"""AMQP's ``connection.close`` (section 1.4.2.10) in a frame."""
_PIECE_BYTES = 1024
"""What a slow line lets through at a time."""
_RETURN_0 = struct.pack("HBBI", 0x06, 0, 0, 0)  # BPF: take 0 bytes of each packet


def deafen(connection: socket.socket) -> None:
    """Have the kernel drop whatever arrives for ``connection``, acknowledgements included."""
    program = ctypes.create_string_buffer(_RETURN_0)
    option = struct.pack("HL", 1, ctypes.addressof(program))
    connection.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, option)


class Proxy:
    """Listens on a free port and forwards to ``target_port``: ``with Proxy(port) as proxy``.

    Args:
        target_port: The broker's, or the server's.
        deadly: Bytes of a client at which its connection is ended.
        tls: Speaks TLS with it to those before it.
    """

    def __init__(
        self, target_port: int, *, deadly: bytes = b"", tls: ssl.SSLContext | None = None
    ) -> None:
        self.port = 0
        self._tls = tls
        self._deadly = deadly
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[None]] = set()
        self._is_cut = self._is_hole = False
        self._bytes_per_s = 0
        self._stop = asyncio.Event()
        self._listening: Future[int] = Future()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = self._listening.result(10)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the proxy did not end"

    def url(self, broker_url: str) -> str:
        """Return the broker's URL with this proxy's port."""
        return broker_url.replace(f":{self._target_port}/", f":{self.port}/")

    def cut(self) -> None:
        """Close all connections, and new ones at once."""
        self._is_cut = True
        self._loop.call_soon_threadsafe(self._abort_all)

    def mend(self) -> None:
        """Forward new connections again."""
        self._is_cut = self._is_hole = False

    def throttle(self, bytes_per_s: int) -> None:
        """Let so many bytes a second through to each client; 0 is as many as come."""
        self._bytes_per_s = bytes_per_s

    def swallow(self, *, new_ones: bool = False) -> None:
        """Turn the connections there are into black holes; new ones work, or not until `mend`."""
        self._is_hole = new_ones
        for writer in tuple(self._writers):
            connection = writer.get_extra_info("socket")
            deafen(connection)
        self._writers.clear()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self._listening.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        self._abort_all()
        if self._handlers:
            await asyncio.wait(self._handlers, timeout=5)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        self._handlers.add(handler)
        handler.add_done_callback(self._handlers.discard)
        try:
            there = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        # Asked behind the last wait, or a connection that was under way would outlive a cut.
        if self._is_cut:
            writer.transport.abort()
            there[1].transport.abort()
            return
        if self._is_hole:
            deafen(writer.get_extra_info("socket"))
        self._writers |= {writer, there[1]}
        await asyncio.gather(self._send(reader, writer, there[1]), self._bring(there[0], writer))
        self._writers -= {writer, there[1]}

    async def _send(
        self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, on: asyncio.StreamWriter
    ) -> None:
        """Forward what a client says, but for what is deadly."""
        if not self._deadly:
            await _forward(reader, on)
            return
        while chunk := await reader.read(1 << 16):
            if self._deadly in chunk:
                back.write(_CLOSE)
                await reader.read(1 << 16)  # it agrees
                break
            on.write(chunk)
        on.transport.abort()

    async def _bring(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward what the other side says, no faster than the line is."""
        try:
            while chunk := await reader.read(1 << 16):
                # It may have become a slow line while this was waited for.
                while chunk and self._bytes_per_s:
                    await _write(writer, chunk[:_PIECE_BYTES])
                    await asyncio.sleep(len(chunk[:_PIECE_BYTES]) / self._bytes_per_s)
                    chunk = chunk[_PIECE_BYTES:]
                await _write(writer, chunk)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    def _abort_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


async def _write(writer: asyncio.StreamWriter, chunk: bytes) -> None:
    writer.write(chunk)
    await writer.drain()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(1 << 16):
            await _write(writer, chunk)
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
