"""A cluster of two nodes, both in the broker URL; the queue lives on one of them."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from tests.faults.conftest import EXCHANGE
from tests.faults.test_queue_lost import ENDED
from tests.faults.trial import heartbeat, stats, trial
from tests.support.amqp import Amqp
from tests.support.local_server import local_server
from tests.support.rabbit import Rabbit, RabbitError
from tests.support.waiting import wait_until


class Cluster(NamedTuple):
    """Two nodes; a client that connects to a node has its queue there."""

    first: Rabbit
    second: Rabbit

    def url(self, vhost: str = "/") -> str:
        """Return the URL with both hosts, the first node's first."""
        one = f":{self.first.port}/"
        return self.first.url(vhost=vhost).replace(one, f"{one[:-1]},127.0.0.1:{self.second.port}/")


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    with Rabbit() as first, Rabbit(peer=first) as second:
        second.join(first)
        with Amqp(first.amqp_url) as amqp:
            amqp.declare_exchange(EXCHANGE)
        yield Cluster(first, second)


def running(cluster: Cluster) -> Cluster:
    """Return the cluster with both nodes running, whatever the test before did to them."""
    for node in cluster:
        try:
            assert node.pid
        except RabbitError:
            node.start()
    return cluster


@pytest.fixture
def cluster(started: Cluster) -> Cluster:
    """Both nodes, running."""
    return running(started)


def ports_of(node: Rabbit, broker: RabbitMQ) -> set[int]:
    """Return the cluster's ports that the broker's connections are at."""
    rows = node.rows("list_connections", "client_properties", "port")
    return {row["port"] for row in rows if broker.queue in str(row["client_properties"])}


def test_clients_are_told_when_the_node_that_holds_the_queue_stops(cluster: Cluster) -> None:
    with local_server(broker=RabbitMQ(cluster.url())) as server:
        with trial(server.port, [cluster.second.amqp_url]) as run:
            fault_s = time.monotonic()
            cluster.first.stop()
            found = run.finish_anew(
                "one node of two stopped, which holds the queue and our connection",
                server.port,
                ENDED,
                fault_s,
            )
        assert found.lost == 0
        assert found.recovered_s is not None
        assert found.recovered_s < 15
        assert stats(server.port)["losses"] == 1
        assert heartbeat(server.port) == (200, "")


def test_nothing_is_lost_when_the_node_that_does_not_hold_the_queue_stops(
    cluster: Cluster,
) -> None:
    with local_server(broker=RabbitMQ(cluster.url())) as server:
        with trial(server.port, [cluster.first.amqp_url]) as run:
            fault_s = time.monotonic()
            cluster.second.stop()
            run.feed.goes_on(500)
            assert heartbeat(server.port) == (200, "")
            found = run.finish("one node of two stopped, not the queue's", fault_s)
        assert found.lost == 0
        assert stats(server.port)["losses"] == 0


def test_nothing_is_lost_when_the_node_that_we_reach_the_queue_through_stops(
    cluster: Cluster,
) -> None:
    """The queue is on the first node, and our connection ended up at the second."""
    broker = RabbitMQ(cluster.url())
    with local_server(broker=broker) as server:
        with trial(server.port, [cluster.first.amqp_url]) as run:
            cluster.first.ctl("close_all_connections", "so that the other node is tried")
            wait_until(lambda: ports_of(cluster.first, broker) == {cluster.second.port}, "it moves")
            run.feed.goes_on(100)
            fault_s = time.monotonic()
            cluster.second.stop()
            run.feed.goes_on(500)
            found = run.finish("one node of two stopped, with our connection alone", fault_s)
        assert found.lost == 0
        assert stats(server.port)["losses"] == 0


def test_clients_are_told_when_only_the_node_that_holds_the_queue_stops(cluster: Cluster) -> None:
    """We stay connected; the broker cancels our consumer."""
    broker = RabbitMQ(cluster.url())
    with local_server(broker=broker) as server:
        with trial(server.port, [cluster.second.amqp_url]) as run:
            cluster.first.ctl("close_all_connections", "so that the other node is tried")
            wait_until(lambda: ports_of(cluster.first, broker) == {cluster.second.port}, "it moves")
            run.feed.goes_on(100)
            fault_s = time.monotonic()
            cluster.first.stop()
            found = run.finish_anew(
                "one node of two stopped, which holds the queue but not our connection",
                server.port,
                ENDED,
                fault_s,
            )
        assert found.lost == 0
        assert stats(server.port)["losses"] == 1


POLICY = '{"ha-mode": "all", "ha-promote-on-failure": "when-synced"}'
OWN = "replicated"
"""The namespace of the queues that are to be, and the virtual host that they need."""


class Replicated(NamedTuple):
    """A cluster whose queues outlive the node that they are on, by whatever its version has."""

    nodes: Cluster
    vhost: str
    words: str


@pytest.fixture(scope="module")
def replicating(started: Cluster) -> Iterator[Replicated]:
    """Mirrored queues where there are some; RabbitMQ 4 has none, and quorum queues need a third."""
    first, _ = running(started)
    if first.major < 4:
        mine = f"^queue/{OWN}/"
        first.ctl("set_policy", "--apply-to", "queues", "mirrored", mine, POLICY)
        yield Replicated(started, "/", "one node of two ({}), the queue is mirrored")
        return
    with Rabbit(peer=first) as third:
        third.join(first)
        first.ctl("add_vhost", OWN, "--default-queue-type", "quorum")
        first.ctl("set_permissions", "-p", OWN, "guest", ".*", ".*", ".*")
        with Amqp(first.url(vhost=OWN)) as amqp:
            amqp.declare_exchange(EXCHANGE)
        yield Replicated(started, OWN, "one node of three ({}), a quorum queue")


@pytest.fixture
def replicated(replicating: Replicated) -> Replicated:
    """That cluster, its nodes running."""
    running(replicating.nodes)
    return replicating


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_nothing_is_lost_when_the_queue_is_also_on_another_node(
    replicated: Replicated, how: str
) -> None:
    (first, second), vhost, words = replicated
    broker = RabbitMQ(replicated.nodes.url(vhost), namespace=OWN)
    with local_server(broker=broker) as server:
        with trial(server.port, [second.url(vhost=vhost)]) as run:
            fault_s = time.monotonic()
            getattr(first, how)()
            run.feed.goes_on(500)
            found = run.finish(words.format(how), fault_s)
        assert found.lost == 0
        assert stats(server.port)["losses"] == 0
