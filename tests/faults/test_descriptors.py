"""Descriptors run out: streams that are open go on, who comes is told or closed, nothing leaks."""

import contextlib
import itertools
import os
import resource
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from tests.faults import figures
from tests.faults.trial import ask, stats
from tests.support.raw_stream import RawStream, connect_target, conversation, ready_streams
from tests.support.server import Server
from tests.support.waiting import wait_until

EXCHANGE = "exchange/descriptors"
TARGET = connect_target((EXCHANGE, "#"))
REQUEST = f"GET {TARGET} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
CONNECTS = 20_000
AT_ONCE = 500


def say(server: Server, streams: list[RawStream]) -> None:
    """Publish over a connection that is there, and see that each stream gets it."""
    server.publish(EXCHANGE, "k", 1)
    for stream in streams:
        stream.event("message")


def descriptors(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.pid}/fd"))


ROOM = 136
"""Places for connections and streams of a server with 160 descriptors."""


@contextlib.contextmanager
def many_connections(
    port: int, count: int, sent: bytes = b"", sources: Sequence[str] = ("127.0.0.1",)
) -> Iterator[list[socket.socket]]:
    """Open connections, of some addresses in turn, that say ``sent`` and read nothing."""
    with contextlib.ExitStack() as opened:
        connections = []
        for _, source in zip(range(count), itertools.cycle(sources), strict=False):
            connection = opened.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(10)
            if source != "127.0.0.1":
                connection.bind((source, 0))
            connection.connect(("127.0.0.1", port))
            connection.setblocking(False)
            with contextlib.suppress(OSError):  # full: who reads nothing is not read for ever
                connection.send(sent)
            connections.append(connection)
        yield connections


GREEDY = {
    "silent": b"",
    "half a head": b"GET / HTTP/1.1\r\nHost: x\r\n",
    "idle after an answer": b"GET /__lbheartbeat__ HTTP/1.1\r\nHost: x\r\n\r\n",
    "no body": b"POST /events/v1/bindings HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
    "answers not read": b"GET /static/inspector/inspector.css HTTP/1.1\r\nHost: x\r\n\r\n" * 900,
    "refused streams": b"GET /events/v1/connect/?bindings=x HTTP/1.1\r\nHost: x\r\n\r\n",
    "a head that is too long": b"GET / HTTP/1.1\r\n" + (b"X: " + b"x" * 30_000 + b"\r\n") * 3,
}
SOURCES = {
    "one address": ["127.0.0.2"],
    "many addresses": [f"127.0.1.{number}" for number in range(1, 120)],
}


@pytest.mark.parametrize("sources", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("sent", GREEDY.values(), ids=GREEDY)
def test_who_keeps_connections_waiting_makes_room_for_who_does_not(
    sent: bytes, sources: list[str]
) -> None:
    with Server("--ping-interval", "60", descriptors=160) as server:
        with ready_streams(server.port, TARGET, 20) as streams:
            before = descriptors(server)
            with many_connections(server.port, 300, sent, sources):
                for path in ("/__lbheartbeat__", "/__heartbeat__", "/api/events/v1/stats"):
                    assert ask(server.port, path)[0] == 200
                with ready_streams(server.port, TARGET, 20) as others:
                    say(server, [*streams, *others])
                counts = stats(server.port)
                assert counts["refusedConnections"] == 0
                assert counts["displacedConnections"] >= 100
            wait_until(lambda: descriptors(server) <= before, "all are closed")
            say(server, streams)
        assert "Traceback" not in server.stderr


def test_one_address_that_floods_takes_no_connection_of_another() -> None:
    with Server("--ping-interval", "60", descriptors=160) as server:
        with RawStream(server.port, "/__lbheartbeat__", source="127.0.0.3") as idle:
            assert idle.body()
            idle.socket.sendall(GREEDY["half a head"])
            with many_connections(server.port, 1000, b"", ["127.0.0.2"]):
                idle.socket.sendall(b"\r\n")
                assert idle.head().status == 200


def test_more_streams_than_descriptors_are_answered_503() -> None:
    with Server("--ping-interval", "60", "--max-streams", "500", descriptors=160) as server:
        with ready_streams(server.port, TARGET, ROOM) as streams:
            for _ in range(20):
                assert conversation(server.port, b"").startswith(b"HTTP/1.1 503 ")
            streams.pop().close()
            wait_until(lambda: is_served(server.port), "there is a place again")
            say(server, streams)
            assert stats(server.port)["refusedConnections"] >= 20


def is_served(port: int) -> bool:
    return ask(port, "/__lbheartbeat__")[0] == 200


def test_a_server_that_can_open_nothing_more_goes_on_and_recovers() -> None:
    with Server("--ping-interval", "60") as server:
        with ready_streams(server.port, TARGET, 20) as streams:
            before = descriptors(server)
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (before + 5, 1000))
            with many_connections(server.port, 50):
                wait_until(lambda: descriptors(server) >= before + 4, "they are used up")
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (1000, 1000))
            wait_until(lambda: descriptors(server) <= before, "all are closed")
            say(server, streams)
            with RawStream(server.port, TARGET).ready():
                pass


@pytest.mark.timeout(120)
def test_twenty_thousand_connects_leave_open_streams_alone() -> None:
    limits = ("--max-streams-per-address", "1000", "--max-request-rate", "1000")
    with Server("--ping-interval", "60", *limits) as server:
        with ready_streams(server.port, TARGET, 10) as streams:
            before = descriptors(server)
            started_s = time.monotonic()
            outcomes: Counter[str] = Counter()
            for _ in range(CONNECTS // AT_ONCE):
                outcomes += connect_at_once(server.port)
            seconds = time.monotonic() - started_s
            assert outcomes.total() == CONNECTS
            assert not outcomes["nothing"]
            wait_until(lambda: descriptors(server) <= before, "all are closed")
            say(server, streams)
            wait_until(lambda: stats(server.port)["clients"] == 10, "the others are forgotten")
        assert "Traceback" not in server.stderr
    text = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    figures.keep(figures.Figures("20,000 connects", 1, 0, 0, None, f"{seconds:.0f} s: {text}"))


def connect_at_once(port: int) -> Counter[str]:
    """Ask for many streams at once; return what became of them, and close them."""
    outcomes: Counter[str] = Counter()
    with contextlib.ExitStack() as opened:
        selector = opened.enter_context(selectors.DefaultSelector())
        for _ in range(AT_ONCE):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            connection.sendall(REQUEST)
            selector.register(connection, selectors.EVENT_READ, bytearray())
        while selector.get_map():
            events = selector.select(20)
            assert events, f"nothing more comes; {outcomes}"
            for key, _ in events:
                outcome = outcome_of(key)
                if outcome:
                    outcomes[outcome] += 1
                    selector.unregister(key.fileobj)
    return outcomes


def outcome_of(key: selectors.SelectorKey) -> str | None:
    """Read what is there; name what became of the request once it is clear."""
    assert isinstance(key.fileobj, socket.socket)
    try:
        chunk = key.fileobj.recv(1 << 16)
    except OSError:
        return "closed"
    key.data.extend(chunk)
    for sign, outcome in (
        (b"event: ready", "ready"),
        (b"event: error", "refused by an event"),
        (b"HTTP/1.1 429", "refused by a status"),
        (b"HTTP/1.1 503", "refused by a status"),
    ):
        if sign in key.data:
            return outcome
    return None if chunk else "closed"
