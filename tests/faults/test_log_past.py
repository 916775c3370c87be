"""Faults of what is read far back in the log."""

import json
from itertools import pairwise

import pytest

from pulse_events.hub.replay import FORGOTTEN
from pulse_events.log.intake import JUMPED
from tests.faults.conftest import EXCHANGE
from tests.faults.figures import Figures, keep
from tests.faults.instances import instance
from tests.faults.trial import RESUMING, stats
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream
from tests.support.waiting import wait_until

LITTLE = ("--history-bytes", "200000", "--log-bytes", "3000000")
FIRST, THEN = 3000, 15_000
"""Messages of 1 KB before a client comes, and while it does not read: more than the log keeps."""
READ = 10


@pytest.mark.timeout(120)
def test_retention_that_overtakes_who_reads_the_log_is_a_gap_at_that_place(node: Rabbit) -> None:
    def publish(start: int, end: int) -> None:
        pad = "x" * 1000
        bodies = (json.dumps({"n": number, "pad": pad}).encode() for number in range(start, end))
        with Amqp(node.amqp_url) as amqp:
            amqp.publish_many(EXCHANGE, ((f"n.{start}", body) for body in bodies))

    with instance(node, *LITTLE) as server:
        wait_until(lambda: "reading queue/" in server.stderr, "the log is read")
        publish(0, FIRST)
        target = f"{RESUMING[0]}&since=1h"
        with RawStream(server.port, target, receive_buffer_bytes=1 << 16) as stream:
            stream.ready(within_s=20)
            begin = stream.event("gap", within_s=20)  # there was no log so long ago
            assert begin.json["reason"] == FORGOTTEN
            events = stream.events(READ)
            publish(FIRST, FIRST + THEN)
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
