"""Parts of a shared log that an instance does not hold any more are read from the log."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from pulse_events.hub.missing import FORGOTTEN
from pulse_events.hub.replay import OF_ANOTHER
from tests.e2e.logs import log_of, reading
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawEvent, RawStream, connect_target
from tests.support.server import Server

COUNT = 12_000
"""More than an instance reads at its start, and than it holds."""
FEW = ("--history-bytes", "200000")


@pytest.fixture(scope="module")
def exchange() -> str:
    return "exchange/older-parts"


class Log:
    """A log with many messages, and what was seen while they were written."""

    def __init__(self, make: Callable[..., Server], rabbit: Rabbit, exchange: str) -> None:
        self.make = make
        self.target = connect_target((exchange, "a.#"), resume="true")
        self.cursors: list[str] = []
        with make() as server, Amqp(rabbit.amqp_url) as amqp:
            reading(server)
            with RawStream(server.port, self.target).ready() as stream:
                for start in range(0, COUNT, 4000):
                    keys = ((f"a.{n % 3}", b"%d" % n) for n in range(start, start + 4000))
                    if start == 4000:
                        time.sleep(0.01)  # the log counts milliseconds
                        self.middle = datetime.now(UTC)
                    amqp.publish_many(exchange, keys)
                    events = stream.events(4000, within_s=60)
                    self.cursors += [event.event_id for event in events]

    def follow(self, server: Server, query: str, count: int) -> tuple[RawEvent, list[RawEvent]]:
        """Return ``ready`` and what follows it, but pings."""
        with RawStream(server.port, f"{self.target}{query}") as stream:
            stream.head()
            ready = stream.event("ready", within_s=20)
            return ready, stream.events(count, within_s=60)


@pytest.fixture(scope="module")
def log(rabbit: Rabbit, exchange: str) -> Iterator[Log]:
    with log_of(rabbit, f"{exchange}=a.#") as make, Amqp(rabbit.amqp_url) as amqp:
        amqp.declare_exchange(exchange)
        yield Log(make, rabbit, exchange)


def numbers(events: list[RawEvent]) -> list[object]:
    return [event.json["payload"] for event in events]


def test_a_cursor_of_long_ago_is_good(log: Log) -> None:
    with log.make(*FEW) as server:
        for place in (0, 1500, COUNT - 4000):
            ready, events = log.follow(
                server, f"&lastEventId={log.cursors[place]}", COUNT - place - 1
            )
            assert ready.event_id == log.cursors[place]
            assert numbers(events) == [*range(place + 1, COUNT)]
            assert [event.event_id for event in events] == log.cursors[place + 1 :]
        assert "Traceback" not in server.stderr


def test_a_time_of_long_ago_is_found_to_the_message(log: Log) -> None:
    since = log.middle.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    with log.make(*FEW) as server:
        ready, events = log.follow(server, f"&since={since}", COUNT - 4000)
        assert numbers(events) == [*range(4000, COUNT)]
        again, _ = log.follow(server, f"&lastEventId={ready.event_id}", 1)
        assert again.event_id == ready.event_id


def test_a_time_before_the_log_is_a_gap_and_all_there_is(log: Log) -> None:
    with log.make(*FEW) as server:
        _, (gap, *events) = log.follow(server, "&since=1d", COUNT + 1)
        assert gap.json["reason"] == FORGOTTEN
        assert numbers(events) == [*range(COUNT)]


def test_a_cursor_of_another_log_is_a_gap_and_nothing_older(log: Log) -> None:
    cursor = log.cursors[100]
    other = cursor[:-1] + ("0" if cursor[-1] != "0" else "1")
    with log.make(*FEW) as server:
        with RawStream(server.port, f"{log.target}&lastEventId={other}") as stream:
            stream.ready()
            assert stream.event("gap").json["reason"] == OF_ANOTHER
            assert stream.event().kind == "ping"
