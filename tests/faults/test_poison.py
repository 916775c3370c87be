"""Bodies that are made to hurt: delivered as the contract says, and nobody has to wait for them."""

import base64
from collections.abc import Iterator

import pytest

from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from tests.faults import figures
from tests.faults.turns import Turns
from tests.support.amqp import Amqp
from tests.support.local_server import LocalServer, local_server
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target

MIB = 1 << 20
BODIES = {
    "invalid JSON": b'{"a": ' * 100,
    "1 MiB of empty lists": b"[" + b"[]," * (MIB // 3 - 2) + b"[]]",
    "1 MiB of numbers, then no JSON": b"[" + b"1," * (MIB // 2 - 2) + b"x]",
    "1 MiB of lone surrogates": b"[" + b'"\\ud800",' * (MIB // 9 - 1) + b"1]",
    "1 MiB of digits": b"1" * MIB,
    "100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "1 MiB of binary": bytes(range(256)) * (MIB // 256),
    "10 MiB": b'"' + b"x" * (10 * MIB - 2) + b'"',
}
LONGEST_TURN_S = 0.1
"""Twice the 50 ms that are promised, of the thread's own time.  The table has the figure."""


@pytest.fixture
def server(rabbit: Rabbit) -> Iterator[LocalServer]:
    with local_server(broker=RabbitMQ(rabbit.amqp_url), history_bytes=1 << 30) as running:
        yield running


def test_no_body_ends_the_server_or_holds_its_loop_up(
    server: LocalServer, amqp: Amqp, exchange: str
) -> None:
    turns = Turns()
    with RawStream(server.port, connect_target((exchange, "#"))).ready() as stream:
        with turns.watched(server):
            for body in BODIES.values():
                amqp.publish(exchange, "k", body)
                check(stream, body)
        amqp.publish(exchange, "last")
        assert stream.event("message").json["routingKey"] == "last"
    longest_ms = 1000 * turns.longest_s
    figures.keep(
        figures.Figures(
            "poison bodies", len(BODIES), 0, 0, None, f"longest turn {longest_ms:.0f} ms"
        )
    )
    assert turns.longest_s < LONGEST_TURN_S


def check(stream: RawStream, body: bytes) -> None:
    """See that the body comes as it is, or that it says why not."""
    event = stream.event("message")
    raw = event.data.encode()
    if len(body) > MIB:
        assert event.json["payload"] is None
        assert event.json["omitted"] == f"{len(body)} bytes, the limit is {MIB}"
    elif raw.startswith(b'{"payload":' + body):
        assert raw.startswith(b'{"payload":' + body + b',"exchange":')
    elif "payloadEncoding" in event.json:
        assert base64.b64decode(event.json["payload"]) == body
    else:
        assert event.json["payload"].encode() == body


def test_a_flood_of_large_bodies_is_read_as_fast_as_it_is_passed_on(
    server: LocalServer, amqp: Amqp, exchange: str
) -> None:
    count = 200
    body = b'"' + b"x" * (MIB - 2) + b'"'
    with RawStream(server.port, connect_target((exchange, "k.*"))).ready() as stream:
        amqp.publish_many(exchange, ((f"k.{number}", body) for number in range(count)))
        keys = [event.json["routingKey"] for event in stream.events(count, within_s=60)]
    assert keys == [f"k.{number}" for number in range(count)]
