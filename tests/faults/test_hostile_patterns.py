"""Patterns made to be slow to match: at the broker they would hold up its publishers."""

import statistics
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.faults.figures import Figures, keep
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server

WORDS = 30
HASHES = 10
KEY = ".".join(["a"] * WORDS)
"""RabbitMQ's matching tries every way to share its words out among the hashes."""
CONFIRMS = 20

ALL_WILD = ".".join(["*", "#"] * HASHES)
LITERALS_BETWEEN = ".".join(["#", "a"] * HASHES)
NEVER = LITERALS_BETWEEN + ".b"


@pytest.fixture
def exchange(node: Rabbit) -> Iterator[str]:
    """An exchange of this test's own: what is bound to it stays for the linger."""
    with Amqp(node.amqp_url) as amqp:
        name = amqp.declare_exchange(f"exchange/faults/patterns-{uuid.uuid4().hex[:8]}")
        yield name
        amqp.delete_exchange(name)


def _confirm_ms(amqp: Amqp, exchange: str) -> float:
    """Return what a publisher waits for a confirm, the median."""
    waits: list[float] = []
    for _ in range(CONFIRMS):
        start_s = time.monotonic()
        amqp.publish(exchange, KEY)
        waits.append(time.monotonic() - start_s)
    return 1000 * statistics.median(waits)


def test_the_broker_is_never_asked_for_what_it_matches_slowly(node: Rabbit, exchange: str) -> None:
    with ExitStack() as opened:
        amqp = opened.enter_context(Amqp(node.amqp_url))
        server = opened.enter_context(Server("--broker", node.amqp_url))
        calm = opened.enter_context(RawStream(server.port, connect_target((exchange, "#"))))
        calm.ready(within_s=15)
        before_ms = _confirm_ms(amqp, exchange)
        matching = [
            opened.enter_context(RawStream(server.port, connect_target((exchange, pattern))))
            for pattern in (ALL_WILD, LITERALS_BETWEEN)
        ]
        never = opened.enter_context(RawStream(server.port, connect_target((exchange, NEVER))))
        for stream in (*matching, never):
            stream.ready(within_s=15)
        bound = {pattern for _queue, pattern in node.bindings(exchange)}
        assert bound == {"#", ".".join(["*"] * HASHES + ["#"]), "#.a.#.a", "#.a.#.a.b"}
        after_ms = _confirm_ms(amqp, exchange)
        amqp.publish(exchange, f"{KEY}.b", b"1")
        assert never.event("message").json["routingKey"] == f"{KEY}.b"
        for stream in matching:
            for _ in range(CONFIRMS):
                assert stream.event("message").json["routingKey"] == KEY
        for _ in range(2 * CONFIRMS + 1):
            calm.event("message")
    keep(
        Figures(
            "patterns of ten #",
            2 * CONFIRMS + 1,
            0,
            0,
            remark=f"a confirm takes {before_ms:.1f} ms before, {after_ms:.1f} ms with them",
        )
    )
