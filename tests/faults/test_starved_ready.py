"""Some addresses ask for more than the broker can bind at once; another gets `ready` in turn."""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from typing import NamedTuple

import pytest

from tests.faults.conftest import EXCHANGE
from tests.faults.figures import Figures, keep
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server

ADDRESSES = [f"127.0.0.{number}" for number in range(2, 12)]
OTHER = "127.0.0.100"
EACH = 100
"""Bindings of each hostile request."""
CALM = 20
WITHIN_S = 1.5
"""Behind a quantum of each hostile address; without turns it would be as long as all takes."""
PART = 5
"""Part of that, where the machine has so much else to do that all takes much longer."""
UNTIL_S = 100.0


class Flood(NamedTuple):
    """What the hostile addresses ask for, all at once, and what they get in the end."""

    fault: str
    requests: int
    exchange: str
    pattern: str
    kind: str

    def targets(self) -> Iterator[str]:
        for request in range(self.requests):
            numbers = range(request * EACH, (request + 1) * EACH)
            yield connect_target(
                *[(self.exchange.format(n), self.pattern.format(n)) for n in numbers]
            )


FLOODS = [
    Flood("20 requests for 100 missing exchanges each", 20, "exchange/none/{}", "#", "error"),
    Flood("100 requests for 100 literal patterns each", 100, EXCHANGE, "hostile.{}", "ready"),
]


class Client:
    """One address that asks for one new binding after the other, and how long each took."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = count()
        self.waits_s: list[float] = []

    def ask(self) -> None:
        target = connect_target((EXCHANGE, f"other.{next(self._numbers)}"))
        start_s = time.monotonic()
        with RawStream(self._port, target, address=OTHER) as stream:
            stream.ready(within_s=UNTIL_S)
        self.waits_s.append(time.monotonic() - start_s)


def answered(stream: RawStream, kind: str) -> bool:
    """Tell whether a hostile stream has had its answer, without waiting for long."""
    try:
        stream.event(kind, within_s=0.001)
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("flood", FLOODS, ids=lambda flood: flood.kind)
def test_ready_of_others_waits_for_no_more_than_a_quantum_of_each_hostile_address(
    node: Rabbit, flood: Flood
) -> None:
    with Server("--broker", node.amqp_url) as server, ExitStack() as opened:
        client = Client(server.port)
        for _ in range(CALM):
            client.ask()
        calm_ms = 1000 * statistics.median(client.waits_s)
        client.waits_s.clear()
        start_s = time.monotonic()
        waiting = [
            opened.enter_context(
                RawStream(server.port, target, address=ADDRESSES[number % len(ADDRESSES)])
            )
            for number, target in enumerate(flood.targets())
        ]
        for stream in waiting:
            assert stream.head().status == 200
        while waiting or len(client.waits_s) < CALM:
            assert time.monotonic() - start_s < UNTIL_S
            client.ask()
            for stream in tuple(waiting):
                if not answered(stream, flood.kind):
                    break
                waiting.remove(stream)
        took_s = time.monotonic() - start_s
        assert "no broker at" not in server.stderr
    median_ms, worst_ms = (1000 * f(client.waits_s) for f in (statistics.median, max))
    remark = (
        f"`ready` of another address: {calm_ms:.0f} ms before, {median_ms:.0f} ms meanwhile, at "
        f"most {worst_ms:.0f} ms; all are answered after {took_s:.1f} s"
    )
    keep(Figures(flood.fault, remark=remark))
    assert worst_ms < 1000 * max(WITHIN_S, took_s / PART)
