"""Faults of what is read far back in the log."""

import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from pulse_events.cursors import LogCursors
from pulse_events.hub.missing import FORGOTTEN
from pulse_events.log.intake import JUMPED
from tests.faults.conftest import EXCHANGE
from tests.faults.figures import Figures, keep
from tests.faults.instances import instance, instance_at
from tests.faults.proxy import Proxy
from tests.faults.trial import RESUMING, stats
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream
from tests.support.waiting import wait_until

LITTLE = ("--history-bytes", "200000", "--log-bytes", "3000000")
FIRST, THEN = 3000, 15_000
"""Messages of 1 KB before a client comes, and while it does not read: more than the log keeps."""
READ = 10


def publish(node: Rabbit, start: int, end: int) -> None:
    """Publish messages of 1 KB that hold these numbers."""
    pad = "x" * 1000
    bodies = (json.dumps({"n": number, "pad": pad}).encode() for number in range(start, end))
    with Amqp(node.amqp_url) as amqp:
        amqp.publish_many(EXCHANGE, ((f"n.{start}", body) for body in bodies))


@pytest.mark.timeout(120)
def test_who_waits_in_line_has_pings_with_its_own_cursor(node: Rabbit) -> None:
    options = ("--history-bytes", "200000", "--ping-interval", "1")
    with Proxy(node.port) as proxy, instance_at(proxy.url(node.amqp_url), *options) as server:
        with RawStream(server.port, RESUMING[0]).ready(within_s=20) as stream:
            publish(node, 0, FIRST)
            cursor = stream.events(FIRST, within_s=40)[READ].event_id
        proxy.swallow(new_ones=True)
        with (
            RawStream(server.port, f"{RESUMING[0]}&lastEventId={cursor}") as placed,
            RawStream(server.port, f"{RESUMING[0]}&since=1h") as timed,
        ):
            for stream in (placed, timed):
                assert stream.head().status == 200
            assert placed.event("ready").event_id == cursor
            wait_until(lambda: stats(server.port)["clientsInLine"] == 2, "both wait", within_s=40)
            since = datetime.now(UTC)
            assert pings_until(placed, since) == {cursor}
            [found] = pings_until(timed, since)  # and no `ready`
            assert LogCursors.time_of(found) is not None
            proxy.mend()
            assert placed.event("message", within_s=40).json["payload"]["n"] == READ + 1
            kinds = [event.kind for event in timed.events(3, within_s=40)]
            assert kinds == ["ready", "gap", "message"]


def pings_until(stream: RawStream, since: datetime) -> set[str]:
    """Return the cursors of the pings up to one of after a time; nothing else may come."""
    cursors = set()
    while True:
        ping = stream.event()
        assert ping.kind == "ping", ping.raw
        cursors.add(ping.event_id)
        if datetime.fromisoformat(ping.json["time"]) > since:
            return cursors


@pytest.mark.timeout(120)
def test_retention_that_overtakes_who_reads_the_log_is_a_gap_at_that_place(node: Rabbit) -> None:
    with instance(node, *LITTLE) as server:
        wait_until(lambda: "reading queue/" in server.stderr, "the log is read")
        publish(node, 0, FIRST)
        target = f"{RESUMING[0]}&since=1h"
        with RawStream(server.port, target, receive_buffer_bytes=1 << 16) as stream:
            stream.ready(within_s=20)
            begin = stream.event("gap", within_s=20)  # there was no log so long ago
            assert begin.json["reason"] == FORGOTTEN
            events = stream.events(READ)
            publish(node, FIRST, FIRST + THEN)
            wait_until(lambda: stats(server.port)["messagesIn"] > FIRST + THEN, "all is recorded")
            while (
                events[-1].kind != "message" or events[-1].json["payload"]["n"] < FIRST + THEN - 1
            ):
                events += stream.events(1, within_s=20)
        places = [place for place, event in enumerate(events) if event.kind == "gap"]
        numbers = [event.json["payload"]["n"] for event in events if event.kind == "message"]
        assert {events[place].json["reason"] for place in places} <= {FORGOTTEN, JUMPED}
        assert numbers == sorted(set(numbers))
        missing = [after for before, after in pairwise(numbers) if after != before + 1]
        behind = [events[place + 1].json["payload"]["n"] for place in places]
        assert missing == behind
        assert len(behind) == 1
        missed = FIRST + THEN - len(numbers)
        keep(
            Figures(
                "log: retention overtakes a replay",
                FIRST + THEN,
                0,
                0,
                remark=f"{missed} missed, in one gap",
            )
        )
        assert "Traceback" not in server.stderr
