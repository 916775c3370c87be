"""Clients that come back with their cursors, whatever happened meanwhile, miss nothing untold."""

import os
import signal
import time
from collections.abc import Sequence
from datetime import datetime

import pytest

from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from pulse_events.hub.replay import FORGOTTEN, NOT_IN_FORCE, OF_ANOTHER
from tests.faults.figures import Figures, judge, keep, lost_in_silence, repetitions
from tests.faults.follower import Follower
from tests.faults.lengths import lasting
from tests.faults.proxy import Proxy
from tests.faults.returner import Returner
from tests.faults.test_queue_lost import MAY_BE_MISSING, QUEUE_LIMIT, standing_still
from tests.faults.trial import EXCHANGE, RESUMING, Trial, queues_of, resuming, stats, trial
from tests.support.amqp import Amqp
from tests.support.local_server import local_server
from tests.support.rabbit import Rabbit
from tests.support.server import Server
from tests.support.waiting import wait_until

CUT_S = round(lasting(15, 60))
STOPPED_S = lasting(10, 30)
IMPATIENT_S = 3.0
"""How long clients believe a server that says nothing."""


def away(port: int) -> Returner:
    """Return a client that has got something and left."""
    with Returner(port, RESUMING[0]) as client:
        client.has(10)
    return client


def check_back(run: Trial, port: int, left: Returner, fault: str, reason: str) -> Returner:
    """Let a client come back that was away; check that it gets all but one gap's messages."""
    back_s = time.monotonic()
    with Returner(port, RESUMING[0], cursor=left.cursor) as back:
        last = max(run.feed.answered)
        wait_until(lambda: back.got and back.got[-1].number >= last, "the last message", within_s=40)
    since = left.got[-1].number + 1
    due = {number for number in run.feed.answered if number >= since}
    assert [gap.reason for gap in back.gaps] == [reason]
    missed = due - {got.number for got in back.got}
    found = Figures(
        f"{fault}: one that was away",
        len(due),
        len(lost_in_silence(back, run.feed, since)),
        repetitions(back),
        back.got[-1].at_s - back_s,
        f"{len(missed)} missed, in one gap",
    )
    keep(found)
    assert (found.lost, found.duplicated) == (0, 0)
    return back


def check_one_gap(followers: Sequence[Follower], reason: str) -> None:
    """Check that each has been told one loss on one connection."""
    for follower in followers:
        assert follower.breaks == 0
        assert [gap.reason for gap in follower.gaps] == [reason]


@pytest.mark.timeout(150)
def test_clients_that_are_cut_off_every_second_get_everything_once(node: Rabbit) -> None:
    with Server("--broker", node.amqp_url) as server, Proxy(server.port) as proxy:
        with trial(proxy.port, [node.amqp_url], rate=2000, clients=resuming) as run:
            for _ in range(CUT_S):
                time.sleep(1)  # the fault's own pace
                proxy.cut()
                proxy.mend()
            run.feed.goes_on(1000)
            breaks = min(follower.breaks for follower in run.followers)
            found = run.finish(
                f"resume: cut off every second for {CUT_S} s, 2,000/s",
                time.monotonic(),
                f"each came back {breaks} times",
            )
        assert breaks > CUT_S // 2
        assert (found.lost, found.duplicated) == (0, 0)
        assert not any(follower.gaps for follower in run.followers)
        assert "Traceback" not in server.stderr


def test_clients_that_resume_stay_when_the_broker_is_killed(node: Rabbit) -> None:
    with Server("--broker", node.amqp_url) as server:
        with trial(server.port, [node.amqp_url], rate=1000, clients=resuming) as run:
            left = away(server.port)
            node.kill()
            node.start()
            found = run.finish("resume: broker killed (SIGKILL), started", time.monotonic())
            with Returner(server.port, RESUMING[0], cursor=left.cursor) as back:
                last = max(run.feed.answered)
                wait_until(lambda: back.got and back.got[-1].number >= last, "all comes")
        assert found.lost == 0
        due = {number for number in run.feed.answered if number > left.got[-1].number}
        assert due <= {got.number for got in back.got}
        repetitions(back)
        for follower in (*run.followers, back):
            assert follower.breaks == 0
            assert not follower.gaps
        assert "Traceback" not in server.stderr


def test_of_a_queue_that_is_deleted_a_resuming_client_gets_one_gap(node: Rabbit) -> None:
    fault = "resume: queue deleted"
    broker = RabbitMQ(node.amqp_url)
    with local_server(broker=broker) as server, Amqp(node.amqp_url) as amqp:
        with trial(server.port, [node.amqp_url], clients=resuming) as run:
            left = away(server.port)
            fault_s = time.monotonic()
            amqp.delete_queue(broker.queue)
            found = run.finish(fault, fault_s)
            check_one_gap(run.followers, MAY_BE_MISSING)
            check_back(run, server.port, left, fault, NOT_IN_FORCE)
        assert (found.lost, found.duplicated) == (0, 0)
        assert stats(server.port)["losses"] == 1


def test_of_a_queue_that_expired_a_resuming_client_gets_one_gap(node: Rabbit) -> None:
    fault = "resume: queue expired"
    with Proxy(node.port) as proxy:
        url = proxy.url(node.amqp_url)
        broker = RabbitMQ(url, namespace="resumed", pace=BrokerPace(queue_expires_s=1.5))
        with local_server(broker=broker) as server:
            with trial(server.port, [node.amqp_url], clients=resuming) as run:
                left = away(server.port)
                proxy.cut()
                wait_until(lambda: not queues_of(node, "resumed"), "the queue expires")
                proxy.mend()
                found = run.finish(fault, time.monotonic())
                check_one_gap(run.followers, MAY_BE_MISSING)
                check_back(run, server.port, left, fault, NOT_IN_FORCE)
            assert found.lost == 0
            assert stats(server.port)["losses"] == 1


@pytest.mark.timeout(90)
def test_of_a_queue_that_was_full_a_resuming_client_gets_one_gap(node: Rabbit) -> None:
    """The loop stands still, as in a process that is stopped; then all is read in a moment."""
    broker = RabbitMQ(node.amqp_url, queue_limit=QUEUE_LIMIT)
    count = QUEUE_LIMIT + 5000
    with local_server(broker=broker) as server, Amqp(node.amqp_url) as amqp:
        with Returner(server.port, RESUMING[0]) as client:
            left = client.cursor
            with standing_still(server):
                amqp.publish_many(
                    EXCHANGE, ((f"n.{n}", b'{"n":%d,"t":0}' % n) for n in range(count))
                )
            wait_until(lambda: client.got and client.got[-1].number == count - 1, "the last one")
        with Returner(server.port, RESUMING[0], cursor=left) as back:
            wait_until(lambda: back.got and back.got[-1].number == count - 1, "the last one")
        print("FULL", client.gaps, back.gaps, stats(server.port)["losses"], len(client.got), [ (a.number,b.number) for a,b in zip(client.got,client.got[1:]) if b.number-a.number!=1], [client.got[g.place] for g in client.gaps])
