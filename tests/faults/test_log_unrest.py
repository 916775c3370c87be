"""The log that instances share, while everything that has to do with it ends by turns."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle

import pytest

from tests.faults.conftest import EXCHANGE
from tests.faults.instances import (
    IMPATIENT_S,
    SETTLES_S,
    STOPPING,
    has_news,
    instance,
    no_traceback,
    nothing_missed,
    roam,
    roaming,
)
from tests.faults.lengths import lasting
from tests.faults.trial import RESUMING, Trial, trial
from tests.support.nginx import Nginx
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until

UNREST_S = lasting(25, 600)
BY_COPIES = connect_target((EXCHANGE, "copy.#"), resume="true")
"""What no routing key of a message matches, but a key of its ``CC`` header."""
AWAY_S = 3.0
HANGS_S = (4.0, 14.0)
"""Less and more than the 8 to 12 s after which another instance records."""
CALM_S = (0.2, 3.0)
"""Less and more than what all need to find each other again."""

Act = Callable[[], object]


def end(*servers: Server, away_s: float = 0.0) -> None:
    no_traceback(*servers)  # whose next start has a stderr of its own
    for server in servers:
        server.kill()
    time.sleep(away_s)  # the fault's own length
    for server in servers:
        server.start()


def leave(server: Server) -> None:
    assert server.stop() == 0
    no_traceback(server)
    server.start()


def freeze(servers: Sequence[Server], for_s: float) -> None:
    pid = random.choice(servers).pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(for_s)  # the fault itself
    os.kill(pid, signal.SIGCONT)


def end_broker(how: Act, node: Rabbit) -> None:
    how()
    node.start()


def turns(node: Rabbit, one: Server, two: Server) -> Iterator[tuple[str, Act]]:
    """Return what is to be done, for ever, and what each is called in the table."""
    short_s, long_s = HANGS_S
    yield from cycle(
        (
            ("an instance killed", partial(end, one)),
            ("the broker killed", partial(end_broker, node.kill, node)),
            ("an instance stopped (SIGSTOP)", partial(freeze, (one, two), short_s)),
            ("both killed", partial(end, one, two, away_s=AWAY_S)),
            ("the broker stopped", partial(end_broker, node.stop, node)),
            ("an instance ended (SIGTERM)", partial(leave, one)),
            ("an instance killed", partial(end, two)),
            ("an instance stopped (SIGSTOP)", partial(freeze, (one, two), long_s)),
            ("an instance ended (SIGTERM)", partial(leave, two)),
        )
    )


@contextmanager
def roaming_on(run: Trial) -> Iterator[None]:
    """Have clients move between the instances by chance, for the block."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.is_set():
            roam(run.followers)

    thread = threading.Thread(target=go_on, name="roaming")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def latest_s(run: Trial) -> float:
    """Return how long after its publication a message came, at most."""
    return max(got.at_s - got.published_s for follower in run.followers for got in follower.got)


@pytest.mark.timeout(UNREST_S + 180)
def test_everything_ends_by_turns_and_nothing_is_lost_or_doubled(node: Rabbit) -> None:
    with instance(node) as one, instance(node) as two, Nginx(one.port, two.port) as proxy:
        ports = (one.port, two.port)
        with trial(
            one.port,
            [node.amqp_url],
            copies=True,
            clients=lambda port: [
                *roaming((proxy.port,), IMPATIENT_S, RESUMING[:2]),
                *roaming(ports, IMPATIENT_S, [RESUMING[0], BY_COPIES]),
            ],
        ) as run:
            time.sleep(SETTLES_S)  # the broker's own time
            done: Counter[str] = Counter()
            deadline_s = time.monotonic() + UNREST_S
            with roaming_on(run):
                for name, act in turns(node, one, two):
                    act()
                    done[name] += 1
                    time.sleep(random.uniform(*CALM_S))
                    if time.monotonic() > deadline_s:
                        break
            wait_until(partial(has_news, run, time.monotonic()), "what is new", within_s=60)
            breaks, late_s = sum(follower.breaks for follower in run.followers), latest_s(run)
            times = ", ".join(f"{name} {count}" for name, count in done.items())
            found = run.finish(
                f"log: {UNREST_S:.0f} s of unrest, times: {times}",
                time.monotonic(),
                f"clients came back {breaks} times; messages came within {late_s:.0f} s",
                told=STOPPING,
            )
        nothing_missed(found, run.followers, one, two)
