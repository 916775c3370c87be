"""Requests below the routes: long heads, no HTTP at all, connections that stay or never speak."""

import socket
import time
from collections.abc import Callable

import pytest

from tests.support.local_server import LocalServer, local_server
from tests.support.raw_stream import RawStream, connect_target, conversation
from tests.support.waiting import wait_until

LIMIT_BYTES = 64 << 10
PING = "GET /events/v1/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def with_long_target(size_bytes: int) -> bytes:
    """Return a request with a head of ``size_bytes``, nearly all of it in the target."""
    start, end = "GET /events/v1/ping?x=", f" {PING.split(' ', 2)[2]}\r\n"
    return f"{start}{'a' * (size_bytes - len(start) - len(end))}{end}".encode()


def with_long_fields(size_bytes: int, fields: int, separator: str) -> bytes:
    """Return a request with a head of ``size_bytes``, nearly all of it in header fields."""
    left = size_bytes - len(PING) - 2
    lines = []
    for number in range(fields, 0, -1):
        share = left // number
        lines.append(f"X{separator}{'b' * (share - len(separator) - 3)}\r\n")
        left -= share
    return f"{PING}{''.join(lines)}\r\n".encode()


MakeHead = Callable[[int], bytes]
HEADS: dict[str, MakeHead] = {
    "a long target": with_long_target,
    "a long field": lambda size: with_long_fields(size, 1, ": "),
    "100 fields": lambda size: with_long_fields(size, 100, ": "),
    "100 fields without blanks": lambda size: with_long_fields(size, 100, ":"),
}
EACH = pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)


@EACH
def test_a_head_of_64_kib_is_accepted(server: LocalServer, head: MakeHead) -> None:
    request = head(LIMIT_BYTES)
    assert len(request) == LIMIT_BYTES
    assert conversation(server.port, request).startswith(b"HTTP/1.1 200 ")


@EACH
@pytest.mark.parametrize("more", [200, 10_000, 100_000])
def test_a_longer_head_is_refused(server: LocalServer, head: MakeHead, more: int) -> None:
    status = conversation(server.port, head(LIMIT_BYTES + more)).split(b" ")[1]
    assert status in (b"414", b"431")


def test_400_bindings_fit_into_a_head(name: str) -> None:
    bindings = [(name, f"route.index.project.{number}.#") for number in range(400)]
    with local_server(max_bindings=400) as server:
        with RawStream(server.port, connect_target(*bindings)) as stream:
            stream.ready()


def test_too_many_header_fields_are_refused_with_the_reason(server: LocalServer) -> None:
    answer = conversation(server.port, PING.encode() + b"a: b\r\n" * 200 + b"\r\n")
    assert answer.split(b" ")[1] == b"431"
    assert b"more than 128 header fields" in answer


GARBAGE = [
    b"garbage\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\xe9 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /events/v1/connect/?errors=http&x=\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://[x/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    b"GET / HTTP/1.1\r\n no name\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"\0" * 1000 + b"\r\n\r\n",
    b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n",
]


@pytest.mark.parametrize("sent", GARBAGE)
def test_what_is_not_http_gets_an_answer_and_no_line_in_the_log(
    server: LocalServer, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = conversation(server.port, sent)
    assert answer.split(b" ")[1] == b"400"
    assert b'"code":"InputError"' in answer
    assert len(answer) < 1500
    assert not caplog.records


def test_a_connection_is_kept_for_further_requests(server: LocalServer, name: str) -> None:
    with RawStream(server.port, "/events/v1/ping") as stream:
        assert b"alive" in stream.body()
        stream.request("/no/such/path")
        head = stream.head()
        assert head.status == 404
        stream.content(head)
        stream.request("/events/v1/ping", method="POST")
        head = stream.head()
        assert head.status == 405
        stream.content(head)
        stream.request("/events/v1/connect/?errors=http")
        head = stream.head()
        assert head.status == 400
        stream.content(head)
        stream.request(connect_target((name, "#")))
        stream.ready()
        server.say(name, "k")
        stream.event("message")


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"], ids=["nothing", "line", "fields"]
)
def test_a_connection_that_never_finishes_its_request_is_closed(sent: bytes) -> None:
    with local_server({"HttpServer": {"idle_s": 0.3}}) as server:
        started = time.monotonic()
        assert conversation(server.port, sent, within_s=5) == b""
        assert time.monotonic() - started < 3


def test_dripping_a_request_does_not_keep_its_connection_open() -> None:
    with local_server({"HttpServer": {"idle_s": 0.3}}) as server:
        with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n")

            def is_closed() -> bool:
                try:
                    connection.sendall(b"a: b\r\n")
                except OSError:
                    return True
                return False

            wait_until(is_closed, "the server closes", within_s=3)


def test_who_does_not_take_an_answer_is_closed() -> None:
    with local_server({"HttpServer": {"idle_s": 0.3}}) as server, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(5)
        connection.connect(("127.0.0.1", server.port))
        connection.setblocking(False)
        asked = b"GET /static/inspector/inspector.css HTTP/1.1\r\nHost: x\r\n\r\n" * 900

        def is_closed() -> bool:
            try:
                connection.send(asked)
            except BlockingIOError:
                return False
            except OSError:
                return True
            return False

        wait_until(is_closed, "the server closes", within_s=5)


def test_who_takes_an_answer_slowly_gets_all_of_it() -> None:
    asked = b"GET /static/inspector/inspector.css HTTP/1.1\r\nHost: x\r\n\r\n" * 100
    with local_server() as server, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(asked + PING.encode() + b"\r\n")
        received = b"".join(iter(lambda: connection.recv(2048), b""))
    assert received.count(b"HTTP/1.1 200 ") == 101
    assert received.endswith(b"}\n")


def test_a_request_without_a_host_asks_no_name_server(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_name: str) -> str:
        raise AssertionError("a name server was asked")

    monkeypatch.setattr(socket, "getfqdn", ask)
    assert conversation(server.port, b"GET / HTTP/1.0\r\n\r\n").split(b" ")[1] == b"200"
