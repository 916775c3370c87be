"""Clients that nobody here wrote: npm's EventSource in Node, and curl."""

import json
from pathlib import Path

import pytest

from tests.faults.feed import Feed
from tests.faults.proxy import Proxy
from tests.support.amqp import Amqp
from tests.support.program import Program
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import connect_target
from tests.support.server import Server

CUTS = 5


def eventsource(
    port: int, *bindings: tuple[str, str], last_slash: bool = True, **query: str
) -> Program:
    target = connect_target(*bindings, path="/events/v1/connect" + "/" * last_slash, **query)
    url = f"http://127.0.0.1:{port}{target}"
    return Program("node", "eventsource.mjs", url, folder=Path(__file__).parent)


def test_eventsource_gets_ready_messages_and_pings(
    server: Server, amqp: Amqp, exchange: str
) -> None:
    with eventsource(server.port, (exchange, "a.#"), (exchange, "*.b")) as node:
        assert node.json() == {"what": "answer", "status": 200}
        assert node.json(what="ready") == {"what": "ready", "value": {}, "id": "-"}
        amqp.publish(exchange, "a.b", b'{"text": "\\u0000 \xe2\x80\xa8 \\r\\n"}', cc=["route.x"])
        message = node.json(what="message")
        assert message["value"] == {
            "payload": {"text": "\0 \u2028 \r\n"},
            "exchange": exchange,
            "routingKey": "a.b",
            "redelivered": False,
            "routes": ["x"],
            "cc": ["route.x"],
        }
        ping = node.json(what="ping")
        assert ping["value"]["time"].endswith("Z")


def test_eventsource_gets_the_error_and_does_not_come_back(server: Server) -> None:
    with eventsource(server.port, ("exchange/of/nobody", "#"), last_slash=False) as node:
        assert node.json()["status"] == 200
        error = node.json()
        assert error["what"] == "error"
        assert "exchange/of/nobody" in error["value"]
        assert node.json() == {"what": "reconnecting"}
        assert node.json() == {"what": "answer", "status": 204, "lastEventId": "-"}
        assert node.json() == {"what": "closed", "status": 204}
        assert node.exit_code() == 0


@pytest.mark.timeout(150)
def test_eventsource_goes_on_where_it_was_with_nothing_but_resume_in_the_url(
    server: Server, rabbit: Rabbit, exchange: str
) -> None:
    got: list[int] = []
    with (
        Proxy(server.port) as proxy,
        eventsource(proxy.port, (exchange, "#"), resume="true") as node,
    ):
        node.json(what="ready")
        with Feed([rabbit.amqp_url], exchange) as feed:
            for _ in range(CUTS):
                got += numbers(node, 100)
                proxy.cut()
                proxy.mend()
                got += numbers_until_ready(node)
        got += numbers(node, len(feed.confirmed) - len(got))
    assert got == sorted(feed.confirmed)


def numbers(node: Program, count: int) -> list[int]:
    """Return what the next ``count`` messages of a feed are numbered."""
    return [node.json(what="message")["value"]["payload"]["n"] for _ in range(count)]


def numbers_until_ready(node: Program) -> list[int]:
    """Return those that come before the next ``ready``."""
    found = []
    while (line := node.json())["what"] != "ready":
        if line["what"] == "message":
            found.append(line["value"]["payload"]["n"])
    return found


def test_eventsource_is_told_of_a_gap_and_goes_on(
    server: Server, amqp: Amqp, exchange: str
) -> None:
    with eventsource(server.port, (exchange, "#"), resume="true", lastEventId="forged") as node:
        assert node.json(what="gap")["value"]["reason"].startswith("the cursor is not of this")
        amqp.publish(exchange, "k", b"1")
        assert node.json(what="message")["value"]["payload"] == 1


def test_curl_prints_the_events_as_they_come(server: Server, amqp: Amqp, exchange: str) -> None:
    target = connect_target((exchange, "#"))
    with Program("curl", "-sN", f"http://127.0.0.1:{server.port}{target}") as curl:
        assert [curl.line() for _ in range(4)] == ["event: ready", "data: {}", "id: -", ""]
        amqp.publish(exchange, "k", b'{"n": 1}')
        while (line := curl.line()) != "event: message":
            assert line
            for _ in range(3):  # the rest of a ping
                curl.line()
        message = json.loads(curl.line().removeprefix("data: "))
        assert message["payload"] == {"n": 1}


def test_curl_fails_with_the_status_where_http_errors_are_asked_for(server: Server) -> None:
    target = connect_target(("exchange/of/nobody", "#"), errors="http")
    url = f"http://127.0.0.1:{server.port}{target}"
    with Program("curl", "-s", "--fail-with-body", "-w", "%{http_code}\n", url) as curl:
        assert "exchange/of/nobody" in curl.json(code="ResourceNotFound")["message"]
        assert curl.line() == "404"
        assert curl.exit_code() == 22
