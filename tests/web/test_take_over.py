"""What a stream costs.  These fail if a new aiohttp no longer lets go of a connection."""

import gc
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from aiohttp import web

from tests.support.local_server import LocalServer, local_server
from tests.support.raw_stream import RawStream, connect_target, ready_streams
from tests.support.server import Server
from tests.support.waiting import wait_until

STREAMS = 2000
LIMIT_BYTES = 4 << 10
READY = b"event: ready\ndata: {}\nid: -\n\n\r\n"


def connections(server: LocalServer) -> int:
    """Return how many of aiohttp's protocol and request objects live."""

    def count() -> int:
        gc.collect()
        kinds = (web.RequestHandler, web.BaseRequest)
        return sum(isinstance(found, kinds) for found in gc.get_objects())

    return server.call(count)


def test_an_open_stream_holds_no_task_and_no_object_of_aiohttp(name: str) -> None:
    with local_server(ping_interval=60.0) as server:
        before, tasks = connections(server), server.tasks()
        with ready_streams(server.port, connect_target((name, "#")), 50) as streams:
            wait_until(lambda: server.tasks() == tasks, "no task is left", within_s=3)
            wait_until(lambda: connections(server) <= before, "aiohttp has let go", within_s=3)
            server.say(name, "k")
            for stream in streams:
                stream.event("message")
        wait_until(lambda: not server.counts().clients, "all have left")
        assert server.tasks() == tasks


def test_a_stream_that_waits_for_its_answer_holds_no_task(name: str) -> None:
    with local_server(ping_interval=60.0) as server:
        tasks = server.tasks()
        with RawStream(server.port, connect_target((name, "#"), errors="http")) as stream:
            stream.ready()
            wait_until(lambda: server.tasks() == tasks, "no task is left", within_s=3)


def memory_bytes(pid: int) -> int:
    """Return the process's private memory."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Private_"))


@contextmanager
def idle_streams(port: int, count: int) -> Iterator[None]:
    """Keep ``count`` streams open with as little as possible on this side."""
    target = connect_target(("exchange/idle", "#"))
    request = f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    with ExitStack() as opened:
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), 10)
            opened.enter_context(connection)
            connection.sendall(request)
            received = b""
            while not received.endswith(READY):
                received += connection.recv(4096)
        yield


def test_an_idle_stream_costs_less_than_four_kibibytes() -> None:
    with Server("--ping-interval", "60") as server:
        with idle_streams(server.port, 200):
            before = memory_bytes(server.pid)
            with idle_streams(server.port, STREAMS):
                each = (memory_bytes(server.pid) - before) / STREAMS
    assert each < LIMIT_BYTES, f"{each:.0f} bytes a stream"
