"""Pings of many streams: each at its time, and never all in one turn of the server's loop."""

import selectors
import socket
import time
from collections import Counter
from contextlib import ExitStack

from tests.support.raw_stream import connect_target
from tests.support.server import Server

COUNT = 300
INTERVAL_S = 2.0
TOLERANCE_S = 0.3
PING = b"event: ping\ndata: "


def open_at_once(port: int, opened: ExitStack) -> list[socket.socket]:
    """Send all requests only when all connections are there."""
    request = f"GET {connect_target(('exchange/pings', '#'))} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    connections = [
        opened.enter_context(socket.create_connection(("127.0.0.1", port), 10))
        for _ in range(COUNT)
    ]
    for connection in connections:
        connection.sendall(request)
    return connections


def first_pings(connections: list[socket.socket]) -> list[tuple[float, bytes]]:
    """Return when each stream's first ping came, by the monotonic clock, and its data."""
    received = dict.fromkeys(connections, b"")
    found: list[tuple[float, bytes]] = []
    deadline_s = time.monotonic() + 3 * INTERVAL_S
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
        while len(found) < len(connections) and time.monotonic() < deadline_s:
            for key, _ in selector.select(0.1):
                stream = key.fileobj
                assert isinstance(stream, socket.socket)
                received[stream] += stream.recv(4096)
                _, ping, rest = received[stream].partition(PING)
                if ping and b"\n\n" in rest:
                    found.append((time.monotonic(), rest.partition(b"\n")[0]))
                    selector.unregister(stream)
    return found


def test_the_first_pings_of_streams_that_came_at_once_come_in_time_and_not_in_one_turn() -> None:
    with Server("--ping-interval", str(INTERVAL_S)) as server, ExitStack() as opened:
        connections = open_at_once(server.port, opened)
        requested_s = time.monotonic()
        pings = first_pings(connections)
    assert len(pings) == COUNT
    waits_s = [at_s - requested_s for at_s, _ in pings]
    assert min(waits_s) > INTERVAL_S - TOLERANCE_S
    assert max(waits_s) < INTERVAL_S + TOLERANCE_S
    turns = Counter(text for _, text in pings)  # a turn's pings share their bytes
    assert max(turns.values()) < COUNT / 4
