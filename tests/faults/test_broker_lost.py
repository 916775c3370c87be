"""The broker goes away and its queue stays: a lost connection, however it was lost."""

import time

import pytest

from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from tests.faults.proxy import Proxy
from tests.faults.trial import heartbeat, trial
from tests.support.local_server import local_server
from tests.support.rabbit import Rabbit
from tests.support.server import Server
from tests.support.waiting import wait_until

LONGEST_WAIT_S = 15.0
"""The cap of the backoff."""


def test_a_closed_connection_loses_nothing_at_2000_messages_a_second(node: Rabbit) -> None:
    with Server("--broker", node.amqp_url) as server:
        with trial(server.port, [node.amqp_url], rate=2000) as run:
            node.ctl("close_all_connections", "as an operator does")
            fault_s = time.monotonic()
            run.feed.goes_on(2000)
            found = run.finish("connection closed by the broker, 2,000/s", fault_s)
        assert found.lost == 0
        assert found.recovered_s is not None
        assert found.recovered_s < 5
        assert "Traceback" not in server.stderr


def test_a_broker_that_is_stopped_for_20_seconds_loses_nothing(node: Rabbit) -> None:
    with Server("--broker", node.amqp_url) as server:
        with trial(server.port, [node.amqp_url]) as run:
            node.stop()
            time.sleep(20)  # the fault itself, nothing is waited for
            assert heartbeat(server.port)[0] == 503
            node.start()
            found = run.finish("broker stopped 20 s, started", time.monotonic())
        assert found.lost == 0
        assert found.recovered_s is not None
        assert found.recovered_s < LONGEST_WAIT_S + 5
        assert server.stderr.count("no broker at") < 12
        assert "Traceback" not in server.stderr


def test_a_broker_that_is_killed_loses_nothing_that_it_confirmed(node: Rabbit) -> None:
    with Server("--broker", node.amqp_url) as server:
        with trial(server.port, [node.amqp_url]) as run:
            node.kill()
            node.start()
            found = run.finish("broker killed (SIGKILL), started", time.monotonic())
        assert found.lost == 0
        assert "Traceback" not in server.stderr


@pytest.mark.parametrize("heartbeat_s", [3])
def test_a_black_hole_is_found_within_two_heartbeats(node: Rabbit, heartbeat_s: int) -> None:
    with Proxy(node.port) as proxy:
        broker = RabbitMQ(proxy.url(node.amqp_url), pace=BrokerPace(heartbeat_s=heartbeat_s))
        with local_server(broker=broker) as server:
            with trial(server.port, [node.amqp_url]) as run:
                fault_s = time.monotonic()
                proxy.swallow()
                wait_until(lambda: heartbeat(server.port)[0] == 503, "it is found")
                found_s = time.monotonic() - fault_s
                found = run.finish("black hole, heartbeat of 3 s", fault_s)
            assert found.lost == 0
            assert found_s < 2 * heartbeat_s
