"""Who reads little is not who reads nothing: the one stays, the other is given up."""

import time

import pytest

from tests.support.local_server import LocalServer, local_server
from tests.support.raw_stream import RawStream, connect_target
from tests.support.waiting import wait_until

TARGET = connect_target(("e", "#"))
UNREAD_S = 60.0
"""Of clients that are there, however often they are pinged."""


def flood(server: LocalServer) -> None:
    """Publish more than the kernel takes."""
    for _ in range(200):
        server.say("e", "k", b'"%b"' % (b"x" * 10_000))


def slow(server: LocalServer) -> RawStream:
    """Open a stream whose client has no room for a whole packet of this machine's."""
    return RawStream(server.port, TARGET, receive_buffer_bytes=4096).ready()


@pytest.mark.timeout(150)  # more than 120 begins early
def test_a_client_that_reads_little_but_steadily_is_not_given_up() -> None:
    with local_server(ping_interval=1.0) as server, slow(server) as stream:
        flood(server)
        deadline_s = time.monotonic() + UNREAD_S + 10
        while time.monotonic() < deadline_s:
            assert stream.socket.recv(500)
            time.sleep(0.05)
        assert server.counts().clients == 1


@pytest.mark.timeout(150)  # more than 120 begins early
def test_a_client_that_reads_nothing_is_given_up_after_a_minute_and_counted() -> None:
    with local_server(ping_interval=1.0) as server, slow(server):
        flood(server)
        start_s = time.monotonic()
        wait_until(lambda: not server.counts().clients, "it is given up", within_s=UNREAD_S + 15)
        assert time.monotonic() - start_s > UNREAD_S - 5
        assert server.counts().ends_unread == 1
