"""Readers that are slower than what comes: they read the history, and hold next to nothing."""

import random
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from pulse_events.hub.missing import FORGOTTEN
from tests.faults.follower import Follower
from tests.faults.lengths import lasting
from tests.faults.returner import Returner
from tests.faults.trial import RESUMING, TARGETS, Trial, rss_kb, stats, trial
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream
from tests.support.server import Server
from tests.support.waiting import wait_until

SLOW_S = lasting(20, 120)
RATE = 500
PADDING_BYTES = 600
SLOWER = 10
"""How many times slower they read."""
LITTLE_KB = 12 << 10
"""What a server may hold beside its history: blocks, what is on its way, what is not given back."""

EACH_KB = 16
"""What each of many slow readers of the same bindings may hold."""


def resuming_one(port: int) -> Returner:
    """Return one that reads at a tenth of the speed, and resumes."""
    return Returner(port, RESUMING[0], receive_buffer_bytes=4096, pause_s=SLOWER / RATE)


def plain_one(port: int) -> Follower:
    """Return one that reads at a tenth of the speed, and cannot resume."""
    return Follower(port, TARGETS[0], receive_buffer_bytes=4096, pause_s=SLOWER / RATE)


def gone(run: Trial) -> int:
    """Return how much did not come to the only client."""
    (follower,) = run.followers
    first, last = follower.got[0].number, follower.got[-1].number
    return last + 1 - first - len(follower.got)


@pytest.mark.timeout(400)
def test_readers_at_a_tenth_of_the_speed_get_everything_on_one_connection(node: Rabbit) -> None:
    def both(port: int) -> list[Follower]:
        return [resuming_one(port), plain_one(port)]

    options = ("--history-bytes", str(256 << 20))
    urls = [node.amqp_url]
    with Server("--broker", node.amqp_url, *options) as server:
        with trial(server.port, urls, padding_bytes=PADDING_BYTES, clients=both) as run:
            before_kb = rss_kb(server.pid)
            time.sleep(SLOW_S)  # the fault itself
            counts, grown_kb = stats(server.port), rss_kb(server.pid) - before_kb
            assert counts["clientsBehind"] == len(run.followers)
            history_kb = counts["historyBytes"] >> 10
            for follower in run.followers:
                follower.hurry()
            found = run.finish(
                f"two readers at a tenth of the speed for {SLOW_S:.0f} s",
                time.monotonic(),
                f"history {history_kb / 1024:.1f} MB, memory +{grown_kb / 1024:.1f} MB",
            )
        assert (found.lost, found.duplicated) == (0, 0)
        for follower in run.followers:
            assert follower.breaks == 0
            assert not follower.gaps
        assert grown_kb < history_kb + LITTLE_KB
        assert "Traceback" not in server.stderr


@pytest.mark.timeout(200)
def test_a_slow_reader_is_told_what_a_small_history_does_not_hold(node: Rabbit) -> None:
    options = ("--history-bytes", str(2 << 20))
    urls = [node.amqp_url]
    with Server("--broker", node.amqp_url, *options) as server:
        with (
            trial(
                server.port,
                urls,
                padding_bytes=PADDING_BYTES,
                clients=lambda port: [resuming_one(port)],
            ) as run,
            plain_one(server.port) as plain,
        ):
            before_kb = rss_kb(server.pid)
            time.sleep(20)  # the fault itself
            grown_kb = rss_kb(server.pid) - before_kb
            assert plain.until_told().startswith("slow reader: ")
            (slow,) = run.followers
            slow.hurry()
            found = run.finish(
                "a reader at a tenth of the speed for 20 s, history of 2 MiB",
                time.monotonic(),
                f"{gone(run)} not held, in {len(slow.gaps)} gaps; memory +{grown_kb / 1024:.1f} MB",
            )
        assert (found.lost, found.duplicated) == (0, 0)
        assert slow.breaks == 0
        assert slow.gaps
        for gap in slow.gaps:
            assert gap.reason == FORGOTTEN
            assert slow.got[gap.place].number > slow.got[gap.place - 1].number + 1
        assert grown_kb < LITTLE_KB
        assert "Traceback" not in server.stderr


READERS = 1000
READING_S = 15.0


@pytest.mark.timeout(200)
def test_a_thousand_slow_readers_hold_little_more_than_one(node: Rabbit) -> None:
    def both(port: int) -> list[Follower]:
        return [resuming_one(port), Follower(port, TARGETS[0])]

    options = ("--history-bytes", str(8 << 20))
    urls = [node.amqp_url]
    with Server("--broker", node.amqp_url, *options) as server:
        with trial(server.port, urls, padding_bytes=2 * PADDING_BYTES, clients=both) as run:
            slow, quick = run.followers
            wait_until(lambda: stats(server.port)["historyBytes"] > 7 << 20, "it is full")
            before_kb = rss_kb(server.pid)
            with crowd(server.port) as connections:
                dribble(connections, READING_S)
                behind = stats(server.port)["clientsBehind"]
                grown_kb = rss_kb(server.pid) - before_kb
            latest_s = max(got.at_s - got.published_s for got in quick.got)
            slow.hurry()
            found = run.finish(
                f"{READERS} readers that are too slow, history of 8 MiB: two others",
                time.monotonic(),
                f"memory +{grown_kb / 1024:.1f} MB; at most {1000 * latest_s:.0f} ms late",
            )
        assert (found.lost, found.duplicated) == (0, 0)
        assert behind == READERS + 1
        assert not quick.gaps
        assert slow.breaks == quick.breaks == 0
        assert grown_kb < LITTLE_KB + READERS * EACH_KB
        assert "Traceback" not in server.stderr


@contextmanager
def crowd(port: int) -> Iterator[list[socket.socket]]:
    """Open streams of which next to nothing is read."""
    with ExitStack() as opened:
        connections = []
        for _ in range(READERS):
            stream = opened.enter_context(RawStream(port, RESUMING[0], receive_buffer_bytes=4096))
            stream.head()
            stream.socket.setblocking(False)
            connections.append(stream.socket)
        yield connections


def dribble(connections: list[socket.socket], seconds: float) -> None:
    """Let all read a little, now and then, by chance, so that they come to be at all places."""
    rng, deadline_s = random.Random(1), time.monotonic() + seconds
    while time.monotonic() < deadline_s:
        for connection in rng.sample(connections, READERS // 20):
            with suppress(BlockingIOError):
                connection.recv(rng.randint(1, 1 << 15))
        time.sleep(0.02)
