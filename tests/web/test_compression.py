"""Compressed streams: who gets one, and that it says what a plain one says, as soon."""

import itertools
import json
import random
import threading
from contextlib import ExitStack

import pytest

from pulse_events.messages import Message
from pulse_events.wire.compression import GZIP
from tests.support.gzip_stream import BROWSER, GzipStream
from tests.support.local_server import LocalServer, local_server
from tests.support.raw_stream import RawStream, connect_target, conversation
from tests.support.waiting import wait_until
from tests.web.test_streams import HEAD
from tests.web.test_wrong_requests import error_document

CLOSE = b"Connection: close\r\n\r\n"
GZIP_HEAD = HEAD.removesuffix(CLOSE) + b"Content-Encoding: gzip\r\n" + CLOSE


@pytest.mark.parametrize("value", [BROWSER, "deflate, gzip, br", "x-gzip,zstd", "br, GZIP;q=0.5"])
def test_a_client_that_names_gzip_and_a_newer_coding_gets_gzip(
    server: LocalServer, name: str, value: str
) -> None:
    with GzipStream(server.port, connect_target((name, "#")), accept=value) as stream:
        assert stream.head().raw == GZIP_HEAD
        assert stream.event().raw == b"event: ready\ndata: {}\nid: -\n\n"
        server.say(name, "a.b", b'{"n": 1}')
        assert stream.event().raw == (
            b'event: message\ndata: {"payload":{"n": 1},"exchange":"' + name.encode() + b'",'
            b'"routingKey":"a.b","redelivered":false,"routes":[],"cc":[]}\nid: -\n\n'
        )


@pytest.mark.parametrize(
    "value",
    [None, "", "identity", "*", "br", "gzip", "gzip, deflate", "gzip;q=0, br", "gzip;q=0, *"],
)
def test_any_other_client_gets_plain_bytes(
    server: LocalServer, name: str, value: str | None
) -> None:
    headers = {} if value is None else {"Accept-Encoding": value}
    with RawStream(server.port, connect_target((name, "#")), headers=headers) as stream:
        assert stream.head().raw == HEAD
        assert stream.event().raw == b"event: ready\ndata: {}\nid: -\n\n"


def test_codings_may_stand_in_several_lines_of_the_header(server: LocalServer) -> None:
    lines = "Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n"
    request = f"GET /v1/connect HTTP/1.1\r\nHost: x\r\n{lines}\r\n"
    assert conversation(server.port, request.encode()).startswith(GZIP_HEAD)


@pytest.mark.parametrize("accept", ["", "identity", "gzip", "gzip;q=0, identity", BROWSER])
@pytest.mark.parametrize("errors", [{}, {"errors": "http"}], ids=["events", "http"])
def test_a_url_that_asks_for_gzip_gets_it_whatever_the_header_says(
    server: LocalServer, name: str, accept: str, errors: dict[str, str]
) -> None:
    target = connect_target((name, "#"), compression="gzip", **errors)
    with GzipStream(server.port, target, accept=accept) as stream:
        assert stream.head().raw == GZIP_HEAD
        assert stream.event().kind == "ready"


@pytest.mark.parametrize("value", ["", "on", "off", "identity", "GZIP", "gzip,", "br", "\u2028"])
def test_any_other_compression_is_refused_with_what_is_allowed(
    server: LocalServer, name: str, value: str
) -> None:
    target = connect_target((name, "#"), compression=value)
    with RawStream(server.port, target) as stream:
        assert stream.head().raw == HEAD
        told = stream.event("error").json
        assert told == f"the query parameter 'compression' is {value!r}, it may only be 'gzip'"
        assert stream.rest() == b""
    with RawStream(server.port, f"{target}&errors=http") as stream:
        assert error_document(stream, 400)["message"] == told


def test_nobody_gets_gzip_where_it_is_turned_off(name: str) -> None:
    headers = {"Accept-Encoding": BROWSER}
    with local_server(compression="off", ping_interval=60.0) as server:
        for more in ({}, {"compression": "gzip"}):
            target = connect_target((name, "#"), **more)
            with RawStream(server.port, target, headers=headers) as stream:
                assert stream.head().raw == HEAD
                assert stream.event().raw == b"event: ready\ndata: {}\nid: -\n\n"


def test_a_client_of_http_1_0_that_names_gzip_gets_it_too(server: LocalServer) -> None:
    target = connect_target(("", "#"))  # refused, so that the stream ends
    request = f"GET {target} HTTP/1.0\r\nAccept-Encoding: {BROWSER}\r\n\r\n"
    unframed = GZIP_HEAD.replace(b"Transfer-Encoding: chunked\r\n", b"")
    assert conversation(server.port, request.encode()).startswith(unframed + GZIP.prologue)


def test_an_error_is_told_within_the_compressed_body(server: LocalServer, name: str) -> None:
    with GzipStream(server.port, "/v1/connect?bindings=x") as stream:
        stream.head()
        assert "not JSON" in stream.event("error").json
        assert stream.rest() == b""
    with GzipStream(server.port, connect_target((name, "#"), ("", "#"))) as stream:
        stream.head()
        assert "exchange ''" in stream.event("error").json
        assert stream.rest() == b""


def test_an_http_error_is_plain_though_the_client_accepts_gzip(
    server: LocalServer, name: str
) -> None:
    headers = {"Accept-Encoding": BROWSER}
    for target, status in (
        ("/v1/connect?bindings=x&errors=http", 400),
        (connect_target((name, "#"), ("", "#"), errors="http"), 404),
    ):
        with RawStream(server.port, target, headers=headers) as stream:
            assert error_document(stream, status)["message"]


def test_a_stream_that_may_have_ended_in_an_http_error_is_compressed_as_any(name: str) -> None:
    with local_server(ping_interval=60.0) as server:
        target = connect_target((name, "#"), errors="http")
        with GzipStream(server.port, target) as stream:
            assert stream.head().raw == GZIP_HEAD
            assert stream.event().kind == "ready"
            server.say(name, "k", b"1")
            assert stream.event("message").json["payload"] == 1
            server.stop()
            assert "stopping" in stream.event("error").json


def test_pings_come_within_the_compressed_body(name: str) -> None:
    with local_server(ping_interval=0.2) as server:
        with GzipStream(server.port, connect_target((name, "#"))).ready() as stream:
            for _ in range(3):
                assert stream.event().kind == "ping"
            server.say(name, "k")
            stream.event("message")
            stream.event("ping")


def test_each_event_can_be_read_before_the_next_one_is_sent(server: LocalServer, name: str) -> None:
    source = random.Random(4)
    with GzipStream(server.port, connect_target((name, "#"))).ready() as stream:
        for number in range(200):
            body = json.dumps([number, "x" * source.randrange(2000), source.random()])
            server.say(name, "k", body.encode())
            assert stream.event("message").json["payload"] == json.loads(body)


@pytest.mark.parametrize("repeated", [True, False])
def test_a_message_of_one_mebibyte_arrives_whole(
    server: LocalServer, name: str, repeated: bool
) -> None:
    body = b"\xfe" * (1 << 20) if repeated else random.Random(5).randbytes(1 << 20)
    with (
        RawStream(server.port, connect_target((name, "#"))).ready() as plain,
        GzipStream(server.port, connect_target((name, "#"))).ready() as packed,
    ):
        for _ in range(2):
            server.say(name, "k", body)
            raw = plain.event("message").raw
            assert len(raw) > len(body)
            assert packed.event("message").raw == raw


def test_plain_and_compressed_streams_with_overlapping_bindings_get_the_same(
    server: LocalServer, name: str
) -> None:
    targets = [connect_target((name, "#")), connect_target((name, "a.#"), (name, "#"))]
    with ExitStack() as opened:
        streams = [
            opened.enter_context(kind(server.port, target)).ready()
            for kind in (RawStream, GzipStream)
            for target in targets
        ]
        for start in range(0, 300, 50):
            numbers = range(start, start + 50)
            server.publish(*(Message(name, f"{'ab'[n % 2]}.k", b"%d" % n) for n in numbers))
        found = [[event.raw for event in stream.events(300)] for stream in streams]
        assert found[0] == found[1] == found[2] == found[3]
        assert [json.loads(raw.split(b"\n")[1][6:])["payload"] for raw in found[0]] == [*range(300)]


def test_whoever_joins_while_messages_flow_misses_none_from_then_on(
    server: LocalServer, name: str
) -> None:
    stop = threading.Event()
    sent = itertools.count()

    def publish() -> None:
        while not stop.is_set():
            server.publish(*(Message(name, "k", b"%d" % next(sent)) for _ in range(3)))

    target = connect_target((name, "#"))
    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        with ExitStack() as opened:
            streams = []
            for kind in (GzipStream, RawStream, GzipStream) * 5:
                streams.append(opened.enter_context(kind(server.port, target)).ready())
                streams[0].events(10)
            for stream in streams:
                payloads = [event.json["payload"] for event in stream.events(100)]
                assert payloads == list(range(payloads[0], payloads[0] + 100))
    finally:
        stop.set()
        publisher.join(10)


def test_a_slow_reader_can_decode_the_reason(name: str) -> None:
    source = random.Random(6)
    with local_server(
        {"Streams": {"unsent_limit_bytes": 300_000}}, history="off", ping_interval=60.0
    ) as server:
        target = connect_target((name, "#"))
        with GzipStream(server.port, target, receive_buffer_bytes=4096).ready() as stream:

            def is_closed() -> bool:
                server.say(name, "k", source.randbytes(100_000))
                return server.counts().slow_clients_closed > 0

            wait_until(is_closed, "the slow reader is closed")
            while (event := stream.event()).kind == "message":
                pass
            assert "slow reader" in event.json
            assert stream.rest() == b""


def test_the_count_of_bytes_is_what_goes_out(server: LocalServer, name: str) -> None:
    with GzipStream(server.port, connect_target((name, "#"))).ready() as stream:
        before = server.counts().bytes_out
        server.say(name, "k", b'"' + b"x" * 100_000 + b'"')
        assert len(stream.event("message").raw) > 100_000
        assert 0 < server.counts().bytes_out - before < 10_000
