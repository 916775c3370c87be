"""Limits of a running server: each is told in its own words, counted, and harms nobody else."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from pulse_events.web.client_stream import RECEIVED_LIMIT_BYTES
from tests.support.local_server import LocalServer, local_server
from tests.support.raw_stream import (
    CONNECT_PATH,
    RawStream,
    connect_target,
    conversation,
    ready_streams,
)
from tests.support.waiting import wait_until

PING = "/events/v1/ping"


def refusal(server: LocalServer, target: str, **headers: str) -> str:
    """Return the text of the ``error`` event that a stream gets at once, and then the end."""
    with RawStream(server.port, target, headers=headers) as stream:
        assert stream.head().status == 200
        event = stream.event("error")
        assert stream.rest() == b""
    return str(event.json)


def http_refusal(server: LocalServer, target: str, **headers: str) -> tuple[int, str, str]:
    """Return the status, the code and the text of an answer that is an error."""
    with RawStream(server.port, target, headers=headers) as stream:
        head = stream.head()
        document = json.loads(stream.content(head))
    return head.status, document["code"], document["message"]


def test_more_streams_than_allowed_are_refused_and_those_there_are_go_on(name: str) -> None:
    target = connect_target((name, "#"))
    with local_server(max_streams=2) as server:
        with ready_streams(server.port, target, 2) as streams:
            assert refusal(server, target).startswith("this server has 2 streams open, the limit")
            status, code, _ = http_refusal(server, f"{target}&errors=http")
            assert (status, code) == (503, "ServiceUnavailable")
            server.say(name, "k")
            for stream in streams:
                stream.event("message")
            assert server.counts().refused_streams == 2
        wait_until(lambda: not server.counts().clients, "all have left")
        with ready_streams(server.port, target, 2):
            pass


def test_an_address_gets_no_more_streams_than_allowed(name: str) -> None:
    target = connect_target((name, "#"))
    with local_server(max_streams_per_address=2) as server:
        with ready_streams(server.port, target, 2):
            assert "127.0.0.1 has 2 streams open, the limit is 2" in refusal(server, target)
            status, code, _ = http_refusal(server, f"{target}&errors=http")
            assert (status, code) == (429, "TooManyRequests")
            with RawStream(server.port, PING) as other:
                assert other.head().status == 200
        assert server.counts().refused_streams_of_address == 2


def test_behind_a_trusted_proxy_the_clients_count_not_the_proxy(name: str) -> None:
    target = connect_target((name, "#"))
    with local_server(max_streams_per_address=1, trust_proxy=1) as server:
        first = RawStream(server.port, target, headers={"X-Forwarded-For": "192.0.2.1"})
        second = RawStream(server.port, target, headers={"X-Forwarded-For": "192.0.2.2"})
        with first.ready(), second.ready():
            found = refusal(server, target, **{"X-Forwarded-For": "10.9.9.9, 192.0.2.2"})
            assert found.startswith("192.0.2.2 has 1 streams open")


def test_a_header_of_who_is_no_trusted_proxy_does_not_count(name: str) -> None:
    target = connect_target((name, "#"))
    networks = ("192.0.2.0/24", "127.0.0.2")
    with local_server(max_streams_per_address=1, trust_proxy=1, trusted_proxies=networks) as server:
        header = {"X-Forwarded-For": "203.0.113.9"}
        with RawStream(server.port, target).ready():
            assert refusal(server, target, **header).startswith("127.0.0.1 has 1 streams open")
        with RawStream(server.port, target, headers=header, source="127.0.0.2").ready():
            with RawStream(server.port, target, headers=header, source="127.0.0.2") as stream:
                stream.head()
                assert stream.event("error").json.startswith("203.0.113.9 has 1 streams open")


def test_a_forwarded_address_of_this_machine_is_not_this_machine(name: str) -> None:
    target = connect_target((name, "#"))
    header = {"X-Forwarded-For": "127.0.0.1"}
    with local_server(max_streams_per_address=1, trust_proxy=1) as server:
        with ready_streams(server.port, target, 1):
            with RawStream(server.port, target, headers=header).ready():
                found = refusal(server, target, **header)
                assert found.startswith("forwarded 127.0.0.1 has 1 streams open, the limit is 1")


def advice(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return the option that each line of the log about proxies says to use."""
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    return [
        (level, line.split(" with ")[-1].split(" ")[0].strip(","))
        for level, line in lines
        if "X-Forwarded-For" in line
    ]


def test_who_forgot_to_name_the_proxy_is_told_in_the_log_once_at_the_first_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with local_server() as server:
        for forwarded in ({}, {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "x"}):
            with RawStream(server.port, PING, headers=forwarded) as stream:
                assert stream.head().status == 200
    assert advice(caplog) == [("WARNING", "--trust-proxy")]


def test_who_named_the_wrong_network_is_told_with_the_first_refusal_once(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    target = connect_target((name, "#"))
    networks = ("192.0.2.0/24",)
    with local_server(max_streams_per_address=1, trust_proxy=1, trusted_proxies=networks) as server:
        header = {"X-Forwarded-For": "192.0.2.1"}
        with RawStream(server.port, target, headers=header).ready():
            assert advice(caplog) == []
            for _ in range(3):
                refusal(server, target, **header)
    assert advice(caplog) == [("WARNING", "--trusted-proxies")]


def test_who_did_not_name_the_outer_proxys_network_is_told_with_the_first_refusal_once(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    target = connect_target((name, "#"))
    header = {"X-Forwarded-For": "192.0.2.1, 203.0.113.5"}
    with local_server(max_streams_per_address=1, trust_proxy=2) as server:
        with RawStream(server.port, target, headers=header).ready():
            for _ in range(3):
                assert refusal(server, target, **header).startswith("203.0.113.5 has 1 streams")
    assert advice(caplog) == [("WARNING", "--trusted-proxies")]
    assert "through 203.0.113.5 came" in caplog.text


def test_who_said_how_many_proxies_there_are_is_told_nothing(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    target = connect_target((name, "#"))
    with local_server(max_streams_per_address=1, trust_proxy=1) as server:
        header = {"X-Forwarded-For": "192.0.2.1"}
        with RawStream(server.port, target, headers=header).ready():
            refusal(server, target, **header)
    assert advice(caplog) == []


def test_an_address_that_asks_too_often_has_to_wait(name: str) -> None:
    target = connect_target((name, "#"))
    with local_server(max_request_rate=0.3) as server:  # three at once, then one in 3.3 s
        with RawStream(server.port, target).ready(), RawStream(server.port, PING) as asked:
            assert asked.head().status == 200
            status, code, text = http_refusal(server, PING)
            assert (status, code) == (429, "TooManyRequests")
            assert "the limit is 0.3 a second" in text
            assert "too many requests from 127.0.0.1" in refusal(server, target)
            with RawStream(server.port, PING) as late:
                assert late.head().headers["retry-after"] in ("2", "3", "4")
        assert server.counts().refused_requests == 3


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("DELETE", PING, 405),
        ("OPTIONS", PING, 204),
        ("GET", "/static/pulse-events.js", 200),
    ],
)
def test_what_no_route_or_a_file_answers_is_counted_too(
    method: str, path: str, status: int
) -> None:
    with local_server(max_request_rate=0.3) as server:
        for expected in (status, status, status, 429):
            with RawStream(server.port, path, method=method) as stream:
                assert stream.head().status == expected
        assert server.counts().refused_requests == 1


def pings(server: LocalServer, source: str) -> int:
    """Return how many pings an address may send, up to a hundred."""
    with RawStream(server.port, PING, source=source) as stream:
        for count in range(100):
            head = stream.head()
            stream.content(head)
            if head.status != 200:
                return count
            stream.request(PING)
    return 100


def test_a_connect_costs_as_much_as_a_ping_for_each_binding_that_nobody_has(name: str) -> None:
    target = connect_target(*((name, str(number)) for number in range(100)))
    with local_server(max_request_rate=10.0) as server:  # a hundred at once
        with RawStream(server.port, target, source="127.0.0.2").ready():
            assert pings(server, "127.0.0.2") < 25
            with RawStream(server.port, target, source="127.0.0.3").ready():
                assert pings(server, "127.0.0.3") > 75
        with RawStream(server.port, target, source="127.0.0.2") as refused:
            refused.head()
            assert "with many new bindings" in refused.event("error").json


def posted(
    server: LocalServer, body: bytes, source: str, path: str = "/events/v1/bindings"
) -> tuple[int, dict[str, str]]:
    """POST and return the status and the JSON."""
    headers = {"Content-Length": str(len(body))}
    with RawStream(server.port, path, method="POST", headers=headers, source=source) as stream:
        stream.socket.sendall(body)
        head = stream.head()
        return head.status, json.loads(stream.content(head))


def token_target(server: LocalServer, name: str, count: int) -> str:
    """Return the target of a stream for so many bindings, posted by an address of their own."""
    entries = [{"exchange": name, "routingKeyPattern": str(n)} for n in range(count)]
    _, answer = posted(server, json.dumps({"bindings": entries}).encode(), f"127.0.1.{count % 256}")
    return f"{CONNECT_PATH}?token={answer['token']}"


def test_a_connect_with_a_new_set_of_known_bindings_costs_a_sixteenth_of_them(name: str) -> None:
    with local_server(max_request_rate=10.0, max_bindings=2000) as server:
        targets = [token_target(server, name, count) for count in (1601, 1600)]
        with RawStream(server.port, targets[0], source="127.0.0.2").ready():
            with RawStream(server.port, targets[1], source="127.0.0.3").ready():
                assert pings(server, "127.0.0.3") < 25
                with RawStream(server.port, targets[1], source="127.0.0.4").ready():
                    assert pings(server, "127.0.0.4") > 75


def test_a_long_target_costs_as_much_as_a_ping_for_each_kibibyte() -> None:
    with local_server(max_request_rate=10.0) as server:
        with RawStream(server.port, f"{PING}?x={'x' * 60_000}", source="127.0.0.2") as stream:
            assert stream.head().status == 200
        assert 25 < pings(server, "127.0.0.2") < 75


@pytest.mark.parametrize("path", ["/metrics", "/events/v1/stats", "/api/events/v1/stats/"])
def test_a_report_of_all_counts_costs_as_much_as_ten_pings(path: str) -> None:
    with local_server(max_request_rate=10.0) as server:
        for _ in range(8):
            with RawStream(server.port, path, source="127.0.0.2") as stream:
                assert stream.head().status == 200
        assert pings(server, "127.0.0.2") < 50


@pytest.mark.parametrize(
    ("path", "size"), [("/events/v1/bindings", 60_000), ("/events/v1/publish", 60 * 16_384)]
)
def test_a_long_body_costs_by_its_size_before_it_is_parsed(path: str, size: int) -> None:
    body = b"[" * size
    with local_server(max_request_rate=10.0) as server:
        for status in (400, 400, 429):  # the second one owes a part
            assert posted(server, body, "127.0.0.2", path)[0] == status
        assert posted(server, b"[", "127.0.0.2", path)[0] == 429
        assert posted(server, b"[", "127.0.0.3", path)[0] == 400
        assert server.counts().refused_requests == 2


def test_an_address_wants_no_more_bindings_first_than_allowed(name: str) -> None:
    with local_server(max_bindings_per_address=3) as server:
        with RawStream(server.port, connect_target((name, "a"), (name, "b"))).ready():
            target = connect_target((name, "c"), (name, "d"))
            found = refusal(server, target)
            assert found.startswith("127.0.0.1 would have 4 distinct bindings, the limit is 3; ")
            assert http_refusal(server, f"{target}&errors=http")[:2] == (429, "TooManyRequests")
            with RawStream(server.port, target, source="127.0.0.2").ready():
                with RawStream(server.port, target).ready():
                    pass
        assert server.counts().refused_distinct_bindings_of_address == 2


def test_all_streams_together_have_no_more_distinct_bindings_than_allowed(name: str) -> None:
    with local_server(max_distinct_bindings=3) as server:
        both = [(name, "a"), (name, "b")]
        with RawStream(server.port, connect_target(*both)).ready() as stream:
            found = refusal(server, connect_target((name, "c"), (name, "d")))
            assert "would have 4 distinct bindings, the limit is 3" in found
            target = connect_target((name, "c"), (name, "d"), errors="http")
            assert http_refusal(server, target)[0] == 503
            with RawStream(server.port, connect_target(*both, (name, "c"))).ready():
                server.say(name, "b")
                stream.event("message")
        assert server.counts().refused_distinct_bindings == 2


def test_too_many_bindings_of_one_stream_are_counted(name: str) -> None:
    with local_server(max_bindings=1) as server:
        target = connect_target((name, "a"), (name, "b"))
        assert refusal(server, target) == "bindings has 2 entries, the limit is 1"
        body = json.dumps({"bindings": [{"exchange": name, "routingKeyPattern": "a"}] * 2})
        head = f"POST /events/v1/bindings HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        answer = conversation(server.port, f"{head}Connection: close\r\n\r\n{body}".encode())
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert server.counts().refused_bindings == 2


@contextmanager
def silent(port: int, count: int, source: str = "127.0.0.1") -> Iterator[list[socket.socket]]:
    """Open connections that say nothing."""
    with ExitStack() as opened:
        yield [
            opened.enter_context(
                socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0))
            )
            for _ in range(count)
        ]


def test_an_address_gets_no_more_connections_than_allowed_streams_not_counted(name: str) -> None:
    target = connect_target((name, "#"))
    with local_server(max_connections_per_address=5) as server:
        with ready_streams(server.port, target, 10) as streams, silent(server.port, 5) as open_ones:
            answer = conversation(server.port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 429 ")
            assert b"\r\nConnection: close\r\n" in answer
            text = json.loads(answer.partition(b"\r\n\r\n")[2])["message"]
            assert text.startswith("127.0.0.1 has 5 connections open that are no streams, the limi")
            with RawStream(server.port, target, source="127.0.0.2").ready():
                server.say(name, "k")
            for stream in streams:
                stream.event("message")
            assert server.counts().refused_connections_of_address == 1
            open_ones[0].close()
            wait_until(lambda: is_answered(server), "there is a place again")


def is_answered(server: LocalServer) -> bool:
    with RawStream(server.port, PING) as stream:
        return stream.head().status == 200


def test_the_connections_of_a_trusted_proxy_are_as_many_as_its_clients_need() -> None:
    with local_server(max_connections_per_address=5, trust_proxy=1) as server:
        with silent(server.port, 50):
            assert is_answered(server)
        assert server.counts().refused_connections_of_address == 0


HEAD = b"GET /events/v1/ping HTTP/1.1\r\nHost: x\r\n"
HEADS = {
    "one long line": HEAD + b"X: " + b"x" * (1 << 20),
    "many lines": HEAD + b"X: yyyy\r\n" * (1 << 17),
    "lines of 32 KiB": HEAD + (b"X: " + b"x" * (32 << 10) + b"\r\n") * 32,
    "a target of 1 MiB": b"GET /" + b"x" * (1 << 20),
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("kept", [False, True], ids=["at once", "on a kept connection"])
def test_a_head_of_one_mebibyte_is_refused_before_it_ends(head: bytes, kept: bool) -> None:
    with local_server() as server, RawStream(server.port, PING) as stream:
        stream.body()
        connection = (
            stream.socket if kept else socket.create_connection(("127.0.0.1", server.port), 10)
        )
        with connection:
            connection.settimeout(10)
            connection.sendall(head[: 256 << 10])
            answer = connection.recv(1 << 16)
        assert answer.split(b" ", 2)[1] == b"431"
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "RequestHeaderFieldsTooLarge"
        assert server.counts().refused_heads == 1


def test_a_head_may_be_as_long_as_the_setting_says() -> None:
    with local_server(max_head_bytes=100_000) as server:
        with RawStream(server.port, f"{PING}?x={'x' * 99_000}") as stream:
            assert stream.head().status == 200
        assert http_refusal(server, f"{PING}?x={'x' * 100_000}")[0] == 431


def send_until_ended(connection: socket.socket) -> None:
    """Send on and on until the server wants no more."""
    deadline = time.monotonic() + 10
    try:
        while time.monotonic() < deadline:
            connection.sendall(b"x" * 1000)
    except OSError:
        return
    raise AssertionError("it takes everything")


def test_a_client_that_sends_for_ever_behind_its_request_is_closed(name: str) -> None:
    target = connect_target((name, "#"))
    with local_server() as server, RawStream(server.port, target).ready() as other:
        with RawStream(server.port, target).ready() as stream:
            stream.socket.sendall(b"x" * RECEIVED_LIMIT_BYTES)
            server.say(name, "k")
            stream.event("message")
            send_until_ended(stream.socket)
        wait_until(lambda: server.counts().clients == 1, "it is closed")
        other.event("message")


def test_the_counts_are_metrics_and_statistics(name: str) -> None:
    with local_server(max_streams=1) as server:
        with RawStream(server.port, connect_target((name, "#"))).ready():
            refusal(server, connect_target((name, "#")))
            with RawStream(server.port, "/metrics") as stream:
                assert b"\npulse_events_refused_streams_total 1.0\n" in stream.body()
            with RawStream(server.port, "/api/events/v1/stats") as stream:
                counts: dict[str, Any] = json.loads(stream.body())
    assert counts["refusedStreams"] == 1


def test_a_body_over_the_limit_is_left_out_and_the_message_says_so(name: str) -> None:
    with local_server(max_message_bytes=100) as server:
        with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
            for size in (100, 101, 5000):
                server.say(name, "k", b'"' + b"x" * (size - 2) + b'"', cc=("route.r",))
            whole, over, far = (event.json for event in stream.events(3))
        assert whole["payload"] == "x" * 98
        assert "omitted" not in whole
        for found, size in ((over, 101), (far, 5000)):
            assert (found["payload"], found["routes"]) == (None, ["r"])
            assert list(found)[-1] == "omitted"
            assert found["omitted"] == f"{size} bytes, the limit is 100"
        assert server.counts().omitted == 2
