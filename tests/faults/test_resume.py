"""Clients that come back with their cursors, whatever happened meanwhile, miss nothing untold."""

import os
import signal
import time
from collections.abc import Sequence

import pytest

from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from pulse_events.hub.replay import FORGOTTEN, NOT_IN_FORCE, OF_ANOTHER
from tests.faults.conftest import EXCHANGE
from tests.faults.figures import Figures, keep, lost_in_silence, monotonic_s, repetitions
from tests.faults.follower import Follower
from tests.faults.lengths import lasting
from tests.faults.proxy import Proxy
from tests.faults.returner import Returner
from tests.faults.test_queue_lost import MAY_BE_MISSING, QUEUE_LIMIT, standing_still
from tests.faults.trial import RESUMING, Trial, queues_of, resuming, stats, trial
from tests.support.amqp import Amqp
from tests.support.local_server import local_server
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until

CUT_S = round(lasting(15, 60))
STOPPED_S = lasting(10, 30)
IMPATIENT_S = 3.0
"""How long clients believe a server that says nothing."""


def has_number(follower: Follower, number: int) -> None:
    """Wait until a message comes that is this one or a later one."""
    wait_until(
        lambda: follower.got and follower.got[-1].number >= number,
        f"message {number}",
        within_s=40,
    )


def other_one(port: int) -> Follower:
    """Return a client that gets everything by another binding."""
    return Follower(port, connect_target((EXCHANGE, "*.*")))


def away(port: int) -> Returner:
    """Return a client that has got something and left."""
    with Returner(port, RESUMING[0]) as client:
        client.has(10)
    return client


def check_back(run: Trial, port: int, left: Returner, fault: str, reason: str) -> Returner:
    """Let a client come back that was away; check that it gets all but one gap's messages."""
    back_s = time.monotonic()
    with Returner(port, RESUMING[0], cursor=left.cursor) as back:
        has_number(back, max(run.feed.answered))
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
                has_number(back, max(run.feed.answered))
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
    numbers = range(QUEUE_LIMIT + 5000)
    with local_server(broker=broker) as server, Amqp(node.amqp_url) as amqp:
        with Returner(server.port, RESUMING[0]) as client:
            left, fault_s = client.cursor, time.monotonic()
            with standing_still(server):
                amqp.publish_many(EXCHANGE, ((f"n.{n}", b'{"n":%d,"t":0}' % n) for n in numbers))
            has_number(client, numbers[-1])
        with Returner(server.port, RESUMING[0], cursor=left) as back:
            has_number(back, numbers[-1])
        assert stats(server.port)["losses"] == 1
    assert client.breaks == 0
    assert back.got == client.got
    assert back.gaps == client.gaps
    (gap,) = client.gaps
    missed = set(numbers).difference(got.number for got in client.got)
    assert max(missed) < client.got[gap.place].number
    assert gap.from_time is not None
    assert monotonic_s(gap.from_time) < fault_s
    keep(
        Figures(
            "resume: queue full (limit of 30,000) while the process stands still",
            len(numbers),
            0,
            repetitions(client),
            remark=f"{len(missed)} missed, in one gap",
        )
    )


def test_clients_of_a_server_that_was_stopped_come_back_and_miss_nothing(node: Rabbit) -> None:
    def impatient(port: int) -> list[Follower]:
        return [Returner(port, target, silent_s=IMPATIENT_S) for target in RESUMING]

    with Server("--broker", node.amqp_url) as server:
        with trial(server.port, [node.amqp_url], clients=impatient) as run:
            os.kill(server.pid, signal.SIGSTOP)
            time.sleep(STOPPED_S)  # the fault itself
            os.kill(server.pid, signal.SIGCONT)
            found = run.finish(
                f"resume: server stopped (SIGSTOP) {STOPPED_S:.0f} s", time.monotonic()
            )
        assert found.lost == 0
        for follower in run.followers:
            assert follower.breaks >= 1
            assert not follower.gaps
        assert "Traceback" not in server.stderr


def test_with_two_workers_who_comes_back_gets_everything_or_a_gap(node: Rabbit) -> None:
    with Server("--broker", node.amqp_url, "--workers", "2") as server:
        with Proxy(server.port) as proxy:
            with trial(proxy.port, [node.amqp_url], clients=resuming) as run:
                for _ in range(15):
                    time.sleep(0.5)  # the fault's own pace
                    proxy.cut()
                    proxy.mend()
                run.feed.goes_on(500)
                gaps = [gap for follower in run.followers for gap in follower.gaps]
                breaks = sum(follower.breaks for follower in run.followers)
                found = run.finish(
                    "resume: two workers, cut off every half second",
                    time.monotonic(),
                    f"came back {breaks} times, {len(gaps)} times to the other one: a gap",
                )
        assert (found.lost, found.duplicated) == (0, 0)
        assert 0 < len(gaps) < breaks
        assert {gap.reason for gap in gaps} == {OF_ANOTHER}
        assert "Traceback" not in server.stderr


FORGETTING = {"age": ("--history-age", "2"), "bytes": ("--history-bytes", "500000")}
AWAY_S = 5.0


@pytest.mark.parametrize("limit", FORGETTING)
def test_who_is_away_for_longer_than_the_history_lasts_gets_a_gap_and_all_that_is_held(
    node: Rabbit, limit: str
) -> None:
    options = ("--record", f"{EXCHANGE}=#", *FORGETTING[limit])
    with Server("--broker", node.amqp_url, *options) as server:
        with trial(server.port, [node.amqp_url]) as run:
            left = away(server.port)
            time.sleep(AWAY_S)  # the fault itself
            run.feed.stop()
            has_number(run.followers[0], max(run.feed.answered))
            held = stats(server.port)["historyRecords"]
            fault = f"resume: away for longer than the history's {limit} last"
            back = check_back(run, server.port, left, fault, FORGOTTEN)
    (gap,) = back.gaps
    assert gap.place == 0
    assert gap.from_time is None
    assert abs(back.got[0].published_s - monotonic_s(gap.to_time)) < 0.5
    assert 0 < len(back.got) <= held
    if limit == "bytes":  # what is too old goes on to be forgotten
        assert len(back.got) == held


def test_whose_bindings_were_given_up_is_told_so_in_one_gap(node: Rabbit) -> None:
    with Server("--broker", node.amqp_url, "--history-age", "2") as server:
        with trial(server.port, [node.amqp_url], clients=lambda port: [other_one(port)]) as run:
            left = away(server.port)
            wait_until(lambda: stats(server.port)["audiences"] == 1, "they are given up")
            run.feed.goes_on(100)
            fault = "resume: away for longer than the bindings stay"
            check_back(run, server.port, left, fault, NOT_IN_FORCE)
