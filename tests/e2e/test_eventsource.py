"""Clients that nobody here wrote: npm's EventSource in Node, and curl."""

import json
from pathlib import Path

from tests.support.amqp import Amqp
from tests.support.program import Program
from tests.support.raw_stream import connect_target
from tests.support.server import Server


def eventsource(server: Server, *bindings: tuple[str, str], last_slash: bool = True) -> Program:
    target = connect_target(*bindings, path="/events/v1/connect" + "/" * last_slash)
    url = f"http://127.0.0.1:{server.port}{target}"
    return Program("node", "eventsource.mjs", url, folder=Path(__file__).parent)


def test_eventsource_gets_ready_messages_and_pings(
    server: Server, amqp: Amqp, exchange: str
) -> None:
    with eventsource(server, (exchange, "a.#"), (exchange, "*.b")) as node:
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
    with eventsource(server, ("exchange/of/nobody", "#"), last_slash=False) as node:
        assert node.json()["status"] == 200
        error = node.json()
        assert error["what"] == "error"
        assert "exchange/of/nobody" in error["value"]
        assert node.json() == {"what": "reconnecting"}
        assert node.json() == {"what": "answer", "status": 204, "lastEventId": "-"}
        assert node.json() == {"what": "closed", "status": 204}
        assert node.exit_code() == 0


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
