"""The shared log in a cluster of three nodes: its replicas are everywhere, the inbox is on one."""

import time
from collections.abc import Iterator, Sequence
from functools import partial

import pytest

from tests.faults.conftest import EXCHANGE, INBOX, LOG
from tests.faults.instances import (
    SETTLES_S,
    has_news,
    instance_at,
    is_well,
    no_traceback,
    nothing_missed,
    nothing_untold,
    roaming,
)
from tests.faults.lengths import lasting
from tests.faults.test_log_broker import records
from tests.faults.trial import Trial, heartbeat, trial
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit, RabbitError
from tests.support.server import Server
from tests.support.waiting import wait_until

MINORITY_S = lasting(20, 60)
ONE_ACTIVE = {"x-single-active-consumer": True}
QUORUM = {"x-queue-type": "quorum"} | ONE_ACTIVE
ONE_REPLICA = {"x-queue-type": "stream", "x-initial-cluster-size": 1}
UNFIT = "replica on the local node"
"""What follows "does not have a" (RabbitMQ 3.10), or "does not have a running" (4.0)."""


@pytest.fixture(scope="module")
def started() -> Iterator[list[Rabbit]]:
    with Rabbit() as first, Rabbit(peer=first) as second, Rabbit(peer=first) as third:
        second.join(first)
        third.join(first)
        with Amqp(first.amqp_url) as amqp:
            amqp.declare_exchange(EXCHANGE)
        yield [first, second, third]


@pytest.fixture
def nodes(started: list[Rabbit]) -> list[Rabbit]:
    """Three nodes, running, without a log; the inbox is on the second.

    Who makes the log has its leader on the node that he is connected to.
    """
    for node in started:
        try:
            assert node.pid
        except RabbitError:
            node.start()
    first, second, _ = started
    with Amqp(first.amqp_url) as amqp:
        for queue in (LOG, INBOX):
            amqp.delete_queue(queue)
    with Amqp(second.amqp_url) as amqp:
        amqp.declare_queue(INBOX, durable=True, arguments=ONE_ACTIVE)
    return started


def url(nodes: Sequence[Rabbit]) -> str:
    """Return the URL of several nodes, in the order in which they are tried."""
    first, *others = nodes
    hosts = "".join(f",127.0.0.1:{node.port}" for node in others)
    return first.amqp_url.replace(f":{first.port}/", f":{first.port}{hosts}/")


def leader(node: Rabbit, queue: str = LOG) -> str:
    """Return the name of the node that a queue's leader is on."""
    rows = node.rows("list_queues", "name", "leader")
    return next(str(row["leader"]) for row in rows if row["name"] == queue)


def go_on(run: Trial, within_s: float = 60.0) -> float:
    """Wait until all have what is published now; return how long that took, in seconds."""
    start_s = time.monotonic()
    wait_until(partial(has_news, run, start_s), "what is published now", within_s=within_s)
    return time.monotonic() - start_s


def all_well(servers: Sequence[Server]) -> None:
    """Wait until no server has anything to complain of."""
    for server in servers:
        wait_until(partial(is_well, server), "all is well", within_s=60)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_others_go_on_when_the_node_of_the_logs_leader_goes(nodes: list[Rabbit], how: str) -> None:
    first, second, third = nodes
    with (
        instance_at(url((first, second, third))) as one,
        instance_at(url((first, third, second))) as two,
    ):
        ports = (one.port, two.port)
        with trial(
            one.port,
            [second.amqp_url, third.amqp_url],
            clients=lambda port: roaming(ports),
        ) as run:
            time.sleep(SETTLES_S)  # the broker's own time
            assert leader(second) == first.name
            getattr(first, how)()
            waited_s = go_on(run)
            assert leader(second) != first.name
            first.start()
            run.feed.goes_on(500)
            found = run.finish(
                f"log: node of its leader, of three ({how})",
                time.monotonic(),
                f"clients had what was published then after {waited_s:.1f} s",
            )
        all_well((one, two))
        nothing_missed(found, run.followers, one, two)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("how", "at"), [("stop", "there"), ("kill", "elsewhere")])
def test_nothing_is_lost_with_the_node_of_a_quorum_inboxs_leader(
    nodes: list[Rabbit], how: str, at: str
) -> None:
    """The operator has made the inbox beforehand; who records is ``at`` that node, or not."""
    first, second, third = nodes
    with Amqp(second.amqp_url) as amqp:
        amqp.delete_queue(INBOX)
        amqp.declare_queue(INBOX, durable=True, arguments=QUORUM)
    recording, other = (second, first) if at == "there" else (first, second)
    with instance_at(url((recording, other, third))) as one:
        records(third, one)
        with instance_at(url((other, third, recording))) as two:
            ports = (one.port, two.port)
            with trial(
                one.port,
                [first.amqp_url, third.amqp_url],
                clients=lambda port: roaming(ports),
            ) as run:
                time.sleep(SETTLES_S)  # the broker's own time
                assert leader(first, INBOX) == second.name
                getattr(second, how)()
                waited_s = go_on(run)
                assert leader(first, INBOX) != second.name
                run.feed.goes_on(2000)  # of which a classic inbox has nothing
                second.start()
                all_well((one, two))
                run.feed.goes_on(500)
                found = run.finish(
                    f"log: node of a quorum inbox's leader, of three ({how}), who records is {at}",
                    time.monotonic(),
                    f"clients had what was published then after {waited_s:.1f} s",
                )
            nothing_missed(found, run.followers, one, two)


@pytest.mark.timeout(300)
def test_an_instance_leaves_a_node_that_has_no_replica_of_the_log(nodes: list[Rabbit]) -> None:
    first, second, third = nodes
    with Amqp(first.amqp_url) as amqp:
        amqp.declare_queue(LOG, durable=True, arguments=ONE_REPLICA)
    with instance_at(url((third, second, first))) as one, instance_at(third.amqp_url) as stuck:
        with trial(one.port, [second.amqp_url], clients=lambda port: roaming((one.port,))) as run:
            assert UNFIT in one.stderr
            wait_until(lambda: stuck.stderr.count(UNFIT) >= 2, "two tries")
            assert heartbeat(stuck.port) == (200, "the log: the queue is refused")
            found = run.finish("log: a node without a replica of it", time.monotonic())
        nothing_missed(found, run.followers, one, stuck)


@pytest.mark.timeout(300)
def test_a_minority_of_nodes_takes_nothing_into_the_log(nodes: list[Rabbit]) -> None:
    """What is published waits in the inbox, whose node is the one that is left."""
    first, second, third = nodes
    with (
        instance_at(url((first, second, third))) as one,
        instance_at(url((second, first, third))) as two,
    ):
        servers, ports = (one, two), (one.port, two.port)
        with trial(one.port, [second.amqp_url], clients=lambda port: roaming(ports)) as run:
            time.sleep(SETTLES_S)  # the broker's own time
            first.stop()
            third.stop()
            start_s = time.monotonic()
            said = "what is written to the log does not come back"
            wait_until(
                lambda: any(said in server.stderr for server in servers), "it is told", within_s=40
            )
            newest = max(follower.got[-1].number for follower in run.followers)
            time.sleep(max(0.0, start_s + MINORITY_S - time.monotonic()))  # the fault's length
            assert newest == max(follower.got[-1].number for follower in run.followers)
            first.start()
            third.start()
            waited_s = go_on(run)
            run.feed.goes_on(500)
            found = run.finish(
                "log: two nodes of three stopped",
                time.monotonic(),
                f"clients had what was published then after {waited_s:.1f} s",
            )
        all_well(servers)
        nothing_missed(found, run.followers, one, two)


@pytest.mark.timeout(300)
def test_what_the_inbox_missed_while_its_node_was_away_is_a_gap(
    nodes: list[Rabbit],
) -> None:
    first, second, third = nodes
    with (
        instance_at(url((first, second, third))) as one,
        instance_at(url((third, first, second))) as two,
    ):
        ports = (one.port, two.port)
        with trial(
            one.port,
            [first.amqp_url, third.amqp_url],
            clients=lambda port: roaming(ports),
        ) as run:
            time.sleep(SETTLES_S)  # the broker's own time
            second.stop()
            run.feed.goes_on(2000)
            second.start()
            all_well((one, two))
            run.feed.goes_on(1000)
            found = run.finish("log: node of the inbox, of three", time.monotonic())
        no_traceback(one, two)
        nothing_untold(run, found)
