"""One trial of the matrix: a feed, clients that follow it, and questions to server and broker."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import accumulate, takewhile
from pathlib import Path
from typing import Any

from pulse_events.backoff import delays
from tests.faults.conftest import EXCHANGE
from tests.faults.feed import Feed
from tests.faults.figures import Figures, judge, repetitions
from tests.faults.follower import Follower
from tests.faults.returner import Returner
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
from tests.support.waiting import wait_until


def targets_of(exchange: str, **query: str) -> list[str]:
    """Return what three clients ask for that all must get everything."""
    return [connect_target((exchange, pattern), **query) for pattern in ("#", "n.*", "*.#")]


TARGETS = targets_of(EXCHANGE)
RESUMING = targets_of(EXCHANGE, resume="true")


@dataclass(slots=True)
class Trial:
    """What runs while a fault happens."""

    feed: Feed
    followers: Sequence[Follower]
    since: int
    """The first message that was published when all followers were ready."""

    def finish(
        self, fault: str, fault_s: float, remark: str = "", *, told: str | None = None
    ) -> Figures:
        """Stop the feed, let everything arrive, and return the figures.

        ``told`` is what may have ended a stream of a client that came back.
        """
        self.feed.goes_on(50)
        # What was published during the fault may all be confirmed after it.
        wait_until(lambda: self._all_have_news_since(fault_s), "what came after it", within_s=40)
        self.feed.stop()
        last = max(self.feed.answered)
        for follower in self.followers:
            follower.reaches(last)
            assert follower.readies == 1
            assert follower.error in (None, told)
        return judge(fault, self.feed, self.followers, fault_s, since=self.since, remark=remark)

    def finish_anew(self, fault: str, port: int, why: str, fault_s: float) -> Figures:
        """Have every follower be told ``why`` and come back; return the figures of the new ones.

        A loss that the clients know of is no row's ``lost``; the remark counts it.
        """
        for follower in self.followers:
            assert why in follower.until_told()
            assert follower.readies == 1
            repetitions(follower)
        told_s = max(follower.ended_s for follower in self.followers) - fault_s
        with ExitStack() as opened:
            others = [opened.enter_context(Follower(port, target)) for target in TARGETS]
            since = self.feed.published
            self.feed.goes_on(100)
            missed = self._missed(since)
            remark = f"all told after {told_s:.1f} s, up to {missed} missed by each"
            return Trial(self.feed, others, since).finish(fault, fault_s, remark)

    def _all_have_news_since(self, fault_s: float) -> bool:
        newest = [follower.got[-1].published_s for follower in self.followers if follower.got]
        return len(newest) == len(self.followers) and min(newest) > fault_s

    def _missed(self, until: int) -> int:
        due = {number for number in self.feed.confirmed if self.since <= number < until}
        return max(len(due.difference(got.number for got in f.got)) for f in self.followers)


def resuming(port: int) -> list[Follower]:
    """Return clients that come back with their cursors: plain ones and a compressed one."""
    return [Returner(port, target, gzip=target is RESUMING[-1]) for target in RESUMING]


@contextmanager
def trial(
    port: int,
    urls: Sequence[str],
    *,
    rate: int = 500,
    padding_bytes: int = 0,
    exchange: str = EXCHANGE,
    copies: bool = False,
    clients: Callable[[int], Sequence[Follower]] | None = None,
) -> Iterator[Trial]:
    """Publish at ``urls`` and follow at the server on ``port``, for the block.

    ``clients`` returns other ones than three that do not resume; for the rest see `Feed`.
    """
    with (
        Feed(urls, exchange, rate=rate, padding_bytes=padding_bytes, copies=copies) as feed,
        ExitStack() as opened,
    ):
        made = clients(port) if clients else [Follower(port, t) for t in targets_of(exchange)]
        followers = [opened.enter_context(follower) for follower in made]
        since = feed.published
        feed.goes_on(rate // 2)
        yield Trial(feed, followers, since)


def ask(port: int, path: str) -> tuple[int, Any]:
    """Return status and JSON of an endpoint."""
    with RawStream(port, path) as stream:
        head = stream.head()
        return head.status, json.loads(stream.content(head))


def stats(port: int) -> dict[str, int]:
    """Return the server's counts."""
    found: dict[str, int] = ask(port, "/api/events/v1/stats")[1]
    return found


def heartbeat(port: int) -> tuple[int, str]:
    """Return the heartbeat's status and what it says of the broker, if anything."""
    status, document = ask(port, "/__heartbeat__")
    return status, " ".join(document.get("details", {}).get("broker", {}).get("messages", []))


def queues_of(rabbit: Rabbit, namespace: str) -> set[str]:
    """Return the queues of servers with this namespace."""
    rows = rabbit.rows("list_queues", "name")
    return {row["name"] for row in rows if row["name"].startswith(f"queue/{namespace}/")}


def rss_kb(pid: int) -> int:
    """Return how much memory a process has."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def most_tries(within_s: float) -> int:
    """Return how often a backoff without luck can try within a time."""
    waits = accumulate(delays(lambda: 0.0))
    return 1 + sum(1 for _ in takewhile(lambda passed_s: passed_s < within_s, waits))
