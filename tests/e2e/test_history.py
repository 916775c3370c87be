"""The history of a server as its operator sets it up: recorded bindings, exact queues, the demo."""

import json
import time
import urllib.request
from datetime import UTC, datetime

import pytest

from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server, run_cli
from tests.support.waiting import wait_until

DEMO = "exchange/taskcluster-queue/v1/task-pending"


def stats(server: Server) -> dict[str, int]:
    with urllib.request.urlopen(f"{server.url}api/events/v1/stats", timeout=10) as answer:
        found: dict[str, int] = json.load(answer)
    return found


def test_what_is_recorded_can_be_had_by_who_asks_later(
    rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    options = ("--broker", rabbit.amqp_url, "--record", f"{exchange}=a.#")
    with Server(*options) as server:
        wait_until(lambda: stats(server)["bindings"] == 1, "the binding is ordered")
        wait_until(lambda: stats(server)["bindingsWaiting"] == 0, "it is in force")
        started = datetime.now(UTC).isoformat()
        for number in range(3):
            amqp.publish(exchange, f"a.{number}", b"%d" % number)
            amqp.publish(exchange, f"b.{number}", b"-1")
        wait_until(lambda: stats(server)["historyRecords"] == 3, "all is held")
        counts = stats(server)
        assert (counts["clients"], counts["audiences"], counts["messagesIn"]) == (0, 0, 3)
        target = connect_target((exchange, "a.*"), resume="true", since=started)
        with RawStream(server.port, target).ready() as stream:
            got = [event.json["payload"] for event in stream.events(3)]
            assert got == [0, 1, 2]
            amqp.publish(exchange, "a.x", b"3")
            assert stream.event("message").json["payload"] == 3


def test_a_queue_of_its_own_has_a_history_of_its_own(rabbit: Rabbit, amqp: Amqp) -> None:
    exchange = amqp.declare_exchange(f"exchange/history/{time.monotonic_ns()}", "direct")
    with Server("--broker", rabbit.amqp_url, "--exact", exchange) as server:
        target = connect_target((exchange, "k"), resume="true")
        with RawStream(server.port, target).ready() as stream:
            amqp.publish(exchange, "k", b"0")
            cursor = stream.event("message").event_id
        amqp.publish(exchange, "k", b"1")
        amqp.publish(exchange, "other", b"2")
        amqp.publish(exchange, "k", b"3")
        headers = {"Last-Event-ID": cursor}
        with RawStream(server.port, target, headers=headers).ready() as stream:
            assert [event.json["payload"] for event in stream.events(2)] == [1, 3]
        shared = connect_target((f"{exchange} other", "#"), resume="true")
        with RawStream(server.port, shared, headers=headers) as other:
            other.head()
            assert "not exist" in other.event("error").json
    amqp.delete_exchange(exchange)


def test_the_demo_can_be_looked_back_at_at_once() -> None:
    with Server("--demo", "200") as server:
        wait_until(lambda: stats(server)["historyRecords"] > 50, "it is at work")
        target = connect_target((DEMO, "#"), resume="true", last="5")
        with RawStream(server.port, target).ready() as stream:
            assert {event.json["exchange"] for event in stream.events(5)} == {DEMO}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--record", "e"), "'e' is not EXCHANGE=PATTERN"),
        (("--record", f"{'e' * 256}=#"), "the limit is 255"),
        (("--record", "e=#", "--exact", "e"), "'e' is one of --exact"),
        (("--record", "e=#", "--history", "off"), "works with a history only"),
        (("--record", "e=#", "--history", "amqp"), "--history: a log needs messages of a RabbitMQ"),
        (
            ("--broker", "amqp://127.0.0.1", "--history", "amqp"),
            "--history: a log needs --record",
        ),
        (("--history", "redis"), "'memory', 'amqp', 'off' or a URL"),
        (
            ("--broker", "amqp://h", "--record", "e=#", "--history", "amqp://u:geheim@h/a/b"),
            "--history: the broker URL has more than a virtual host behind the host",
        ),
        (("--history-age", "0"), "greater than or equal to 1"),
        (("--history-bytes", "lots"), "--history-bytes"),
    ],
)
def test_what_cannot_be_kept_stops_the_start(options: tuple[str, ...], says: str) -> None:
    done = run_cli("serve", *options)
    (line,) = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert says in line
    assert "geheim" not in line


def test_several_workers_say_that_each_has_a_history_of_its_own(rabbit: Rabbit) -> None:
    options = ("--broker", rabbit.amqp_url, "--workers", "2")
    said = "each of 2 workers has a history of its own"
    with Server(*options) as server:
        wait_until(lambda: said in server.stderr, "the warning")
    with Server(*options, "--history", "off") as other:
        wait_until(lambda: other.stderr.count("consuming") == 2, "both consume")
        assert said not in other.stderr
