"""What is lost or forgotten is one gap to clients that resume, whether they were there or away."""

import time
from collections.abc import Sequence

import pytest

from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from pulse_events.hub.missing import FORGOTTEN, NOT_IN_FORCE
from tests.faults.conftest import EXCHANGE
from tests.faults.figures import Figures, keep, lost_in_silence, monotonic_s, repetitions
from tests.faults.follower import Follower
from tests.faults.proxy import Proxy
from tests.faults.returner import Returner, away
from tests.faults.test_queue_lost import MAY_BE_MISSING, QUEUE_LIMIT, standing_still
from tests.faults.trial import RESUMING, Trial, queues_of, resuming, stats, trial
from tests.support.amqp import Amqp
from tests.support.local_server import local_server
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until


def other_one(port: int) -> Follower:
    """Return a client that gets everything by another binding."""
    return Follower(port, connect_target((EXCHANGE, "*.*")))


def check_back(run: Trial, port: int, left: Returner, fault: str, reason: str) -> Returner:
    """Let a client come back that was away; check that it gets all but one gap's messages.

    The feed is stopped when it is back, so that what is answered is what is due.
    """
    back_s = time.monotonic()
    with Returner(port, RESUMING[0], cursor=left.cursor) as back:
        run.feed.stop()
        back.reaches(max(run.feed.answered))
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


def are_told(run: Trial) -> None:
    """Wait until all have been told a loss, and some more was published."""
    wait_until(lambda: all(follower.gaps for follower in run.followers), "all are told")
    run.feed.goes_on(300)


def check_one_gap(followers: Sequence[Follower], reason: str) -> None:
    """Check that each has been told one loss on one connection."""
    for follower in followers:
        assert follower.breaks == 0
        assert [gap.reason for gap in follower.gaps] == [reason]


def test_of_a_queue_that_is_deleted_a_resuming_client_gets_one_gap(node: Rabbit) -> None:
    fault = "resume: queue deleted"
    broker = RabbitMQ(node.amqp_url)
    with local_server(broker=broker) as server, Amqp(node.amqp_url) as amqp:
        with trial(server.port, [node.amqp_url], clients=resuming) as run:
            left = away(server.port, RESUMING[0])
            fault_s = time.monotonic()
            amqp.delete_queue(broker.queue)
            are_told(run)
            found = run.finish(fault, fault_s)
            check_one_gap(run.followers, MAY_BE_MISSING)
            check_back(run, server.port, left, fault, MAY_BE_MISSING)
        assert (found.lost, found.duplicated) == (0, 0)
        assert stats(server.port)["losses"] == 1


def test_of_a_queue_that_expired_a_resuming_client_gets_one_gap(node: Rabbit) -> None:
    fault = "resume: queue expired"
    with Proxy(node.port) as proxy:
        url = proxy.url(node.amqp_url)
        broker = RabbitMQ(url, namespace="resumed", pace=BrokerPace(queue_expires_s=1.5))
        with local_server(broker=broker) as server:
            with trial(server.port, [node.amqp_url], clients=resuming) as run:
                left = away(server.port, RESUMING[0])
                proxy.cut()
                wait_until(lambda: not queues_of(node, "resumed"), "the queue expires")
                proxy.mend()
                back_s = time.monotonic()
                are_told(run)
                found = run.finish(fault, back_s)
                check_one_gap(run.followers, MAY_BE_MISSING)
                check_back(run, server.port, left, fault, MAY_BE_MISSING)
            assert found.lost == 0
            assert stats(server.port)["losses"] == 1


@pytest.mark.timeout(90)
@pytest.mark.undisturbed  # on a busy machine the queue is looked at again before it is empty
def test_of_a_queue_that_was_full_a_resuming_client_gets_one_gap(node: Rabbit) -> None:
    """The loop stands still, as in a process that is stopped; then all is read in a moment."""
    broker = RabbitMQ(node.amqp_url, queue_limit=QUEUE_LIMIT)
    numbers = range(QUEUE_LIMIT + 5000)
    with local_server(broker=broker) as server, Amqp(node.amqp_url) as amqp:
        with Returner(server.port, RESUMING[0]) as client:
            left, fault_s = client.cursor, time.monotonic()
            with standing_still(server):
                amqp.publish_many(EXCHANGE, ((f"n.{n}", b'{"n":%d,"t":0}' % n) for n in numbers))
            client.reaches(numbers[-1])
        with Returner(server.port, RESUMING[0], cursor=left) as back:
            back.reaches(numbers[-1])
        assert stats(server.port)["losses"] == 1
    assert client.breaks == 0
    assert [got.number for got in back.got] == [got.number for got in client.got]
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


FORGETTING = {"age": ("--history-age", "2"), "bytes": ("--history-bytes", "500000")}
AWAY_S = 5.0
CLOCKS_S = 0.01
"""What times of the wire, in milliseconds, and of this process's clock may differ by."""


@pytest.mark.parametrize("limit", FORGETTING)
def test_who_is_away_for_longer_than_the_history_lasts_gets_a_gap_and_all_that_is_held(
    node: Rabbit, limit: str
) -> None:
    options = ("--record", f"{EXCHANGE}=#", *FORGETTING[limit])
    with Server("--broker", node.amqp_url, *options) as server:
        with trial(server.port, [node.amqp_url]) as run:
            left = away(server.port, RESUMING[0])
            time.sleep(AWAY_S)  # the fault itself
            run.feed.stop()
            run.followers[0].reaches(max(run.feed.answered))
            held = stats(server.port)["historyRecords"]
            fault = f"resume: away for longer than the history's {limit} last"
            back = check_back(run, server.port, left, fault, FORGOTTEN)
    (gap,) = back.gaps
    assert gap.place == 0
    assert gap.from_time is None
    # It ends when the last that is forgotten came: between the two, however busy the machine is.
    first = back.got[0].number
    live = next(got for got in run.followers[0].got if got.number == first)
    to_s = monotonic_s(gap.to_time)
    assert run.feed.published_s[first - 1] - CLOCKS_S < to_s < live.at_s + CLOCKS_S
    assert 0 < len(back.got) <= held
    if limit == "bytes":  # what is too old goes on to be forgotten
        assert len(back.got) == held


def test_whose_bindings_were_given_up_is_told_so_in_one_gap(node: Rabbit) -> None:
    with Server("--broker", node.amqp_url, "--history-age", "2") as server:
        with trial(server.port, [node.amqp_url], clients=lambda port: [other_one(port)]) as run:
            left = away(server.port, RESUMING[0])
            wait_until(lambda: stats(server.port)["audiences"] == 1, "they are given up")
            run.feed.goes_on(100)
            fault = "resume: away for longer than the bindings stay"
            check_back(run, server.port, left, fault, NOT_IN_FORCE)
