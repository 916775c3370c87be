"""What is not a stream: answers, methods, paths, and their headers for other origins."""

import json
import time

import pytest

from tests.support.local_server import LocalServer
from tests.support.raw_stream import Head, RawStream, connect_target
from tests.support.waiting import wait_until
from tests.web.test_streams import PATHS
from tests.web.test_wrong_requests import error_document


def ask(server: LocalServer, path: str, method: str = "GET", **headers: str) -> tuple[Head, bytes]:
    """Return the head and the body of one answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with RawStream(server.port, path, method=method, headers=named) as stream:
        head = stream.head()
        assert head.headers["access-control-allow-origin"] == "*"
        return head, b"" if method == "HEAD" else stream.content(head)


@pytest.mark.parametrize("path", PATHS)
def test_a_reconnect_gets_204_and_nothing_else(server: LocalServer, name: str, path: str) -> None:
    target = connect_target((name, "#"), path=path)
    with RawStream(server.port, target, headers={"Last-Event-ID": "-"}) as stream:
        head = stream.head()
        assert head.status == 204
        assert head.headers["access-control-allow-origin"] == "*"
        assert "transfer-encoding" not in head.headers
        assert head.headers.get("content-length", "0") == "0"
        stream.request("/events/v1/ping")  # nothing stands between the two answers
        assert stream.head().status == 200


def test_a_reconnect_gets_204_even_if_its_request_is_wrong(server: LocalServer) -> None:
    head, body = ask(server, "/events/v1/connect/?errors=http", Last_Event_ID="x")
    assert (head.status, body) == (204, b"")


@pytest.mark.parametrize("value", ["", "  "], ids=["empty", "blank"])
def test_an_empty_last_event_id_is_none(server: LocalServer, name: str, value: str) -> None:
    target = connect_target((name, "#"))
    with RawStream(server.port, target, headers={"Last-Event-ID": value}) as stream:
        stream.ready()


@pytest.mark.parametrize("path", PATHS)
def test_head_gets_the_head_of_a_stream_and_no_body(
    server: LocalServer, name: str, path: str
) -> None:
    with RawStream(server.port, connect_target((name, "#"), path=path), method="HEAD") as stream:
        head = stream.head()
        assert head.status == 200
        assert head.headers["content-type"] == "text/event-stream"
        assert head.headers["cache-control"] == "no-cache"
        assert head.headers["x-accel-buffering"] == "no"
        assert head.headers["access-control-allow-origin"] == "*"
        stream.request("/events/v1/ping")
        assert stream.head().status == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_is_answered_with_204(server: LocalServer, path: str) -> None:
    head, body = ask(
        server,
        path,
        "OPTIONS",
        Origin="https://example.org",
        Access_Control_Request_Method="GET",
        Access_Control_Request_Headers="last-event-id",
    )
    assert (head.status, body) == (204, b"")
    assert set(head.headers["access-control-allow-methods"].split(", ")) >= {"GET", "HEAD"}
    assert head.headers["access-control-allow-headers"] in ("*", "last-event-id")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_another_method_gets_405_and_the_ones_that_are_possible(
    server: LocalServer, method: str
) -> None:
    with RawStream(server.port, "/events/v1/connect/", method=method) as stream:
        head = stream.head()
        assert head.status == 405
        assert set(head.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
        document = json.loads(stream.content(head))
    assert method in document["message"]


@pytest.mark.parametrize(
    "path", ["/events/v2/connect/", "/events/v1/", "/connect/", "/%00", "/%F0%9F", "/..%2f"]
)
def test_another_path_gets_404_in_the_same_shape(server: LocalServer, path: str) -> None:
    with RawStream(server.port, path) as stream:
        assert error_document(stream, 404)["code"] == "ResourceNotFound"


@pytest.mark.parametrize("path", ["/api/events/v1/ping", "/events/v1/ping", "/events/v1/ping/"])
def test_ping_says_that_the_process_is_alive_and_since_when(server: LocalServer, path: str) -> None:
    head, body = ask(server, path)
    assert head.headers["content-type"].startswith("application/json")
    document = json.loads(body)
    assert list(document) == ["alive", "uptime"]
    assert document["alive"] is True
    assert 0 <= document["uptime"] < time.monotonic()


@pytest.mark.parametrize("path", ["/__lbheartbeat__", "/__heartbeat__", "/__version__"])
def test_the_dockerflow_endpoints_answer_with_200_and_json(server: LocalServer, path: str) -> None:
    head, body = ask(server, path)
    assert (head.status, head.headers["content-type"]) == (200, "application/json")
    document = json.loads(body)
    if path == "/__version__":
        assert document.keys() >= {"source", "version", "commit", "build"}


@pytest.mark.parametrize("path", ["/events/v1/ping", "/__heartbeat__", "/metrics", "/"])
def test_head_works_wherever_get_does(server: LocalServer, path: str) -> None:
    with RawStream(server.port, path, method="HEAD") as stream:
        assert stream.head().status == 200
        stream.request("/events/v1/ping")
        assert stream.head().status == 200


def test_the_counts_follow_what_happens(server: LocalServer, name: str) -> None:
    wait_until(lambda: not server.counts().clients, "the other tests' clients have left")
    before = json.loads(ask(server, "/api/events/v1/stats")[1])
    with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
        server.say(name, "k")
        size = len(stream.event("message").raw)
        framing = len(b"%x\r\n\r\n" % size)
        after = json.loads(ask(server, "/events/v1/stats")[1])
    grown = {key: after[key] - before[key] for key in before if after[key] != before[key]}
    assert grown == {
        "clients": 1,
        "audiences": 1,
        "bindings": 1,
        "historyRecords": 1,
        "historyBytes": after["historyBytes"] - before["historyBytes"],
        "messagesIn": 1,
        "messagesOut": 1,
        "bytesOut": size + framing,
    }
    assert {"slowClientsClosed", "unrouted"} <= before.keys()


def test_the_metrics_are_prometheus_text_with_the_same_counts(server: LocalServer) -> None:
    head, body = ask(server, "/metrics")
    assert head.headers["content-type"].startswith("text/plain")
    lines = body.decode().splitlines()
    assert "pulse_events_broker_connected 1.0" in lines
    assert any(line.startswith("pulse_events_messages_in_total ") for line in lines)
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)
