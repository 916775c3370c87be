"""Clients that close their side, leave, or go on sending: answered, and nothing in the log."""

import socket
import time

import pytest

from tests.support.local_server import LocalServer, local_server
from tests.support.raw_http import PING, PUBLISH, everything, get, post, request, sending, statuses
from tests.support.raw_stream import RawStream, connect_target
from tests.support.waiting import wait_until


def half_closed(server: LocalServer, sent: bytes) -> bytes:
    """Return what a client gets that closes its side behind what it sends."""
    with sending(server.port, sent) as connection:
        connection.shutdown(socket.SHUT_WR)
        return everything(connection)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (get(PING), [200]),
        (get(PING) * 3 + get("/nowhere") + get("/static/pulse-events.js"), [200] * 3 + [404, 200]),
        (get(PING) * 100, [200] * 100),
        (get(PING).replace(b"1.1", b"1.0"), [200]),
        (post(PUBLISH), [202]),
        (get(PING) + post(PUBLISH), [200, 202]),
        (post(PUBLISH)[:-1], [400]),
        (get(PING) + post(PUBLISH)[:-1], [200, 400]),
        (post("/nowhere")[:-1], [404]),
        (get("/v1/connect?errors=http"), [400]),
        (b"garbage\r\n\r\n", [400]),
        (get(PING)[:-1], []),
        (b"", []),
    ],
)
def test_a_client_that_closes_its_side_gets_every_answer(
    server: LocalServer, sent: bytes, expected: list[int]
) -> None:
    started_s = time.monotonic()
    assert statuses(half_closed(server, sent)) == expected
    assert time.monotonic() - started_s < 5


def test_the_rest_of_a_body_is_not_waited_for_when_the_client_has_closed_its_side(
    server: LocalServer,
) -> None:
    with sending(server.port, post("/nowhere")[:-1]) as connection:
        assert statuses(connection.recv(1 << 16)) == [404]
        started_s = time.monotonic()
        connection.shutdown(socket.SHUT_WR)
        assert everything(connection) == b""
        assert time.monotonic() - started_s < 5


@pytest.mark.usefixtures("quiet")
def test_a_wrong_stream_request_is_told_so_though_its_client_closes_its_side(
    server: LocalServer,
) -> None:
    assert b"event: error\n" in half_closed(server, get("/v1/connect"))


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("query", [{}, {"errors": "http"}, {"compression": "gzip"}], ids=str)
def test_a_stream_whose_client_closes_its_side_ends_with_the_last_chunk(
    server: LocalServer, name: str, query: dict[str, str]
) -> None:
    target = connect_target((name, "#"), **query)
    answer = half_closed(server, get(target))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n0\r\n\r\n")
    old = half_closed(server, get(target).replace(b"1.1", b"1.0"))
    assert old
    assert not old.endswith(b"0\r\n\r\n")


@pytest.mark.usefixtures("quiet")
def test_so_does_one_that_has_much_unread_then(server: LocalServer, name: str) -> None:
    target = connect_target((name, "#"))
    with RawStream(server.port, target, receive_buffer_bytes=4096).ready() as stream:
        before = server.counts().messages_out
        for _ in range(4):
            server.say(name, "k", b"1" * 60_000)
        wait_until(lambda: server.counts().messages_out == before + 4, "all were sent")
        stream.socket.shutdown(socket.SHUT_WR)
        wait_until(lambda: not server.counts().clients, "it has left")
        assert [event.kind for event in stream.events(4)] == ["message"] * 4
        assert stream.rest() == b""  # which asks for the last chunk


LEFT = {
    "a little": (post(PUBLISH)[:-1]),
    "much": (post(PUBLISH, body=b"x" * 1_000_000)[:200_000]),
    "much for nobody": (post("/nowhere", body=b"x" * 1_000_000)[:200_000]),
    "chunks": request(
        "POST /events/v1/publish HTTP/1.1",
        b"Transfer-Encoding: chunked\r\n",
        body=b"80000\r\n" + b"x" * 200_000,
    ),
}


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("sent", LEFT.values(), ids=LEFT)
@pytest.mark.parametrize("before", [0, 1, 3], ids=["alone", "second", "fourth"])
def test_a_client_that_leaves_in_the_middle_of_a_body_is_nothing_to_log(
    sent: bytes, before: int
) -> None:
    with local_server() as server:
        for _ in range(20):  # whether the body or the leaving is seen first is by chance
            with sending(server.port, get(PING) * before + sent):
                pass
        with RawStream(server.port, PING) as stream:
            assert stream.head().status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"garbage\r\n\r\n",
        get(PING, b"A: b\r\n" * 200),
        get(PING, b"Content-Length: many\r\n"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    ],
    ids=["no HTTP", "too many fields", "no length", "TLS"],
)
def test_an_error_reaches_a_client_that_goes_on_sending(server: LocalServer, sent: bytes) -> None:
    with sending(server.port, sent) as connection:
        for _ in range(10):
            time.sleep(0.03)
            connection.sendall(b"x" * 100_000)  # fails where the server has closed
        connection.shutdown(socket.SHUT_WR)
        assert statuses(everything(connection))[0] in (400, 431)


def test_a_client_that_was_told_counts_as_a_connection_and_gives_it_up_for_another() -> None:
    with local_server(connections=1) as server:

        def ask() -> list[int]:
            with sending(server.port, get(PING)) as asking:
                return statuses(asking.recv(1 << 16))

        with sending(server.port, b"garbage\r\n\r\n") as connection:
            assert statuses(everything(connection)) == [400]
            assert server.counts().displaced_connections == 0
            assert ask() == [200]
            assert server.counts().displaced_connections == 1
