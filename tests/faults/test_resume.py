"""Clients that come back with their cursors, whatever happened meanwhile, miss nothing untold."""

import os
import signal
import time

import pytest

from pulse_events.hub.replay import OF_ANOTHER
from tests.faults.figures import repetitions
from tests.faults.follower import Follower
from tests.faults.lengths import lasting
from tests.faults.proxy import Proxy
from tests.faults.returner import Returner, away
from tests.faults.trial import RESUMING, resuming, trial
from tests.support.rabbit import Rabbit
from tests.support.server import Server
from tests.support.waiting import wait_until

CUT_S = round(lasting(15, 60))
STOPPED_S = lasting(10, 30)
IMPATIENT_S = 3.0
"""How long clients believe a server that says nothing."""


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
            left = away(server.port, RESUMING[0])
            node.kill()
            node.start()
            found = run.finish("resume: broker killed (SIGKILL), started", time.monotonic())
            with Returner(server.port, RESUMING[0], cursor=left.cursor) as back:
                back.reaches(max(run.feed.answered))
        assert found.lost == 0
        due = {number for number in run.feed.answered if number > left.got[-1].number}
        assert due <= {got.number for got in back.got}
        # The broker may give again what came just before it was killed, and before this client.
        newest = left.got[-1].number
        back.got[:0] = (got for got in run.followers[0].got if got.number <= newest)
        repetitions(back)
        for follower in (*run.followers, back):
            assert follower.breaks == 0
            assert not follower.gaps
        assert "Traceback" not in server.stderr


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
        wait_until(lambda: "history of its own" in server.stderr, "the warning")
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
