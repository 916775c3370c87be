"""A minute of unrest: nothing leaks, and those who stay do not notice."""

import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from tests.faults.figures import Figures, keep
from tests.faults.trial import rss_kb, stats, trial
from tests.faults.unrest import Unrest
from tests.support.local_server import local_server
from tests.support.rabbit import Rabbit
from tests.support.server import Server
from tests.support.waiting import wait_until

WARM_UP_S = 20
SOAK_S = 60
SHORT_S = 5
RSS_TOLERANCE_KB = 4 << 10


class Holdings(NamedTuple):
    """What a server with no client holds."""

    descriptors: int
    clients: int
    audiences: int
    bindings: int
    broker_bindings: int
    broker_channels: int


def is_empty(port: int) -> bool:
    counts = stats(port)
    return counts["clients"] == counts["audiences"] == counts["bindings"] == 0


def broker_counts(node: Rabbit, namespace: str) -> tuple[int, int]:
    """Return the bindings of the server's queue, and the channels at the node."""
    rows = node.rows("list_bindings", "source_name", "destination_name")
    ours = [row for row in rows if row["destination_name"].startswith(f"queue/{namespace}/")]
    return len(ours), len(node.rows("list_channels", "pid"))


def holdings(node: Rabbit, server: Server) -> Holdings:
    """Wait until all that lingers is gone, and count the rest."""
    wait_until(lambda: is_empty(server.port), "all is given up", within_s=20)
    counts = stats(server.port)
    now = (counts["clients"], counts["audiences"], counts["bindings"])
    there = broker_counts(node, "soak")
    # Last: by now the server has closed its end of our own question.
    descriptors = len(list(Path(f"/proc/{server.pid}/fd").iterdir()))
    return Holdings(descriptors, *now, *there)


@pytest.mark.timeout(240)
def test_after_a_minute_of_unrest_everything_is_as_before(node: Rabbit) -> None:
    options = ("--namespace", "soak", "--history-bytes", str(1 << 20))  # full after the warm-up
    with Server("--broker", node.amqp_url, *options) as server:
        with trial(server.port, [node.amqp_url], rate=200):
            Unrest(server.port, seed=1).last(WARM_UP_S)
        before, before_kb = holdings(node, server), rss_kb(server.pid)
        unrest = Unrest(server.port, seed=2)
        with trial(server.port, [node.amqp_url], rate=200) as run:
            start_s = time.monotonic()
            unrest.last(SOAK_S)
            found = run.finish("60 s of unrest: those who stay", start_s)
        assert found.lost == 0
        with suppress(TimeoutError):  # what is closed last may take the broker a moment
            wait_until(lambda: holdings(node, server) == before, "as before", within_s=20)
        after, after_kb = holdings(node, server), rss_kb(server.pid)
        assert "Traceback" not in server.stderr
    assert len(unrest.done) == 7
    acts = sum(unrest.done.values())
    grown = f"memory {before_kb / 1024:.1f} MB before, {after_kb / 1024:.1f} MB after"
    keep(Figures("60 s of unrest: the others", remark=f"{acts} acts; {grown}"))
    assert after == before
    assert after_kb - before_kb < RSS_TOLERANCE_KB


def test_unrest_leaves_no_task(node: Rabbit) -> None:
    with local_server(broker=RabbitMQ(node.amqp_url)) as server:
        Unrest(server.port, seed=3).last(1)
        wait_until(lambda: is_empty(server.port), "all is given up", within_s=20)
        before = server.tasks()
        Unrest(server.port, seed=4).last(SHORT_S)
        wait_until(lambda: is_empty(server.port), "all is given up", within_s=20)
        # Fewer is no leak: some may have been about to end before.
        wait_until(lambda: server.tasks() <= before, "as many tasks as before", within_s=30)
