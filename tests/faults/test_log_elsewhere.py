"""The log at another RabbitMQ than the messages: each of the two fails alone."""

import time
from collections.abc import Iterator

import pytest

from tests.faults.follower import Follower
from tests.faults.instances import SETTLES_S, instance, nothing_missed, roam, roaming
from tests.faults.trial import TARGETS, ask, heartbeat, queues_of, trial
from tests.support.rabbit import Rabbit
from tests.support.server import Server
from tests.support.waiting import wait_until

AWAY_S = 4.0


@pytest.fixture(scope="module")
def log_node() -> Iterator[Rabbit]:
    """The broker of the log alone."""
    with Rabbit() as node:
        yield node


def sharing(node: Rabbit, log_node: Rabbit) -> Server:
    """Return an instance whose log is not where its messages are."""
    return instance(node, "--history", log_node.amqp_url)


@pytest.mark.timeout(240)
def test_the_log_s_broker_is_away_and_streams_of_no_log_do_not_notice(
    node: Rabbit, log_node: Rabbit
) -> None:
    with sharing(node, log_node) as one, sharing(node, log_node) as two:
        ports = (one.port, two.port)
        with (
            trial(one.port, [node.amqp_url], clients=lambda port: roaming(ports)) as run,
            Follower(one.port, TARGETS[0]) as plain,
        ):
            assert ask(one.port, "/events/v1/config")[1]["history"] == "amqp"
            assert not queues_of(log_node, "guest") - {"queue/guest/pulse-events-log"}
            assert "queue/guest/pulse-events-log" not in queues_of(node, "guest")
            time.sleep(SETTLES_S)  # the broker's own time
            log_node.kill()
            gone = len(plain.got)
            run.feed.goes_on(500)
            plain.has(gone + 500)
            wait_until(lambda: "the log" in heartbeat(one.port)[1], "the heartbeat says it")
            time.sleep(AWAY_S)  # the fault's own length
            log_node.start()
            run.feed.goes_on(500)
            roam(run.followers)
            found = run.finish("log elsewhere: its broker killed", time.monotonic())
            assert plain.readies == 1
            assert plain.error is None
        nothing_missed(found, run.followers, one, two)


@pytest.mark.timeout(240)
def test_the_messages_broker_is_killed_and_the_log_goes_on(node: Rabbit, log_node: Rabbit) -> None:
    with sharing(node, log_node) as one, sharing(node, log_node) as two:
        ports = (one.port, two.port)
        with trial(
            one.port, [node.amqp_url], rate=1000, clients=lambda port: roaming(ports)
        ) as run:
            for how in (node.kill, node.stop):
                how()
                node.start()
                run.feed.goes_on(1000)
                roam(run.followers)
            found = run.finish("log elsewhere: the other broker killed, stopped", time.monotonic())
        nothing_missed(found, run.followers, one, two)
