"""The broker goes away and its queue stays: a lost connection, however it was lost."""

import time

import pytest

from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from tests.faults.conftest import EXCHANGE
from tests.faults.proxy import Proxy
from tests.faults.trial import heartbeat, stats, trial
from tests.support.local_server import local_server
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
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


def test_streams_that_ask_are_told_of_the_loss_and_the_return(node: Rabbit) -> None:
    target = connect_target((EXCHANGE, "n.#"), status="true")
    with Server("--broker", node.amqp_url) as server:
        with RawStream(server.port, target) as stream, RawStream(server.port, target) as other:
            for one in (stream, other):
                one.head()
                assert {event.kind for event in one.events(2)} == {"ready", "status"}
            node.stop()
            lost = stream.event("status").json
            assert lost["broker"] == "lost"
            assert lost["reason"]
            assert other.event("status").json == lost
            with RawStream(server.port, f"{target}&errors=http") as new:
                wait_until(lambda: stats(server.port)["clients"] == 3, "it waits for the broker")
                new.head()  # at once, not with the first ping, which is 20 s away
                assert new.event("status").json["broker"] == "lost"
                node.start()
                while (back := stream.event("status", within_s=30).json)["broker"] == "lost":
                    assert back["since"] == lost["since"]  # another reason: it tries again
                assert back["since"] > lost["since"]
                while new.event(within_s=30).kind != "ready":
                    pass


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
