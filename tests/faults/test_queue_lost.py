"""The queue goes away under us: what was in it is gone, and everybody is told."""

import time

from pulse_events.brokers.pace import Pace
from pulse_events.brokers.rabbitmq import RabbitMQ
from tests.faults.proxy import Proxy
from tests.faults.trial import heartbeat, queues_of, stats, trial
from tests.support.amqp import Amqp
from tests.support.local_server import local_server
from tests.support.rabbit import Rabbit
from tests.support.waiting import wait_until

MAY_BE_MISSING = "messages may be missing: the queue expired, was deleted or is out of reach"


def test_clients_are_told_when_the_broker_was_out_of_reach_longer_than_the_queue_lives(
    node: Rabbit,
) -> None:
    with Proxy(node.port) as proxy:
        url = proxy.url(node.amqp_url)
        broker = RabbitMQ(url, namespace="expiry", pace=Pace(queue_expires_s=1.5))
        with local_server(broker=broker) as server:
            with trial(server.port, [node.amqp_url]) as run:
                lost = broker.queue
                proxy.cut()
                wait_until(lambda: not queues_of(node, "expiry"), "the queue expires")
                assert heartbeat(server.port)[0] == 503
                assert not any(follower.ended for follower in run.followers)
                proxy.mend()
                found = run.finish_anew(
                    "broker gone longer than the queue's expiry",
                    server.port,
                    MAY_BE_MISSING,
                    time.monotonic(),
                )
            assert found.lost == 0
            assert broker.queue != lost
            assert stats(server.port)["losses"] == 1


def test_clients_are_told_when_the_queue_is_deleted_under_the_consumer(node: Rabbit) -> None:
    broker = RabbitMQ(node.amqp_url)
    with local_server(broker=broker) as server, Amqp(node.amqp_url) as amqp:
        with trial(server.port, [node.amqp_url]) as run:
            lost = broker.queue
            fault_s = time.monotonic()
            amqp.delete_queue(lost)
            found = run.finish_anew(
                "queue deleted, so the consumer is cancelled", server.port, MAY_BE_MISSING, fault_s
            )
        assert found.lost == 0
        assert found.recovered_s is not None
        assert found.recovered_s < 5
        assert broker.queue != lost
        assert stats(server.port)["losses"] == 1


def test_clients_are_told_though_the_queue_is_there_again_at_once(node: Rabbit) -> None:
    """As after a short stop of its node in a cluster, while others took messages."""
    broker = RabbitMQ(node.amqp_url)
    with local_server(broker=broker) as server, Amqp(node.amqp_url) as amqp:
        with trial(server.port, [node.amqp_url]) as run:
            lost = broker.queue
            fault_s = time.monotonic()
            amqp.delete_queue(lost)
            amqp.declare_queue(lost, durable=True)
            found = run.finish_anew(
                "queue deleted and made again at once", server.port, MAY_BE_MISSING, fault_s
            )
        assert found.lost == 0
        assert stats(server.port)["losses"] == 1
        amqp.delete_queue(lost)
