"""Streams that ask for it are told how the broker is."""

import pytest

from pulse_events.hub.ports import Health
from pulse_events.web.status import BrokerStatus
from tests.support.local_server import LocalServer, local_server
from tests.support.raw_stream import RawStream, connect_target
from tests.web.test_ambiguity import BINDINGS, refusals

OK = Health(connected=True)
LOST = Health(connected=False, reason="no broker")


def test_a_stream_that_asks_is_told_at_its_start(server: LocalServer, name: str) -> None:
    with RawStream(server.port, connect_target((name, "#"), status="true")) as stream:
        stream.head()
        ready, status = sorted(stream.events(2), key=lambda event: event.kind)
    assert (ready.kind, status.kind) == ("ready", "status")
    assert status.json.keys() == {"broker", "reason", "since"}
    assert (status.json["broker"], status.json["reason"]) == ("ok", "")
    assert status.event_id == "-"


@pytest.mark.parametrize("query", [{}, {"status": "false"}])
def test_others_are_not(query: dict[str, str], name: str) -> None:
    with (
        local_server(ping_interval=0.5) as server,
        RawStream(server.port, connect_target((name, "#"), **query)) as stream,
    ):
        stream.head()
        assert [stream.event().kind for _ in range(2)] == ["ready", "ping"]


def test_its_id_is_the_stream_s_cursor(name: str) -> None:
    with local_server(history="memory") as server:
        target = connect_target((name, "#"), status="true", resume="true")
        with RawStream(server.port, target) as stream:
            stream.head()
            for _ in range(2):
                assert stream.event().event_id.startswith("1m")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_wrong_request_gets_its_status_all_the_same(server: LocalServer, version: str) -> None:
    target = connect_target(("e", "a" * 300), status="true", errors="http")
    with RawStream(server.port, target, version=version) as stream:
        assert stream.head().status == 400


def test_it_comes_behind_a_head_that_waits(server: LocalServer, name: str) -> None:
    target = connect_target((name, "#"), status="true", errors="http")
    with RawStream(server.port, target) as stream:
        assert stream.head().status == 200
        assert {event.kind for event in stream.events(2)} == {"ready", "status"}


def test_what_is_neither_true_nor_false_is_refused(server: LocalServer) -> None:
    told = refusals(server, f"bindings={BINDINGS}&status=yes")
    assert told == {"the query parameter 'status' is 'yes', it may be 'true' or 'false'"}


def test_the_time_is_that_of_the_loss_whatever_else_is_said_of_it() -> None:
    states = [OK, LOST, LOST._replace(reason="still none"), OK, OK._replace(warning="full"), OK]
    at_s = iter(range(100))
    now = [states[0]]
    status = BrokerStatus(lambda: now[0], lambda: next(at_s) * 1000)
    seen = []
    for state in states[1:]:
        now[0] = state
        assert status.look()
        assert not status.look()
        seen.append(status.document())
    assert [(told["broker"], told["reason"], told["since"][17:19]) for told in seen] == [
        ("lost", "no broker", "01"),
        ("lost", "still none", "01"),
        ("ok", "", "02"),
        ("ok", "full", "02"),
        ("ok", "", "02"),
    ]
