"""Cursors that nobody here made, thousands a second: each is told so, and nobody else notices."""

import time
from statistics import quantiles

import pytest

from tests.faults.follower import Follower
from tests.faults.forgers import forgers
from tests.faults.trial import RESUMING, TARGETS, trial
from tests.support.rabbit import Rabbit
from tests.support.server import Server

RATE = 5000
SECONDS = 10.0
LATE_S = 0.5
"""What 99 of 100 messages must be faster than on any machine; what they were is in the figures."""


def p99_s(follower: Follower, since: int) -> float:
    """Return what 99 of 100 messages from ``since`` on took at most."""
    return quantiles([got.at_s - got.published_s for got in follower.got[since:]], n=100)[-1]


@pytest.mark.undisturbed
def test_forged_cursors_are_told_so_and_a_bystander_does_not_notice(node: Rabbit) -> None:
    def bystander(port: int) -> list[Follower]:
        return [Follower(port, TARGETS[0])]

    urls = [node.amqp_url]
    with Server("--broker", node.amqp_url) as server:
        with trial(server.port, urls, rate=100, clients=bystander) as run:
            (follower,) = run.followers
            time.sleep(SECONDS)
            calm_s, since = p99_s(follower, 0), len(follower.got)
            with forgers(server.port, RESUMING[0], RATE) as forged:
                time.sleep(SECONDS)
            late_s = p99_s(follower, since)
            rate = forged.told / forged.seconds
            found = run.finish(
                f"{RATE:,} forged cursors a second asked for: another one",
                time.monotonic(),
                f"{rate:,.0f} a second had `ready` and a gap; p99 of another one "
                f"{1000 * calm_s:.0f} ms before, {1000 * late_s:.0f} ms meanwhile",
            )
        assert (found.lost, found.duplicated) == (0, 0)
        assert rate > RATE / 4  # all of them on an idle machine, 2,000 on a busy one
        assert forged.others == 0
        assert late_s < LATE_S
        assert "Traceback" not in server.stderr
