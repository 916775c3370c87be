"""The end of a server that has many clients, and of one whose broker hangs."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target, ready_streams
from tests.support.server import Server
from tests.support.waiting import wait_until

WITHIN_S = 10.0


def queues(rabbit: Rabbit) -> set[str]:
    return {row["name"] for row in rabbit.rows("list_queues", "name")}


def test_sigterm_with_200_open_streams_tells_each_and_ends_in_time(
    rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    with Server("--broker", rabbit.amqp_url, "--namespace", "ending") as server:
        with ready_streams(server.port, connect_target((exchange, "#")), 200) as streams:
            (queue,) = {name for name in queues(rabbit) if name.startswith("queue/ending/")}
            amqp.publish(exchange, "k", b'"last"')
            streams[0].event("message")
            started = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - started < WITHIN_S
            for stream in streams[1:]:
                assert stream.event("message").json["payload"] == "last"
                assert "stopping" in stream.event("error").json
                assert stream.rest() == b""
        assert "Traceback" not in server.stderr
    assert queue not in queues(rabbit)


def test_a_client_that_does_not_read_does_not_hold_the_end_up(
    rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    with Server("--broker", rabbit.amqp_url) as server:
        target = connect_target((exchange, "#"))
        with RawStream(server.port, target, receive_buffer_bytes=4096).ready():
            for _ in range(4):
                amqp.publish(exchange, "k", b'"' + b"x" * 900_000 + b'"')
            with RawStream(server.port, "/events/v1/ping") as stream:
                stream.body()
            started = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - started < WITHIN_S


@pytest.fixture
def frozen_rabbit() -> Iterator[Rabbit]:
    with Rabbit() as node:
        yield node
        os.kill(node.pid, signal.SIGCONT)


@pytest.mark.timeout(90)
def test_sigterm_ends_the_server_in_time_though_the_broker_hangs(frozen_rabbit: Rabbit) -> None:
    with Server("--broker", frozen_rabbit.amqp_url) as server:
        wait_until(lambda: "consuming" in server.stderr, "it is connected")
        os.kill(frozen_rabbit.pid, signal.SIGSTOP)
        started = time.monotonic()
        assert server.stop(within_s=30) == 0
        assert time.monotonic() - started < WITHIN_S
