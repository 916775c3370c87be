"""Bindings that the broker does not answer, as long as it is not there: counted, and limited."""

import json
import time
from typing import Any

from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until

NOBODY = "amqp://127.0.0.1:1/"


def stats(server: Server) -> dict[str, Any]:
    with RawStream(server.port, "/events/v1/stats") as stream:
        found: dict[str, Any] = json.loads(stream.body())
    return found


def target(*keys: str, exchange: str = "e", **query: str) -> str:
    return connect_target(*[(exchange, key) for key in keys], **query)


def test_they_are_counted_with_the_age_of_the_oldest_those_of_queues_of_their_own_too() -> None:
    with Server("--broker", NOBODY, "--exact", "own/*") as server:
        assert (stats(server)["bindingsWaiting"], stats(server)["bindingsWaitingAgeS"]) == (0, 0)
        start_s = time.monotonic()
        with (
            RawStream(server.port, target("a", "b")) as one,
            RawStream(server.port, target("b", "c")) as other,
            RawStream(server.port, target("d", "e", exchange="own/x")) as own,
        ):
            for stream in (one, other, own):
                assert stream.head().status == 200
            assert stats(server)["bindingsWaiting"] == 5
            wait_until(lambda: stats(server)["bindingsWaitingAgeS"] > 0.5, "they become older")
            assert stats(server)["bindingsWaitingAgeS"] <= time.monotonic() - start_s
            with RawStream(server.port, "/metrics") as asked:
                text = asked.body()
        assert b"\npulse_events_bindings_waiting 5.0\n" in text
        assert b"# TYPE pulse_events_bindings_waiting_age_s gauge\n" in text


def test_the_age_over_several_workers_is_that_of_the_oldest() -> None:
    with Server("--broker", NOBODY, "--workers", "2") as server:
        start_s = time.monotonic()
        streams = [RawStream(server.port, target(f"k.{n}")) for n in range(20)]
        wait_until(lambda: stats(server)["bindingsWaiting"] == 20, "all of both are counted")
        wait_until(lambda: stats(server)["bindingsWaitingAgeS"] > 1, "they become older")
        assert stats(server)["bindingsWaitingAgeS"] <= time.monotonic() - start_s
        for stream in streams:
            stream.close()


def test_an_address_that_has_too_many_must_wait_and_no_other() -> None:
    with Server("--broker", NOBODY, "--max-outstanding-bindings", "3") as server:
        with (
            RawStream(server.port, target("a", "b", "c")) as first,
            RawStream(server.port, target("a", "c")) as nothing_new,
            RawStream(server.port, target("d"), source="127.0.0.2") as other,
        ):
            for stream in (first, nothing_new, other):
                assert stream.head().status == 200
            with RawStream(server.port, target("e")) as refused:
                assert refused.head().status == 200
                text = refused.event("error").json
                assert text.startswith("127.0.0.1 has 3 bindings that the broker has not answered")
            with RawStream(server.port, target("e", errors="http")) as refused:
                assert refused.head().status == 429
            assert stats(server)["refusedOutstandingBindings"] == 2
            assert stats(server)["clients"] == 3


def test_the_embedded_broker_leaves_nothing_waiting() -> None:
    with Server() as server, RawStream(server.port, target("a")).ready():
        assert (stats(server)["bindingsWaiting"], stats(server)["bindingsWaitingAgeS"]) == (0, 0)
