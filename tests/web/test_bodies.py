"""Bodies of requests: announced, in chunks, broken, unasked for, or never ending."""

import time

import pytest

from tests.support.local_server import LocalServer, local_server
from tests.support.raw_http import (
    BODY,
    CHUNKED,
    CLOSE,
    PING,
    PUBLISH,
    everything,
    get,
    post,
    request,
    sending,
    statuses,
)
from tests.support.raw_stream import conversation

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("path", [PUBLISH, "/v1/bindings"])
@pytest.mark.parametrize("value", [b"100-continue", b"100-Continue"])
def test_a_client_that_waits_to_send_its_body_is_told_to_go_on(
    server: LocalServer, path: str, value: bytes
) -> None:
    sent = post(path, b"Expect: %b\r\n" % value, CLOSE)
    with sending(server.port, sent.removesuffix(BODY)) as connection:
        assert connection.recv(1 << 16) == CONTINUE
        connection.sendall(BODY)
        assert statuses(everything(connection)) in ([202], [400])  # 400: those are no bindings


def test_a_client_that_does_not_wait_gets_one_answer(server: LocalServer) -> None:
    sent = post(PUBLISH, b"Expect: 100-continue\r\n") + get(PING, CLOSE)
    assert [s for s in statuses(conversation(server.port, sent)) if s != 100] == [202, 200]


@pytest.mark.parametrize(
    ("start", "fields", "status"),
    [
        ("POST /nowhere HTTP/1.1", b"Content-Length: 10\r\n", 404),
        ("POST /events/v1/ping HTTP/1.1", b"Content-Length: 10\r\n", 405),
        ("POST /events/v1/publish HTTP/1.1", b"Content-Length: 100000000\r\n", 413),
        ("GET /events/v1/ping HTTP/1.1", b"Content-Length: 10\r\n", 200),
        ("POST /events/v1/publish HTTP/1.1", b"Content-Length: 10\r\nExpect: x\r\n", 417),
    ],
)
def test_a_client_that_waits_in_vain_is_answered_at_once_and_not_kept(
    server: LocalServer, start: str, fields: bytes, status: int
) -> None:
    with sending(server.port, request(start, fields, b"Expect: 100-continue\r\n")) as connection:
        answer = connection.recv(1 << 16)
        assert statuses(answer) == [status]
        assert b"\r\nConnection: close\r\n" in answer


def test_another_expectation_cannot_be_met(server: LocalServer) -> None:
    answer = conversation(server.port, get(PING, b"Expect: a miracle\r\n", CLOSE))
    assert statuses(answer) == [417]
    assert b"'a miracle'" in answer


def test_to_http_1_0_an_expectation_means_nothing(server: LocalServer) -> None:
    sent = post(PUBLISH, b"Expect: 100-continue\r\n").replace(b"HTTP/1.1", b"HTTP/1.0")
    assert statuses(conversation(server.port, sent)) == [202]
    sent = sent.replace(b"100-continue", b"a miracle")
    assert statuses(conversation(server.port, sent)) == [202]


@pytest.mark.parametrize(
    "body",
    [
        b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
        b"5\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (BODY[:5], len(BODY) - 5, BODY[5:]),
        b"%x;name=value\r\n%b\r\n000\r\n\r\n" % (len(BODY), BODY),
        b"%x\r\n%b\r\n0\r\nX-Digest: a\r\nX-More: b\r\n\r\n" % (len(BODY), BODY),
    ],
    ids=["a chunk", "two chunks", "an extension", "trailers"],
)
def test_a_body_in_chunks_is_as_good(server: LocalServer, body: bytes) -> None:
    sent = request("POST /events/v1/publish HTTP/1.1", CHUNKED, body=body) + get(PING, CLOSE)
    assert statuses(conversation(server.port, sent)) == [202, 200]


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    "body",
    [b"zz\r\n", b"5\r\nabcdefg", b"-1\r\n", b"ffffffffffffffffffff\r\n"],
    ids=["no number", "too long", "negative", "huge"],
)
def test_broken_chunks_get_400_and_the_end(server: LocalServer, body: bytes) -> None:
    sent = request("POST /events/v1/publish HTTP/1.1", CHUNKED, body=body)
    assert set(statuses(conversation(server.port, sent))) == {400}


def test_trailers_without_an_end_are_refused(server: LocalServer) -> None:
    body = b"1\r\n1\r\n0\r\n" + b"X: y\r\n" * 1000
    sent = request("POST /events/v1/publish HTTP/1.1", CHUNKED, body=body)
    assert 431 in statuses(conversation(server.port, sent))


def test_a_body_that_nobody_asked_for_is_read_over(server: LocalServer) -> None:
    bodies = [
        get(PING, b"Content-Length: 5\r\n") + b"hello",
        get(PING, CHUNKED) + b"5\r\nhello\r\n0\r\n\r\n",
        post("/nowhere", body=b"x" * 1_000_000),
        request("DELETE / HTTP/1.1", b"Content-Length: 5\r\n") + b"hello",
    ]
    answers = conversation(server.port, b"".join(bodies) + get(PING, CLOSE))
    assert statuses(answers) == [200, 200, 404, 405, 200]


@pytest.mark.parametrize("start", ["GET /events/v1/ping", "POST /nowhere", "POST /v1/publish"])
def test_a_body_that_never_ends_keeps_its_connection_for_a_while_only(start: str) -> None:
    with local_server({"HttpServer": {"idle_s": 0.5}}) as server:
        with sending(server.port, request(f"{start} HTTP/1.1", CHUNKED)) as connection:
            connection.settimeout(0.05)
            received, is_closed, deadline_s = b"", False, time.monotonic() + 5
            while not is_closed and time.monotonic() < deadline_s:
                try:
                    connection.sendall(b"1\r\nx\r\n")
                    received += (chunk := connection.recv(1 << 16))
                    is_closed = not chunk
                except TimeoutError:
                    pass
                except OSError:
                    is_closed = True
        assert is_closed
        assert len(statuses(received)) == 1
