"""The end of a server that has many clients, and of one whose broker hangs."""

import os
import selectors
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


def test_the_ends_of_streams_are_spread_and_messages_come_until_then(
    rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    count = 100
    with Server("--broker", rabbit.amqp_url) as server:
        with ready_streams(server.port, connect_target((exchange, "#")), count) as streams:
            os.kill(server.pid, signal.SIGTERM)
            selector = selectors.DefaultSelector()
            for stream in streams:
                selector.register(stream.socket, selectors.EVENT_READ, stream)
            ends: list[float] = []
            assert until_ended(selector, 1, ends) == 0
            amqp.publish(exchange, "k", b'"late"')
            # Some may end before it comes, more of them the busier the machine is.
            assert until_ended(selector, count, ends) > count // 2
            halves = [sum(end < ends[0] + part for end in ends) for part in (1.0, 2.0, 3.0)]
        assert server.stop() == 0
    assert all(abs(found - wanted) < 15 for found, wanted in zip(halves, (25, 50, 75), strict=True))


def until_ended(selector: selectors.BaseSelector, count: int, ends: list[float]) -> int:
    """Read until so many streams were told of their end in all, and note when each was.

    Returns:
        How many messages came meanwhile.
    """
    messages = 0
    while len(ends) < count:
        for key, _ in selector.select(WITHIN_S):
            event = key.data.event()
            messages += event.kind == "message"
            if event.kind == "error":
                assert "stopping" in event.json
                ends.append(time.monotonic())
                selector.unregister(key.fileobj)
    return messages


def test_while_it_stops_the_heartbeat_says_so_and_nobody_new_is_admitted() -> None:
    target = connect_target(("exchange/e", "#"))
    with Server() as server, ready_streams(server.port, target, 20):
        kept = [RawStream(server.port, "/__lbheartbeat__") for _ in range(3)]
        with kept[0] as asking, kept[1] as coming, kept[2] as refused:
            for stream in kept:
                stream.body()
            os.kill(server.pid, signal.SIGTERM)
            wait_until(lambda: "stopping" in server.stderr, "it stops")
            asking.request("/__heartbeat__")
            head = asking.head()
            assert (head.status, b"the server is stopping" in asking.content(head)) == (503, True)
            coming.request(target)
            assert coming.head().status == 200
            assert "stopping" in coming.event("error").json
            refused.request(f"{target}&errors=http")
            assert refused.head().status == 503
            with pytest.raises(ConnectionRefusedError):
                RawStream(server.port, "/__lbheartbeat__")
        assert server.stop() == 0


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


@pytest.mark.parametrize("messages", [1, 6], ids=["in the kernel", "in the process too"])
def test_what_a_client_reads_late_is_whole_or_visibly_broken(messages: int) -> None:
    with Server() as server:
        target = connect_target(("exchange/e", "#"))
        with RawStream(server.port, target, receive_buffer_bytes=4096).ready() as stream:
            for _ in range(messages):
                server.publish("exchange/e", "k", "x" * 200_000)
            assert server.stop() == 0
            if messages == 1:
                assert stream.event().kind == "message"
                assert "stopping" in stream.event("error").json
                assert stream.rest() == b""
            else:
                with pytest.raises(ConnectionResetError):
                    stream.rest()


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


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_who_asks_again_and_again_to_the_last_moment_changes_nothing(
    how: signal.Signals, workers: str
) -> None:
    with Server("--workers", workers) as server:
        for _ in range(10_000):
            if server.exit_code is not None:
                break
            os.kill(server.pid, how)
            time.sleep(0.001)
        assert server.exit_code == 0
        assert "Traceback" not in server.stderr
