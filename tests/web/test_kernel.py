"""What the kernel holds counts: it is bounded, and gone with the connection."""

import socket
import time
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest

from pulse_events.web.client_stream import RECEIVED_LIMIT_BYTES
from pulse_events.web.kernel import SEND_BUFFER_BYTES
from tests.support.kernel import ServersSide
from tests.support.local_server import LocalServer, local_server
from tests.support.raw_stream import RawStream, connect_target, ready_streams
from tests.support.waiting import wait_until

ALLOWED_BYTES = 3 * SEND_BUFFER_BYTES
"""Linux allows twice what is asked for, and one more piece of what is sent; without, it is 4 MB."""
BODY = b'"' + b"x" * 100_000 + b'"'
READERS = 60
LARGE = "/static/inspector/words.js"


def closing_within(seconds: float, **settings: Any) -> AbstractContextManager[LocalServer]:
    """Return a server that gives clients of ended streams so long to read the rest."""
    return local_server({"Streams": {"close_within_s": seconds}}, **settings)


def slow(server: LocalServer, name: str) -> RawStream:
    """Return a ready stream whose own kernel takes little while nobody reads."""
    target = connect_target((name, "#"))
    return RawStream(server.port, target, receive_buffer_bytes=4096).ready()


def fill(server: LocalServer, name: str) -> None:
    """Publish until a stream has been ended for not reading."""

    def is_ended() -> bool:
        server.say(name, "k", BODY)
        return server.counts().slow_clients_closed > 0

    wait_until(is_ended, "a slow reader is ended")


def test_what_the_kernel_holds_for_readers_that_stopped_is_bounded(name: str) -> None:
    with local_server(ping_interval=60.0, history="off", max_unsent_bytes=64 << 20) as server:
        with ready_streams(server.port, connect_target((name, "#")), READERS) as streams:
            for _ in range(80):
                server.say(name, "k", BODY)
            unsent = [ServersSide.of(stream.socket).unsent_bytes() for stream in streams]
            assert SEND_BUFFER_BYTES < max(unsent) < ALLOWED_BYTES
            assert server.counts().slow_clients_closed == 0


def test_what_the_kernel_holds_for_one_that_asks_and_never_reads_is_bounded_too() -> None:
    with local_server({"HttpServer": {"idle_s": 1.0}}) as server:
        with RawStream(server.port, LARGE, receive_buffer_bytes=4096) as stream:
            stream.socket.settimeout(0.5)
            with pytest.raises(TimeoutError):  # it is not read from either, in the end
                while True:
                    stream.socket.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 100)
            side = ServersSide.of(stream.socket)
            assert SEND_BUFFER_BYTES < side.unsent_bytes() < ALLOWED_BYTES
            side.wait_until_gone()


def test_an_ended_stream_counts_until_it_is_gone_from_the_kernel(name: str) -> None:
    with (
        closing_within(1.0, history="off", max_unsent_bytes=300_000, max_streams=1) as server,
        slow(server, name) as ended,
    ):
        side = ServersSide.of(ended.socket)
        fill(server, name)
        assert side.unsent_bytes() > SEND_BUFFER_BYTES

        def is_admitted() -> bool:
            with RawStream(server.port, connect_target((name, "#"))) as other:
                other.head()
                return other.event().kind == "ready"

        assert not is_admitted()
        wait_until(is_admitted, "there is room again", within_s=5)
        assert not side.unsent_bytes()


def test_pings_that_come_rarely_do_not_keep_ended_streams_longer(name: str) -> None:
    with closing_within(
        0.2, history="off", max_unsent_bytes=300_000, ping_interval=3600.0
    ) as server:
        with slow(server, name) as stream:
            side = ServersSide.of(stream.socket)
            fill(server, name)
            side.wait_until_gone()


def test_the_last_event_waits_for_a_client_that_reads_late(name: str) -> None:
    with (
        closing_within(8.0, history="off", max_unsent_bytes=300_000) as server,
        slow(server, name) as stream,
    ):
        fill(server, name)
        time.sleep(0.8)  # some turns in which it could be closed
        while (event := stream.event()).kind == "message":
            pass
        assert "slow reader" in event.json
        assert stream.rest() == b""


def test_a_client_that_reads_too_late_sees_a_broken_connection_and_no_proper_end(name: str) -> None:
    with (
        closing_within(0.2, history="off", max_unsent_bytes=300_000) as server,
        slow(server, name) as stream,
    ):
        side = ServersSide.of(stream.socket)
        fill(server, name)
        side.wait_until_gone()
        with pytest.raises(ConnectionResetError):
            stream.rest()


def test_a_client_that_keeps_its_side_open_counts_no_longer_than_it_reads(name: str) -> None:
    with local_server(max_streams=1) as server:
        with RawStream(server.port, connect_target((name, "#"), ("", "a"))) as refused:
            assert refused.head().status == 200
            refused.event("error")
            assert refused.rest() == b""

            def is_admitted() -> bool:
                with RawStream(server.port, connect_target((name, "#"))) as other:
                    other.head()
                    return other.event().kind == "ready"

            wait_until(is_admitted, "there is room again", within_s=3)


def test_a_client_that_leaves_without_reading_leaves_nothing_in_the_kernel(name: str) -> None:
    with (
        closing_within(0.5, history="off", max_unsent_bytes=64 << 20) as server,
        slow(server, name) as stream,
    ):
        for _ in range(20):
            server.say(name, "k", BODY)
        side = ServersSide.of(stream.socket)
        assert side.unsent_bytes()
        stream.socket.shutdown(socket.SHUT_WR)
        wait_until(lambda: not server.counts().clients, "it has left", within_s=3)
        side.wait_until_gone()


def test_a_stop_does_not_wait_for_clients_that_have_read_all(name: str) -> None:
    with local_server() as server, ExitStack() as opened:
        streams = [
            opened.enter_context(RawStream(server.port, connect_target((name, "#")))).ready()
            for _ in range(3)
        ]
        started_s = time.monotonic()
        server.stop()
        assert time.monotonic() - started_s < 4
        for stream in streams:
            assert "stopping" in stream.event("error").json
            assert stream.rest() == b""


def test_what_comes_with_the_request_does_not_keep_what_follows_from_being_read(
    name: str,
) -> None:
    with local_server() as server:
        headers = {"Content-Length": "100000000"}
        with RawStream(server.port, connect_target((name, "#")), headers=headers) as stream:
            stream.socket.sendall(b"x" * 1_000_000)
            assert stream.head().status == 200
            while (event := stream.event()).kind == "ready":
                pass
            assert "behind its request" in event.json


@pytest.mark.parametrize("more", [1, 10 * RECEIVED_LIMIT_BYTES], ids=["little", "much"])
def test_a_client_that_sends_too_much_is_told_though_it_goes_on_sending(
    name: str, more: int
) -> None:
    with local_server() as server:
        with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
            stream.socket.sendall(b"x" * (RECEIVED_LIMIT_BYTES + more))
            time.sleep(0.8)  # some turns in which it could be closed
            assert "behind its request" in stream.event("error").json
