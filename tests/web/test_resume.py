"""Resuming from outside: what a request may say, and the bytes that come."""

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.support.local_server import LocalServer, local_server
from tests.support.raw_stream import RawStream, connect_target

pytestmark = pytest.mark.quick

FORGED = "the cursor is not of this server's history"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with local_server(ping_interval=60.0) as running:
        yield running


@pytest.fixture(scope="module")
def forgetful() -> Iterator[LocalServer]:
    with local_server(history="off") as running:
        yield running


def target(name: str, **parameters: str) -> str:
    return connect_target((name, "#"), resume="true", **parameters)


def head_of(server: LocalServer, path: str, **headers: str) -> int:
    with RawStream(server.port, path, headers=headers) as answer:
        return answer.head().status


def error_of(server: LocalServer, path: str, **headers: str) -> str:
    with RawStream(server.port, path, headers=headers) as answer:
        answer.head()
        event = answer.event("error")
        assert event.event_id == "-"
        return str(event.json)


def test_the_delay_differs_so_that_not_all_come_back_at_once(
    server: LocalServer, name: str
) -> None:
    delays = []
    for _ in range(10):
        with RawStream(server.port, target(name)) as stream:
            stream.head()
            found = re.match(rb"retry: ([0-9]+)\n", stream.event("ready").raw)
            assert found is not None
            delays.append(int(found[1]))
    assert all(1000 <= delay <= 5000 for delay in delays)
    assert len(set(delays)) > 1


def test_every_event_has_a_cursor_and_ready_a_delay(server: LocalServer, name: str) -> None:
    with RawStream(server.port, target(name)) as stream:
        stream.head()
        ready = stream.event("ready")
        assert re.fullmatch(
            rb"retry: [1-5][0-9]{3}\nevent: ready\ndata: \{\}\nid: [A-Za-z0-9_-]{5,63}\n\n",
            ready.raw,
        )
        ids = [ready.event_id]
        for number in range(3):
            server.say(name, "k", b"%d" % number)
            ids.append(stream.event("message").event_id)
        assert len(set(ids)) == 4
        with RawStream(server.port, connect_target((name, "#"))).ready() as plain:
            server.say(name, "k")
            assert plain.event("message").event_id == "-"


def test_a_stream_goes_on_behind_its_cursor_by_header_or_parameter(
    server: LocalServer, name: str
) -> None:
    with RawStream(server.port, target(name)).ready() as stream:
        server.say(name, "k", b"0")
        cursor = stream.event("message").event_id
        server.say(name, "k", b"1")
    server.say(name, "k", b"2")
    for path, headers in (
        (target(name), {"Last-Event-ID": cursor}),
        (target(name, lastEventId=cursor), {}),
        (target(name, lastEventId="x"), {"Last-Event-ID": cursor}),
        (target(name, since="1d"), {"Last-Event-ID": cursor}),
        (target(name, last="1", lastEventId=cursor), {}),
    ):
        with RawStream(server.port, path, headers=headers) as stream:
            stream.head()
            assert stream.event("ready").event_id == cursor
            assert [stream.event("message").json["payload"] for _ in range(2)] == [1, 2]


def test_the_newest_are_given_and_what_came_since(server: LocalServer, name: str) -> None:
    with RawStream(server.port, target(name)).ready() as stream:
        for number in range(5):
            server.say(name, "k", b"%d" % number)
        stream.events(5)
    for parameters, expected in (
        ({"last": "2"}, [3, 4]),
        ({"last": "1000"}, [0, 1, 2, 3, 4]),
    ):
        with RawStream(server.port, target(name, **parameters)) as stream:
            stream.head()
            stream.event("ready")
            got = [stream.event("message").json["payload"] for _ in expected]
            assert got == expected
    with RawStream(server.port, target(name, since="2020-01-01")) as stream:
        stream.head()
        stream.event("ready")
        gap = stream.event("gap").json
        assert gap["from"] == "2020-01-01T00:00:00.000Z"
        assert gap["reason"] == "these bindings were not all in force before"
        assert [stream.event("message").json["payload"] for _ in range(5)] == list(range(5))


@pytest.mark.parametrize("cursor", ["-", "x", "1mAAAAAAAAAAA5", "é", "\x01"])
def test_any_other_cursor_is_a_gap_and_the_stream_goes_on(
    server: LocalServer, name: str, cursor: str
) -> None:
    with RawStream(server.port, target(name, lastEventId=cursor)) as stream:
        stream.head()
        stream.event("ready")
        assert stream.event("gap").json["from"] is None
        server.say(name, "k")
        stream.event("message")


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"resume": "yes"}, "'resume' is 'yes', it may be 'true' or 'false'"),
        ({"resume": ""}, "'resume' is ''"),
        ({"since": "10m"}, "'since' needs 'resume=true'"),
        ({"last": "10", "resume": "false"}, "'last' needs 'resume=true'"),
        ({"since": "10m", "last": "1", "resume": "true"}, "'since' and 'last' are both given"),
        ({"since": "soon", "resume": "true"}, "like 90s, 10m"),
        ({"since": "2999-01-01", "resume": "true"}, "still to come"),
        ({"last": "0", "resume": "true"}, "it may be 1 to 1000"),
        ({"last": "1001", "resume": "true"}, "it may be 1 to 1000"),
        ({"last": "-1", "resume": "true"}, "it may be 1 to 1000"),
        ({"last": "٣", "resume": "true"}, "it may be 1 to 1000"),
        ({"last": "", "resume": "true"}, "it may be 1 to 1000"),
    ],
)
def test_a_wrong_wish_is_refused(
    server: LocalServer, name: str, parameters: dict[str, str], says: str
) -> None:
    assert says in error_of(server, connect_target((name, "#"), **parameters))
    assert head_of(server, connect_target((name, "#"), errors="http", **parameters)) == 400


@pytest.mark.parametrize("parameter", ["resume=true", "since=1s", "last=1"])
def test_a_wish_that_is_given_twice_is_refused(
    server: LocalServer, name: str, parameter: str
) -> None:
    path = f"{connect_target((name, '#'))}&{parameter}&{parameter}"
    assert "is given twice" in error_of(server, path)


def test_without_a_history_nothing_can_be_resumed(forgetful: LocalServer, name: str) -> None:
    assert "keeps no history" in error_of(forgetful, target(name))
    with RawStream(forgetful.port, "/events/v1/config") as answer:
        assert json.loads(answer.body())["history"] == "off"
    assert head_of(forgetful, connect_target((name, "#")), **{"Last-Event-ID": "x"}) == 204


def test_a_browser_that_comes_back_stops_unless_it_resumes(server: LocalServer, name: str) -> None:
    plain = connect_target((name, "#"))
    for path in (plain, f"{plain}&resume=false"):
        assert head_of(server, path, **{"Last-Event-ID": "x"}) == 204
        assert head_of(server, f"{path}&lastEventId=x") == 204
    assert head_of(server, target(name), **{"Last-Event-ID": "x"}) == 200


def test_a_browser_stops_that_comes_back_with_a_wrong_request(
    server: LocalServer, name: str
) -> None:
    wrong = f"/v1/connect?bindings={quote('[]')}&resume=true"
    assert "object" in error_of(server, wrong)
    assert head_of(server, wrong, **{"Last-Event-ID": "-"}) == 204
    assert "object" in error_of(server, wrong, **{"Last-Event-ID": "x"})


def test_who_is_refused_for_now_keeps_its_cursor(name: str) -> None:
    with (
        local_server(max_streams=1) as server,
        RawStream(server.port, target(name)).ready() as stream,
    ):
        server.say(name, "k")
        cursor = stream.event("message").event_id
        headers = {"Last-Event-ID": cursor}
        with RawStream(server.port, target(name), headers=headers) as second:
            second.head()
            assert second.event("error").event_id == cursor


def test_pings_keep_the_cursor_of_a_quiet_stream_fresh(name: str) -> None:
    with local_server(ping_interval=0.2) as server:
        with (
            RawStream(server.port, target(name)).ready() as busy,
            RawStream(server.port, target(f"{name} quiet")).ready() as quiet,
        ):
            server.say(name, "k")
            cursor = busy.event("message").event_id
            quiet.event("ping")
            assert quiet.event("ping").event_id == cursor == busy.event("ping").event_id
