"""The log at another RabbitMQ than the messages: each of the two fails alone."""

import time
from collections.abc import Iterator
from functools import partial

import pytest

from tests.faults.follower import Follower
from tests.faults.grants import granted, serves_the_log
from tests.faults.instances import (
    IMPATIENT_S,
    SETTLES_S,
    has_news,
    instance,
    instance_at,
    is_well,
    nothing_missed,
    roam,
    roaming,
)
from tests.faults.lengths import lasting
from tests.faults.proxy import Proxy
from tests.faults.test_log_broker import GOES_ON_WITHIN_S, records
from tests.faults.trial import TARGETS, ask, heartbeat, queues_of, trial
from tests.support.rabbit import Rabbit
from tests.support.server import Server
from tests.support.waiting import wait_until

AWAY_S = 4.0
HOLE_S = lasting(15, 40)


@pytest.fixture(scope="module")
def log_node() -> Iterator[Rabbit]:
    """The broker of the log alone."""
    with Rabbit() as node:
        yield node


def sharing(node: Rabbit, log_node: Rabbit, log_url: str = "") -> Server:
    """Return an instance whose log is not where its messages are; by another URL, if there is."""
    return instance(node, "--history", log_url or log_node.amqp_url)


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


@pytest.mark.timeout(240)
@pytest.mark.parametrize("which", ["recording", "other"])
def test_a_black_hole_between_one_instance_and_the_log_alone(
    node: Rabbit, log_node: Rabbit, which: str
) -> None:
    with Proxy(log_node.port) as proxy:
        one = sharing(node, log_node, proxy.url(log_node.amqp_url))
        two = sharing(node, log_node)
        first, second = (one, two) if which == "recording" else (two, one)
        with first:
            records(node, first)
            with second:
                ports = (one.port, two.port)
                with (
                    trial(
                        one.port, [node.amqp_url], clients=lambda port: roaming(ports, IMPATIENT_S)
                    ) as run,
                    Follower(one.port, TARGETS[0]) as plain,
                ):
                    fault_s = time.monotonic()
                    proxy.swallow(new_ones=True)
                    goes_on = partial(has_news, run, fault_s + IMPATIENT_S)
                    wait_until(goes_on, "what came behind it", within_s=GOES_ON_WITHIN_S)
                    went_on_s = time.monotonic() - fault_s
                    wait_until(lambda: "the log" in heartbeat(one.port)[1], "it is found")
                    time.sleep(max(0.0, fault_s + HOLE_S - time.monotonic()))  # the fault's length
                    proxy.mend()
                    wait_until(partial(is_well, one), "all is well", within_s=40)
                    run.feed.goes_on(500)
                    plain.reaches(max(run.feed.answered))
                    found = run.finish(
                        f"log elsewhere: black hole for {HOLE_S:.0f} s between its broker and the "
                        f"{which} instance of two",
                        time.monotonic(),
                        f"clients that try each in turn went on after {went_on_s:.0f} s",
                    )
                    assert (plain.readies, plain.error) == (1, None)
                nothing_missed(found, run.followers, one, two)


def test_the_permissions_that_the_document_gives_are_enough_at_both(
    node: Rabbit, log_node: Rabbit
) -> None:
    with (
        granted(node, "messages' broker") as url,
        granted(log_node, "log's broker") as log_url,
        instance_at(url, "--history", log_url) as server,
    ):
        serves_the_log(node, server)
