"""The queue goes away under us: what was in it is gone, and everybody is told."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from tests.faults.conftest import EXCHANGE
from tests.faults.figures import Figures, keep
from tests.faults.proxy import Proxy
from tests.faults.trial import TARGETS, heartbeat, most_tries, queues_of, stats, trial
from tests.support.amqp import Amqp
from tests.support.local_server import LocalServer, local_server
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream
from tests.support.waiting import wait_until

MAY_BE_MISSING = "messages may be missing: the queue expired, was deleted or is out of reach"
ENDED = f"{MAY_BE_MISSING}; connect again"
"""What those are told who cannot resume."""


def test_clients_are_told_when_the_broker_was_out_of_reach_longer_than_the_queue_lives(
    node: Rabbit,
) -> None:
    with Proxy(node.port) as proxy:
        url = proxy.url(node.amqp_url)
        broker = RabbitMQ(url, namespace="expiry", pace=BrokerPace(queue_expires_s=1.5))
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
                    ENDED,
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
                "queue deleted, so the consumer is cancelled", server.port, ENDED, fault_s
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
                "queue deleted and made again at once", server.port, ENDED, fault_s
            )
        assert found.lost == 0
        assert stats(server.port)["losses"] == 1
        amqp.delete_queue(lost)


AGAIN_AND_AGAIN_S = 6.0


def test_a_queue_that_is_deleted_again_and_again_makes_no_hot_loop(node: Rabbit) -> None:
    broker = RabbitMQ(node.amqp_url)
    with local_server(broker=broker) as server, Amqp(node.amqp_url) as amqp:
        start_s = time.monotonic()
        while time.monotonic() - start_s < AGAIN_AND_AGAIN_S:
            amqp.delete_queue(broker.queue)
            time.sleep(0.01)  # the fault's own pace
        losses = stats(server.port)["losses"]
        assert 3 <= losses <= most_tries(time.monotonic() - start_s)
        wait_until(lambda: heartbeat(server.port)[0] == 200, "it is consumed again", within_s=20)
    keep(Figures("queue deleted again and again, 6 s", remark=f"{losses} losses told"))


QUEUE_LIMIT = 30_000


@pytest.mark.timeout(90)
def test_clients_are_told_when_the_queue_was_full_though_it_is_short_again(node: Rabbit) -> None:
    """The loop stands still, as in a process that is stopped; then all is read in a moment."""
    broker = RabbitMQ(node.amqp_url, queue_limit=QUEUE_LIMIT)
    messages = [(f"n.{number}", b"{}") for number in range(QUEUE_LIMIT + 5000)]
    with local_server(broker=broker) as server, Amqp(node.amqp_url) as amqp:
        with RawStream(server.port, TARGETS[0]).ready() as stream:
            with standing_still(server):
                amqp.publish_many(EXCHANGE, messages)
                assert amqp.depth(broker.queue) == QUEUE_LIMIT
            start_s = time.monotonic()
            came, text = until_error(stream)
            told_s = time.monotonic() - start_s
        assert text.startswith("messages may be missing: the queue holds ")
        assert stats(server.port)["losses"] >= 1
        wait_until(lambda: amqp.depth(broker.queue) == 0, "the queue is empty again")
    keep(
        Figures(
            "queue full (limit of 30,000) while the process stands still",
            len(messages),
            remark=f"told after {told_s:.1f} s, {len(messages) - came} not delivered",
        )
    )


@contextmanager
def standing_still(server: LocalServer) -> Iterator[None]:
    """Have the server's loop do nothing for the block."""
    go_on = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        stopped = threads.submit(server.call, lambda: go_on.wait(60), within_s=70)
        try:
            yield
        finally:
            go_on.set()
        assert stopped.result(10), "it went on too early"


def until_error(stream: RawStream) -> tuple[int, str]:
    """Return how many messages come before the error, and its text."""
    for count in range(QUEUE_LIMIT):
        (event,) = stream.events(1, within_s=20)
        if event.kind == "error":
            return count, event.json
    raise AssertionError("everything came that the queue could hold, and no error")
