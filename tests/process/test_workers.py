"""Several processes on one port: counted as one, restarted, and never left behind."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target, ready_streams
from tests.support.server import Server
from tests.support.waiting import wait_until

EXCHANGE = "exchange/workers"
TARGET = connect_target((EXCHANGE, "#"))


@pytest.fixture
def server(rabbit: Rabbit, amqp: Amqp) -> Iterator[Server]:
    amqp.declare_exchange(EXCHANGE)
    with Server("--broker", rabbit.amqp_url, "--workers", "2") as running:
        yield running
    amqp.delete_exchange(EXCHANGE)


def workers(server: Server) -> list[int]:
    """Return the ids of the processes that the supervisor has started."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text()
    return [int(word) for word in children.split()]


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def has_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def clients(server: Server) -> int:
    with RawStream(server.port, "/api/events/v1/stats") as stream:
        return int(json.loads(stream.body())["clients"])


def test_the_counts_are_those_of_all_workers_whichever_is_asked(server: Server) -> None:
    assert len(workers(server)) == 2
    with ready_streams(server.port, TARGET, 40):
        assert {clients(server) for _ in range(10)} == {40}
        with RawStream(server.port, "/metrics") as stream:
            assert b"\npulse_events_clients 40.0\n" in stream.body()
    wait_until(lambda: clients(server) == 0, "all have left")


def test_each_worker_has_all_messages_for_its_streams(server: Server, amqp: Amqp) -> None:
    with ready_streams(server.port, TARGET, 20) as streams:
        for number in range(20):
            amqp.publish(EXCHANGE, "k", b"%d" % number)
        for stream in streams:
            assert [event.json["payload"] for event in stream.events(20)] == list(range(20))


def test_each_worker_takes_some_of_the_streams(server: Server) -> None:
    with ready_streams(server.port, TARGET, 40):
        pids = workers(server)
        during = [descriptors(pid) for pid in pids]

    def given_back() -> list[int]:
        return [count - descriptors(pid) for pid, count in zip(pids, during, strict=True)]

    wait_until(lambda: sum(given_back()) == 40, "the connections of all streams are closed")
    assert min(given_back()) > 0


def test_a_worker_that_is_killed_is_replaced_and_the_other_one_goes_on(server: Server) -> None:
    victim, survivor = workers(server)
    with ExitStack() as opened:
        for _ in range(20):
            opened.enter_context(RawStream(server.port, TARGET).ready())
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in workers(server), "the victim is gone")
        wait_until(lambda: len(workers(server)) == 2, "there are two again")
        assert survivor in workers(server)
        assert 0 <= clients(server) <= 20
    with ready_streams(server.port, TARGET, 20):
        wait_until(lambda: clients(server) == 20, "the new streams are counted")
    assert "a worker ended with code -9" in server.stderr
    assert server.stdout.count("\n") == 1


def test_a_worker_is_replaced_though_the_configuration_has_become_wrong(rabbit: Rabbit) -> None:
    configuration = f"broker: {rabbit.amqp_url}\nping-interval: 5\n"
    with Server("--workers", "2", files={"user-config.yml": configuration}) as server:
        (server.folder / "user-config.yml").write_text("broker: [geheim]\nsecret: geheim\n")
        victim, survivor = workers(server)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in workers(server), "the victim is gone")
        os.kill(survivor, signal.SIGKILL)

        def serves_again() -> bool:
            try:
                return clients(server) == 0
            except (OSError, EOFError):
                return False

        wait_until(serves_again, "a new worker serves")
        assert "geheim" not in server.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_supervisor_ends_all_in_order(server: Server, how: signal.Signals) -> None:
    pids = workers(server)
    with ready_streams(server.port, TARGET, 10) as streams:
        assert server.stop(how) == 0
        for stream in streams:
            assert "stopping" in stream.event("error").json
    assert all(map(has_gone, pids))
    assert "Traceback" not in server.stderr


def test_an_interrupt_at_the_terminal_reaches_all_and_ends_all_in_order(server: Server) -> None:
    pids = workers(server)
    os.killpg(server.pid, signal.SIGINT)
    assert server.stop(signal.SIGINT) == 0
    assert all(map(has_gone, pids))
    assert "Traceback" not in server.stderr
    assert "a worker ended" not in server.stderr


def test_workers_end_when_their_supervisor_is_killed(server: Server) -> None:
    pids = workers(server)
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: all(map(has_gone, pids)), "the workers have ended")
    assert "Traceback" not in server.stderr


def test_what_is_posted_reaches_the_streams_of_every_worker_with_the_embedded_broker() -> None:
    with Server("--workers", "2") as running, ready_streams(running.port, TARGET, 20) as streams:
        for number in range(20):
            body = {"exchange": EXCHANGE, "routingKey": "k", "payload": number, "cc": ["route.x"]}
            post(running, "/events/v1/publish", body)
        for stream in streams:
            events = [event.json for event in stream.events(20)]
            assert sorted(event["payload"] for event in events) == list(range(20))
            assert all(event["routes"] == ["x"] for event in events)


@pytest.mark.parametrize("limit", ["--max-streams", "--max-streams-per-address"])
def test_a_limit_holds_for_each_worker_by_itself(limit: str) -> None:
    with Server("--workers", "2", limit, "3") as running, ExitStack() as opened:
        kinds = []
        for _ in range(80):  # that one of the two has less than three of them is a wonder
            stream = opened.enter_context(RawStream(running.port, TARGET))
            assert stream.head().status == 200
            kinds.append(stream.event().kind)
    assert kinds.count("error") == 80 - 2 * 3
    assert kinds.count("ready") == 2 * 3


def post(server: Server, path: str, document: object) -> None:
    request = urllib.request.Request(server.url.rstrip("/") + path, json.dumps(document).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 202
