"""Instances that share a log, and the clients that roam between them."""

import random
import time
from collections.abc import Sequence

from tests.faults.conftest import EXCHANGE
from tests.faults.figures import Figures, lost_in_silence
from tests.faults.follower import Follower
from tests.faults.roamer import Roamer
from tests.faults.trial import RESUMING, Trial, heartbeat
from tests.support.rabbit import Rabbit, free_port
from tests.support.server import Server

IMPATIENT_S = 3.0
"""How long clients believe a server that says nothing."""
SETTLES_S = 5.0
"""How long a broker that never had a stream takes until it would know the first one after a kill.

RabbitMQ 3.10 answers then for ever that it is down or inaccessible; see docs/resume.md.
"""


STOPPING = "the server is stopping; connect again"


def instance(node: Rabbit, *options: str) -> Server:
    """Return a server that comes back at the same port."""
    return instance_at(node.amqp_url, *options)


def instance_at(url: str, *options: str) -> Server:
    """Return the same for another way to the broker."""
    record = f"{EXCHANGE}=#"
    log = ("--broker", url, "--history", "amqp", "--record", record)
    return Server("--port", str(free_port()), *log, *options)


def roaming(
    ports: Sequence[int], silent_s: float = 60.0, targets: Sequence[str] = RESUMING
) -> list[Roamer]:
    """Return two clients for each target, one of them compressed."""
    return [
        Roamer(order, target, gzip=is_gzip, silent_s=silent_s)
        for target in targets
        for order, is_gzip in ((ports, False), (ports[::-1], True))
    ]


def roam(followers: Sequence[Follower]) -> None:
    """Have some clients go elsewhere, one second long."""
    for _ in range(5):
        time.sleep(0.2)
        follower = random.choice(followers)
        assert isinstance(follower, Roamer)
        follower.roam()


def is_well(server: Server) -> bool:
    """Tell whether a server has nothing to complain of."""
    return heartbeat(server.port) == (200, "")


def has_news(run: Trial, since_s: float) -> bool:
    """Tell whether all clients of a trial go on; see `goes_on`."""
    return goes_on(run.followers, since_s)


def goes_on(followers: Sequence[Follower], since_s: float) -> bool:
    """Tell whether all clients have got what was published after a time."""
    return all(follower.got and follower.got[-1].published_s > since_s for follower in followers)


def nothing_untold(run: Trial, found: Figures) -> None:
    """Check that nothing was lost that no gap tells, and nothing doubled."""
    for follower in run.followers:
        lost = sorted(lost_in_silence(follower, run.feed, run.since))
        assert not lost, f"{lost} lost, told {follower.gaps}"
    assert (found.lost, found.duplicated) == (0, 0)


def nothing_missed(found: Figures, followers: Sequence[Follower], *servers: Server) -> None:
    """Check that nothing was lost, doubled, or told as a gap."""
    assert (found.lost, found.duplicated) == (0, 0)
    assert not [gap for follower in followers for gap in follower.gaps]
    no_traceback(*servers)


def no_traceback(*servers: Server) -> None:
    """Check that nothing failed that is not foreseen."""
    for server in servers:
        told = server.stderr
        assert "Traceback" not in told, told[told.index("Traceback") - 500 :][:5000]
