"""A reader that was too slow, and reads the rest late, still finds out why its stream ended."""

import random
import signal
import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.gzip_stream import GzipStream
from tests.support.local_server import LocalServer, local_server
from tests.support.program import Program
from tests.support.raw_stream import RawStream, connect_target
from tests.support.waiting import wait_until

BODY = b'"%b"' % random.Random(1).randbytes(20_000).hex().encode()  # gzip halves it, no more
EXCHANGE = "exchange/late"
TARGET = connect_target((EXCHANGE, "#"))
READERS = 60
LATE_S = 15.0
"""Longer than a client whose packets vanish is waited for, where pings come often."""
SETTINGS: dict[str, Any] = {"history": "off", "max_unsent_bytes": 300_000, "ping_interval": 1.0}


def flood(server: LocalServer, streams: int) -> None:
    """Publish until so many streams have been ended for not reading."""

    def are_ended() -> bool:
        for _ in range(10):
            server.say(EXCHANGE, "k", BODY)
        return server.counts().slow_clients_closed == streams

    wait_until(are_ended, "the slow readers are ended")


def check_told(stream: RawStream, reason: str = "slow reader: more than 300000 bytes") -> None:
    """Check that what is left to read is whole messages, the reason, and a proper end."""
    while (event := stream.event()).kind in ("message", "ping"):
        pass
    assert event.kind == "error"
    assert reason in event.json
    assert stream.rest() == b""


@pytest.mark.timeout(60)
def test_each_of_many_readers_that_come_back_late_sees_why_and_a_proper_end() -> None:
    with local_server(**SETTINGS) as server, ExitStack() as opened:
        kinds = [RawStream] * (READERS - 10) + [GzipStream] * 10
        streams = [
            opened.enter_context(kind(server.port, TARGET, receive_buffer_bytes=4096)).ready()
            for kind in kinds
        ]
        flood(server, READERS)
        time.sleep(LATE_S)
        for stream in streams:
            check_told(stream)
        assert server.counts().ends_unread == 0


@pytest.mark.timeout(60)
def test_each_of_many_that_the_history_no_longer_serves_sees_why_though_it_reads_late() -> None:
    settings = {**SETTINGS, "history": "memory", "history_bytes": 1 << 20}
    with local_server(**settings) as server, ExitStack() as opened:
        streams = [
            opened.enter_context(RawStream(server.port, TARGET, receive_buffer_bytes=4096)).ready()
            for _ in range(READERS)
        ]
        for _ in range(100):  # four times what the history holds
            server.say(EXCHANGE, "k", BODY)
        time.sleep(LATE_S)
        assert server.counts().clients_behind == READERS
        for stream in streams:
            check_told(stream, "slow reader: more was unread than this server's history holds")
        assert server.counts().ends_unread == 0


@pytest.mark.timeout(60)
def test_a_client_that_was_stopped_reads_the_reason_when_it_goes_on() -> None:
    with local_server(**SETTINGS) as server:
        url = f"http://127.0.0.1:{server.port}{TARGET}"
        with Program("curl", "-sN", url) as curl:
            assert curl.line() == "event: ready"
            curl.send(signal.SIGSTOP)
            flood(server, 1)
            time.sleep(LATE_S)
            curl.send(signal.SIGCONT)
            while curl.line() != "event: error":
                pass
            assert curl.line().startswith('data: "slow reader')
            assert (curl.line(), curl.line()) == ("id: -", "")
            with pytest.raises(EOFError, match="unread: b''"):
                curl.line()
            assert curl.exit_code() == 0  # the last chunk has come


def test_of_more_than_an_eighth_of_all_streams_only_the_newest_have_longer_than_5_s() -> None:
    with local_server(max_streams=16, **SETTINGS) as server, ExitStack() as opened:
        streams = [
            opened.enter_context(RawStream(server.port, TARGET, receive_buffer_bytes=4096)).ready()
            for _ in range(4)
        ]
        flood(server, 4)
        time.sleep(2)
        assert server.counts().ends_unread == 0
        wait_until(lambda: server.counts().ends_unread == 2, "two are cut off")
        time.sleep(1)
        cut = 0
        for stream in streams:
            try:
                check_told(stream)
            except ConnectionResetError:
                cut += 1
        assert cut == server.counts().ends_unread == 2


def test_a_stop_sends_what_waits_to_who_reads_on_and_waits_a_minute_for_nobody() -> None:
    # With a history what waits is in there, and who is behind is told of the stop at once.
    with local_server(history="off", ping_interval=60.0) as server, ExitStack() as opened:
        reading, unread = (
            opened.enter_context(RawStream(server.port, TARGET, receive_buffer_bytes=4096)).ready()
            for _ in range(2)
        )
        messages = 20
        for number in range(messages):  # more than the kernel takes, less than the limit
            server.say(EXCHANGE, str(number), BODY)
        stopping = threading.Thread(target=server.stop)
        started_s = time.monotonic()
        stopping.start()
        time.sleep(1)
        keys = [event.json["routingKey"] for event in reading.events(messages)]
        assert keys == list(map(str, range(messages)))
        assert "stopping" in reading.event("error").json
        assert reading.rest() == b""
        stopping.join(10)
        assert time.monotonic() - started_s < 8
        with pytest.raises(ConnectionResetError):
            unread.rest()
