"""A broker that is not there, comes, and goes; it is not the one that the other tests use."""

import json
from collections.abc import Iterator

import pytest

from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit, RabbitError
from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until

EXCHANGE = "exchange/restart"
TARGET = connect_target((EXCHANGE, "#"))

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module")
def node() -> Iterator[Rabbit]:
    with Rabbit() as running:
        with Amqp(running.amqp_url) as amqp:
            amqp.declare_exchange(EXCHANGE)
        yield running


@pytest.fixture
def own_rabbit(node: Rabbit) -> Iterator[Rabbit]:
    """The node, running; a test may leave it stopped."""
    try:
        assert node.pid
    except RabbitError:
        node.start()
    yield node


def heartbeat(server: Server) -> tuple[int, str]:
    with RawStream(server.port, "/__heartbeat__") as stream:
        head = stream.head()
        return head.status, stream.content(head).decode()


def test_clients_wait_with_pings_for_a_broker_that_is_down_at_the_start(
    own_rabbit: Rabbit,
) -> None:
    own_rabbit.stop()
    url = own_rabbit.amqp_url
    with Server("--broker", url, "--ping-interval", "0.5") as server:
        wait_until(lambda: "no broker at" in server.stderr, "a line about the broker")
        status, body = heartbeat(server)
        assert status == 503
        reason = json.loads(body)["details"]["broker"]["messages"][0]
        assert reason == "not reachable"
        assert f"no broker at 127.0.0.1:{own_rabbit.port}" in server.stderr
        with RawStream(server.port, "/__lbheartbeat__") as stream:
            assert stream.head().status == 200
        target_for_http_errors = connect_target((EXCHANGE, "#"), errors="http")
        with RawStream(server.port, TARGET) as waiting:
            assert waiting.head().status == 200
            assert [waiting.event().kind for _ in range(2)] == ["ping", "ping"]
            with RawStream(server.port, target_for_http_errors) as held:
                assert held.head().status == 200  # with the first ping, it cannot wait for ever
                assert held.event().kind == "ping"
            own_rabbit.start()
            waiting.event("ready", within_s=30)
            with Amqp(url) as amqp:
                amqp.publish(EXCHANGE, "k", b'"here"')
            assert waiting.event("message").json["payload"] == "here"
        assert heartbeat(server)[0] == 200
        assert server.stop() == 0


def test_clients_go_on_over_a_restart_of_the_broker(own_rabbit: Rabbit) -> None:
    with Server("--broker", own_rabbit.amqp_url, "--ping-interval", "0.5") as server:
        with RawStream(server.port, TARGET).ready() as stream:
            own_rabbit.restart()
            wait_until(lambda: heartbeat(server)[0] == 200, "it is connected again", within_s=30)
            with RawStream(server.port, TARGET).ready(within_s=30) as late:
                with Amqp(own_rabbit.amqp_url) as amqp:
                    amqp.publish(EXCHANGE, "k", b'"after"')
                assert late.event("message").json["payload"] == "after"
            # Not `ready` once more: the next event but pings is the message.
            assert stream.event("message").json["payload"] == "after"
        assert "Traceback" not in server.stderr
        assert server.stop() == 0


def test_the_server_ends_while_the_broker_is_down(own_rabbit: Rabbit) -> None:
    with Server("--broker", own_rabbit.amqp_url) as server:
        with RawStream(server.port, TARGET).ready() as stream:
            own_rabbit.stop()
            wait_until(lambda: heartbeat(server)[0] == 503, "the loss is noticed", within_s=20)
            assert server.stop(within_s=10) == 0
            assert "stopping" in stream.event("error").json
        assert "Traceback" not in server.stderr
