"""A client that does not read is told and closed; nobody else waits for it."""

import json
import threading
from collections.abc import Iterator

import pytest

from pulse_events.messages import Message
from tests.support.local_server import LocalServer, local_server
from tests.support.raw_stream import RawStream, connect_target
from tests.support.waiting import wait_until

BODY = b'"' + b"x" * 100_000 + b'"'


@pytest.fixture
def own_server() -> Iterator[LocalServer]:
    with local_server(history="off", max_unsent_bytes=300_000) as running:
        yield running


def slow(server: LocalServer, name: str) -> RawStream:
    """Return a ready stream whose kernel takes little while nobody reads."""
    target = connect_target((name, "#"))
    return RawStream(server.port, target, receive_buffer_bytes=4096).ready()


def fill(server: LocalServer, name: str) -> int:
    """Publish until a stream has been closed for not reading; return the number of messages."""
    sent = 0

    def one_more() -> bool:
        nonlocal sent
        server.say(name, str(sent), BODY)
        sent += 1
        return server.counts().slow_clients_closed > 0

    wait_until(one_more, "a slow reader is closed")
    return sent


def test_a_slow_reader_gets_what_it_had_begun_to_get_then_the_reason_then_the_end(
    own_server: LocalServer, name: str
) -> None:
    with slow(own_server, name) as stream:
        sent = fill(own_server, name)
        keys = []
        while (event := stream.event()).kind == "message":
            keys.append(int(event.json["routingKey"]))
        assert stream.rest() == b""
    assert keys == list(range(len(keys)))
    # What was in the kernel and in transit.  What waited behind is dropped, so that it has less to
    # read before it is told; but the limit is over by it, so something was.
    assert 0 < len(keys) < sent - 1
    reason = json.loads(event.data)
    assert event.kind == "error"
    assert "slow reader" in reason
    assert "300000 bytes" in reason


def test_those_who_read_notice_nothing_of_a_slow_reader(own_server: LocalServer, name: str) -> None:
    with RawStream(own_server.port, connect_target((name, "#"))).ready() as reader:
        received: list[str] = []

        def read() -> None:
            while (event := reader.event()).json["routingKey"] != "end":
                received.append(event.kind)

        reading = threading.Thread(target=read)
        reading.start()
        with slow(own_server, name), slow(own_server, name):
            sent = fill(own_server, name)
        own_server.say(name, "end")
        reading.join(10)
    assert received == ["message"] * sent


def test_a_slow_reader_that_was_ended_takes_no_place_of_its_address(name: str) -> None:
    with (
        local_server(history="off", max_unsent_bytes=300_000, max_streams_per_address=1) as server,
        slow(server, name) as ended,
    ):
        fill(server, name)
        with RawStream(server.port, connect_target((name, "#"))).ready():
            with RawStream(server.port, connect_target((name, "#"))) as second:
                second.head()
                assert "the limit is 1" in second.event("error").json
        while (event := ended.event()).kind == "message":
            pass
        assert "slow reader" in event.json


def test_a_slow_reader_that_never_reads_again_is_cut_off_counted_and_forgotten(name: str) -> None:
    soon = {"Streams": {"close_within_s": 0.2}}
    with (
        local_server(soon, history="off", max_unsent_bytes=300_000) as server,
        slow(server, name) as stream,
    ):
        fill(server, name)
        assert server.counts().clients == 0

        def is_cut_off() -> bool:
            try:
                stream.socket.sendall(b"x")
            except OSError:
                return True
            return False

        wait_until(is_cut_off, "the connection is aborted", within_s=5)
        assert server.counts().ends_unread == 1


def test_a_reader_at_full_speed_gets_a_burst_larger_than_the_limit(
    server: LocalServer, name: str
) -> None:
    body = b'"' + b"x" * (1 << 20) + b'"'
    with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
        reading = threading.Thread(target=lambda: stream.events(3))
        reading.start()
        for _ in range(3):
            server.publish(Message(name, "k", body))
        reading.join(10)
        server.say(name, "end", b'"end"')
        assert stream.event().json["payload"] == "end"
