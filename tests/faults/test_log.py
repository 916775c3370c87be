"""Faults of the log that instances share: who comes back anywhere misses nothing untold."""

import os
import signal
import time
from functools import partial

import pytest

from pulse_events.brokers.rabbitmq.log.recorder import INBOX_FULL
from pulse_events.brokers.rabbitmq.queue import QUEUE_MAX_MESSAGES
from tests.faults.conftest import EXCHANGE
from tests.faults.figures import Figures, keep
from tests.faults.follower import Follower
from tests.faults.instances import (
    IMPATIENT_S,
    SETTLES_S,
    STOPPING,
    goes_on,
    instance,
    is_well,
    nothing_missed,
    roam,
    roaming,
)
from tests.faults.lengths import lasting
from tests.faults.test_log_broker import records
from tests.faults.trial import RESUMING, trial
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream
from tests.support.waiting import wait_until

KILLING_S = lasting(12, 120)
ALL_AWAY_S = lasting(3, 10)
MANY = QUEUE_MAX_MESSAGES + 1000
STOPS = int(lasting(6, 40))
BROKER_ENDS = int(lasting(1, 6))
"""How often it is killed, and how often it is stopped."""
FROZEN_S = lasting(15, 30)
OTHERS_WITHIN_S = 12.0
HOPPING_WITHIN_S = 40.0
UNNOTICED_S = 2.5
"""Twice that is less than another instance takes to replace one that hangs while it records."""


@pytest.mark.timeout(240)
def test_instances_are_killed_and_their_clients_go_on_at_others(node: Rabbit) -> None:
    with instance(node) as one, instance(node) as two:
        ports = (one.port, two.port)
        with trial(one.port, [node.amqp_url], clients=lambda port: roaming(ports)) as run:
            started_s, kills = time.monotonic(), 0
            while time.monotonic() - started_s < KILLING_S:
                roam(run.followers)
                victims = ((one,), (two,), (one, two))[kills % 3]
                for victim in victims:
                    victim.kill()
                    kills += 1
                roam(run.followers)
                for victim in victims:
                    victim.start()
            one.kill()
            two.kill()
            time.sleep(ALL_AWAY_S)  # the fault's own length
            one.start()
            two.start()
            roam(run.followers)
            breaks = sum(follower.breaks for follower in run.followers)
            found = run.finish(
                f"log: {kills} times an instance killed (SIGKILL), of two; "
                f"then both for {ALL_AWAY_S:.0f} s",
                time.monotonic(),
                f"clients came back {breaks} times",
            )
        nothing_missed(found, run.followers, one, two)


@pytest.mark.timeout(600)
def test_instances_are_ended_in_order_as_in_a_rolling_restart(node: Rabbit) -> None:
    with instance(node) as one, instance(node) as two:
        ports = (one.port, two.port)
        with trial(
            one.port, [node.amqp_url], rate=2000, clients=lambda port: roaming(ports)
        ) as run:
            for count in range(STOPS):
                server = (one, two)[count % 2]  # one of them records: the one that is older
                assert server.stop() == 0
                server.start()
                run.feed.goes_on(1000)
            found = run.finish(
                f"log: {STOPS} times an instance stopped (SIGTERM), of two",
                time.monotonic(),
                told=STOPPING,
            )
        nothing_missed(found, run.followers, one, two)


@pytest.mark.timeout(400)
def test_the_broker_is_killed_and_nothing_is_lost(node: Rabbit) -> None:
    with instance(node) as one, instance(node) as two:
        ports = (one.port, two.port)
        with trial(
            one.port, [node.amqp_url], rate=1000, clients=lambda port: roaming(ports)
        ) as run:
            time.sleep(SETTLES_S)  # the broker's own time
            for how in BROKER_ENDS * (node.kill, node.stop):
                how()
                node.start()
                run.feed.goes_on(1000)
                roam(run.followers)
            found = run.finish(
                f"log: broker killed, then stopped, {BROKER_ENDS} times", time.monotonic()
            )
        nothing_missed(found, run.followers, one, two)


@pytest.mark.timeout(240)
def test_an_instance_that_hangs_is_replaced(node: Rabbit) -> None:
    with instance(node) as one, instance(node) as two:
        ports = (one.port, two.port)
        with trial(
            one.port, [node.amqp_url], clients=lambda port: roaming(ports, IMPATIENT_S)
        ) as run:
            staying, hopping = [], []
            for frozen, other in ((one, two), (two, one)):  # one of them records
                with Follower(other.port, RESUMING[0]) as stays:
                    os.kill(frozen.pid, signal.SIGSTOP)
                    stopped_s = time.monotonic()
                    waits = partial(goes_on, [stays], stopped_s)
                    wait_until(waits, "what came while it hangs", within_s=OTHERS_WITHIN_S)
                    staying.append(time.monotonic() - stopped_s)
                waits = partial(goes_on, run.followers, stopped_s + IMPATIENT_S)
                wait_until(waits, "that for all", within_s=HOPPING_WITHIN_S)
                hopping.append(time.monotonic() - stopped_s)
                time.sleep(max(0.0, stopped_s + FROZEN_S - time.monotonic()))  # the fault's length
                os.kill(frozen.pid, signal.SIGCONT)
                run.feed.goes_on(500)
            found = run.finish(
                f"log: each of two instances in turn stopped (SIGSTOP) for {FROZEN_S:.0f} s",
                time.monotonic(),
                f"clients of the other one went on after {max(staying):.0f} s, "
                f"those that try each in turn after {max(hopping):.0f} s",
            )
        nothing_missed(found, run.followers, one, two)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=lambda how: how.name)
def test_an_instance_that_does_not_record_fails_alone(node: Rabbit, how: signal.Signals) -> None:
    with instance(node) as recorder:
        records(node, recorder)
        with instance(node) as other:
            ports = (recorder.port, other.port)

            def clients(_port: int) -> list[Follower]:
                return [*roaming(ports, IMPATIENT_S), Follower(recorder.port, RESUMING[0])]

            with trial(recorder.port, [node.amqp_url], clients=clients) as run:
                stays = run.followers[-1:]
                fault_s = time.monotonic()
                os.kill(other.pid, how)
                unnoticed = partial(goes_on, stays, fault_s + UNNOTICED_S)
                wait_until(unnoticed, "no takeover", within_s=2 * UNNOTICED_S)
                all_go_on = partial(goes_on, run.followers, fault_s + IMPATIENT_S)
                wait_until(all_go_on, "what came since, for all", within_s=HOPPING_WITHIN_S)
                went_on_s = time.monotonic() - fault_s
                time.sleep(max(0.0, fault_s + FROZEN_S - time.monotonic()))  # the fault's length
                if how is signal.SIGKILL:
                    other.kill()  # it is dead: this forgets it
                    other.start()
                else:
                    os.kill(other.pid, signal.SIGCONT)
                wait_until(partial(is_well, other), "all is well", within_s=40)
                run.feed.goes_on(500)
                found = run.finish(
                    f"log: {how.name} of the instance of two that does not record, "
                    f"for {FROZEN_S:.0f} s",
                    time.monotonic(),
                    f"clients that try each in turn went on after {went_on_s:.0f} s",
                )
            nothing_missed(found, run.followers, recorder, other)


@pytest.mark.timeout(240)
def test_an_inbox_that_overflows_while_nobody_records_is_a_gap(node: Rabbit) -> None:
    target = RESUMING[0]
    with instance(node) as one, Amqp(node.amqp_url) as amqp:
        with RawStream(one.port, target).ready() as stream:
            amqp.publish(EXCHANGE, "n.1", b"-1")
            cursor = stream.event("message").event_id
    with Amqp(node.amqp_url) as amqp:
        amqp.publish_many(EXCHANGE, (("n.1", b"%d" % number) for number in range(MANY)))
    started_s = time.monotonic()
    with instance(node, "--history-bytes", "200000000") as two:
        with RawStream(two.port, f"{target}&lastEventId={cursor}").ready() as stream:
            events = stream.events(1, within_s=60)
            while events[-1].kind != "message" or events[-1].json["payload"] < MANY - 1:
                events += stream.events(1, within_s=60)
            took_s = time.monotonic() - started_s
            assert events[0].kind == "gap"
            gaps = [event.json["reason"] for event in events if event.kind == "gap"]
            assert set(gaps) == {INBOX_FULL}
            missed = MANY - QUEUE_MAX_MESSAGES
            got = [event.json["payload"] for event in events if event.kind == "message"]
            assert got == list(range(missed, MANY))
            keep(
                Figures(
                    f"log: inbox full (limit of {QUEUE_MAX_MESSAGES:,}) while nobody runs",
                    MANY,
                    0,
                    0,
                    remark=f"{missed} missed, {len(gaps)} gaps; the rest came in {took_s:.0f} s",
                )
            )
        assert "Traceback" not in two.stderr
