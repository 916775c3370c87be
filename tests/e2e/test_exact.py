"""Where the shared queue is not exact: what is told about it, and ``--exact``, which is."""

import json
import uuid
from collections.abc import Iterator

import pytest

from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target, ready_streams
from tests.support.server import Server
from tests.support.waiting import wait_until

PREFIX = "exchange/inexact"


@pytest.fixture
def kind(amqp: Amqp, request: pytest.FixtureRequest) -> Iterator[str]:
    """An exchange of a kind that the test names."""
    name = f"{PREFIX}/{uuid.uuid4().hex[:12]}"
    yield amqp.declare_exchange(name, getattr(request, "param", "topic"))
    amqp.delete_exchange(name)


@pytest.fixture(scope="module")
def exact(rabbit: Rabbit) -> Iterator[Server]:
    """A server that leaves the matching of these exchanges to the broker."""
    options = ("--broker", rabbit.amqp_url, "--namespace", "exact")
    with Server(*options, "--exact", "nothing", "--exact", f"{PREFIX}/*") as running:
        yield running


def keys(stream: RawStream, count: int) -> list[str]:
    """Return the routing keys of the next messages."""
    return [event.json["routingKey"] for event in stream.events(count)]


def test_a_bcc_key_counts(exact: Server, amqp: Amqp, kind: str) -> None:
    with RawStream(exact.port, connect_target((kind, "secret.*"))).ready() as stream:
        amqp.publish(kind, "open.key", bcc=["secret.key"])
        amqp.publish(kind, "open.key", bcc=["other.key"])
        amqp.publish(kind, "secret.last", cc=["secret.too"])
        assert keys(stream, 2) == ["open.key", "secret.last"]


@pytest.mark.parametrize("kind", ["fanout", "headers"], indirect=True)
def test_an_exchange_that_ignores_keys_delivers_whatever_the_pattern(
    exact: Server, amqp: Amqp, kind: str
) -> None:
    with RawStream(exact.port, connect_target((kind, "any.pattern"))).ready() as stream:
        amqp.publish(kind, "some.key")
        assert keys(stream, 1) == ["some.key"]


@pytest.mark.parametrize("kind", ["direct"], indirect=True)
def test_a_direct_exchange_takes_a_pattern_literally(exact: Server, amqp: Amqp, kind: str) -> None:
    with RawStream(exact.port, connect_target((kind, "a.*"), (kind, "b"))).ready() as stream:
        for key in ("a.b", "a.*", "b"):
            amqp.publish(kind, key)
        assert keys(stream, 2) == ["a.*", "b"]


def test_what_comes_through_a_binding_between_exchanges_is_delivered_by_its_first_name(
    exact: Server, amqp: Amqp, kind: str, exchange: str
) -> None:
    amqp.bind_exchange(kind, exchange, "through.#")
    with RawStream(exact.port, connect_target((kind, "*.last"))).ready() as stream:
        amqp.publish(exchange, "through.not")
        amqp.publish(exchange, "through.last")
        message = stream.event("message").json
        assert (message["exchange"], message["routingKey"]) == (exchange, "through.last")


def test_streams_with_the_same_bindings_share_the_queue_and_it_goes_with_the_server(
    rabbit: Rabbit, amqp: Amqp, kind: str
) -> None:
    def queues() -> list[str]:
        rows = rabbit.rows("list_queues", "name")
        return [row["name"] for row in rows if row["name"].startswith("queue/sharing/")]

    options = ("--broker", rabbit.amqp_url, "--namespace", "sharing", "--exact", f"{PREFIX}/*")
    with Server(*options) as server:
        with ready_streams(server.port, connect_target((kind, "x")), 3) as streams:
            with RawStream(server.port, connect_target((kind, "y"))).ready():
                assert len(queues()) == 3
                amqp.publish(kind, "x")
                for stream in streams:
                    assert keys(stream, 1) == ["x"]
            assert server.stop() == 0
            for stream in streams:
                assert "stopping" in stream.event("error").json
        assert "Traceback" not in server.stderr
    assert queues() == []


def test_an_address_opens_no_more_queues_than_allowed(
    rabbit: Rabbit, amqp: Amqp, kind: str
) -> None:
    options = ("--exact", f"{PREFIX}/*", "--max-exact-per-address", "2")
    targets = [connect_target((kind, key), errors="http") for key in "abc"]
    with Server("--broker", rabbit.amqp_url, "--namespace", "shares", *options) as server:
        with RawStream(server.port, targets[0]).ready(), RawStream(server.port, targets[1]).ready():
            with RawStream(server.port, targets[2]) as refused:
                head = refused.head()
                text = json.loads(refused.content(head))["message"]
            assert head.status == 429
            assert text.startswith(
                "127.0.0.1 has 2 sets of bindings with a queue of their own, the"
            )
            with RawStream(server.port, targets[2], source="127.0.0.2").ready() as other:
                with RawStream(server.port, targets[2]).ready() as shared:
                    amqp.publish(kind, "c")
                    assert keys(other, 1) == keys(shared, 1) == ["c"]
        with RawStream(server.port, "/events/v1/stats") as asked:
            assert json.loads(asked.body())["refusedQueuesOfAddress"] == 1


def test_a_missing_exchange_is_told_there_too(exact: Server) -> None:
    with RawStream(exact.port, connect_target((f"{PREFIX}/missing", "#"))) as stream:
        stream.head()
        assert (
            "exchange 'exchange/inexact/missing': it does not exist" in stream.event("error").json
        )


def test_an_unrouted_message_is_counted_and_the_log_says_once_what_to_do(
    rabbit: Rabbit, amqp: Amqp, kind: str
) -> None:
    with Server("--broker", rabbit.amqp_url) as server:
        with RawStream(server.port, connect_target((kind, "secret.*"))).ready() as stream:
            for _ in range(3):
                amqp.publish(kind, "open.key", bcc=["secret.key"])
            amqp.publish(kind, "secret.last")
            assert keys(stream, 1) == ["secret.last"]
            wait_until(lambda: "--exact" in server.stderr, "the advice")
        with RawStream(server.port, "/metrics") as asked:
            assert b"\npulse_events_unrouted_total 3.0\n" in asked.body()
        advice = [line for line in server.stderr.splitlines() if f"--exact '{kind}'" in line]
        assert len(advice) == 1
        assert "WARNING" in advice[0]
