"""HTTP as few clients speak it: spellings, methods, versions, and what no answer tells."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.local_server import LocalServer, local_server
from tests.support.raw_http import (
    CLOSE,
    PING,
    PUBLISH,
    everything,
    get,
    post,
    request,
    sending,
    statuses,
)
from tests.support.raw_stream import RawStream, connect_target, conversation
from tests.support.waiting import wait_until

# Spellings of a path


@pytest.mark.parametrize(
    "target",
    [
        "/events/v1/%70ing",
        "/__lbheartbeat%5f_",
        "/%6Detrics",
        "/%256Detrics",
        "/events%2fv1/ping",
        "/events/v1%2Fping",
        "/events//v1/ping",
        "//events/v1/ping",
        "/events/v1/ping//",
        "//",
        "/%2f",
        "/events/./v1/ping",
        "/events/v1/../v1/ping",
        "/EVENTS/v1/ping",
        "/events/v1/ping;x",
        "http://x//events/v1/ping",
    ],
)
def test_another_spelling_of_a_path_leads_nowhere(server: LocalServer, target: str) -> None:
    answer = conversation(server.port, get(target, CLOSE))
    assert statuses(answer) == [404]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "ResourceNotFound"


@pytest.mark.parametrize("target", ["http://x/events/v1/ping", "HTTP://other:80/events/v1/ping/"])
def test_a_whole_url_is_as_good_as_its_path(server: LocalServer, target: str) -> None:
    answer = conversation(server.port, get(target, CLOSE))
    assert statuses(answer) == [200]
    assert b"alive" in answer


def test_a_stream_may_be_asked_for_by_its_whole_url(server: LocalServer, name: str) -> None:
    target = connect_target((name, "#"))
    with RawStream(server.port, f"http://127.0.0.1:{server.port}{target}") as stream:
        stream.ready()


# Methods


@pytest.mark.parametrize("target", ["/nowhere", "*", "/events/v1/ping/x", "/%6Detrics"])
def test_options_are_answered_everywhere(server: LocalServer, target: str) -> None:
    origin = b"Origin: https://example.org\r\nAccess-Control-Request-Method: POST\r\n"
    answer = conversation(server.port, request(f"OPTIONS {target} HTTP/1.1", origin, CLOSE))
    assert statuses(answer) == [204]
    fields = answer.decode().split("\r\n")
    assert "Access-Control-Allow-Origin: *" in fields
    assert "Access-Control-Allow-Methods: GET, HEAD, OPTIONS, POST" in fields
    assert "Allow: GET, HEAD, OPTIONS, POST" in fields
    assert answer.endswith(b"\r\n\r\n")


PREFIXES = ("/events/v1", "/api/events/v1", "/v1")
GOT = [
    "/",
    "/__version__",
    "/__lbheartbeat__",
    "/__heartbeat__",
    "/metrics",
    "/static/pulse-events.js",
    *(
        f"{prefix}/{name}"
        for prefix in ("/events/v1", "/api/events/v1")
        for name in ("ping", "stats")
    ),
    *(f"{prefix}/config" for prefix in ("/events/v1", "/api/events/v1", "/v1")),
    *(f"{prefix}/catalogue" for prefix in ("/events/v1", "/api/events/v1", "/v1")),
]


@pytest.mark.parametrize("path", GOT)
def test_head_gets_what_get_does_without_a_body(server: LocalServer, path: str) -> None:
    sent = request(f"HEAD {path} HTTP/1.1") + get(PING, CLOSE)
    answers = conversation(server.port, sent)
    assert statuses(answers) == [200, 200]
    head, _, rest = answers.partition(b"\r\n\r\n")
    assert rest.startswith(b"HTTP/1.1 200 ")  # nothing is between the two
    assert b"\r\nContent-Length: 0\r\n" not in head


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), (PUBLISH, 405)])
def test_head_gets_errors_without_a_body(server: LocalServer, path: str, status: int) -> None:
    answers = conversation(server.port, request(f"HEAD {path} HTTP/1.1") + get(PING, CLOSE))
    assert statuses(answers) == [status, 200]
    assert answers.partition(b"\r\n\r\n")[2].startswith(b"HTTP/1.1 200 ")


def test_connect_is_refused_and_its_connection_closed() -> None:
    with local_server({"HttpServer": {"idle_s": 0.5}}) as server:
        assert statuses(conversation(server.port, request("CONNECT x:443 HTTP/1.1"))) == [405]


# Connections


def test_http_1_0_keeps_its_connection_if_it_asks_for_it(server: LocalServer) -> None:
    kept = request(f"GET {PING} HTTP/1.0", b"Connection: keep-alive\r\n")
    answers = conversation(server.port, kept * 2 + request(f"GET {PING} HTTP/1.0"))
    assert statuses(answers) == [200, 200, 200]
    assert answers.count(b"\r\nConnection: keep-alive\r\n") == 2


def test_http_1_0_gets_the_end_as_a_closed_connection(server: LocalServer) -> None:
    with sending(server.port, request("GET /v1/connect HTTP/1.0")) as connection:
        assert everything(connection).endswith(b"\nid: -\n\n")


def test_a_stream_comes_after_more_requests_than_are_kept_in_line(
    server: LocalServer, name: str
) -> None:
    wait_until(lambda: not server.counts().clients, "those of the other tests have left")
    with RawStream(server.port, PING) as stream:
        stream.body()
        stream.socket.sendall(get(PING) * 200 + get(connect_target((name, "#"))))
        for _ in range(200):
            stream.body()
        stream.ready()
        assert server.counts().clients == 1
    wait_until(lambda: not server.counts().clients, "it has left")


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0"])
def test_an_upgrade_is_not_made_and_its_connection_not_kept(
    server: LocalServer, protocol: bytes
) -> None:
    fields = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
    sent = get(PING, fields, b"Upgrade: %b\r\n" % protocol) + get(PING)
    answer = conversation(server.port, sent, within_s=5)
    assert statuses(answer) == [200]
    assert b"\r\nConnection: close\r\n" in answer


def test_a_stream_comes_though_its_client_offers_an_upgrade(server: LocalServer, name: str) -> None:
    headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c"}
    with RawStream(server.port, connect_target((name, "#")), headers=headers) as stream:
        stream.ready()
        server.say(name, "k")
        stream.event("message")


# Headers


@pytest.fixture(scope="module")
def failing() -> Iterator[LocalServer]:
    """A server one route of which fails."""

    def fail() -> str:
        raise RuntimeError("a fault of ours")

    part: Any = {"App": {"release": fail}}
    with local_server(part) as running:
        yield running


ANSWERED = {
    200: get(PING, CLOSE),
    202: post(PUBLISH, CLOSE),
    204: request("OPTIONS / HTTP/1.1", CLOSE),
    304: get("/static/pulse-events.js", b"If-None-Match: *\r\n", CLOSE),
    400: b"garbage\r\n\r\n",
    404: get("/nowhere", CLOSE),
    405: post("/", CLOSE),
    413: post("/events/v1/bindings", CLOSE, body=b"x" * 500_000),
    417: get(PING, b"Expect: x\r\n", CLOSE),
    431: get(PING, b"A: %b\r\n" % (b"b" * 70_000)),
    500: get("/__version__", CLOSE),
}


@pytest.mark.parametrize("status", ANSWERED)
def test_no_answer_tells_versions(failing: LocalServer, status: int) -> None:
    answer = conversation(failing.port, ANSWERED[status])
    assert statuses(answer) == [status]
    head = answer.partition(b"\r\n\r\n")[0].decode()
    assert re.findall(r"(?mi)^server: (.*?)\r?$", head) == ["pulse-events"]
    assert not re.search(r"(?i)python|aiohttp|/3\.", head)


def test_no_stream_tells_versions(server: LocalServer, name: str) -> None:
    for target in (connect_target((name, "#")), connect_target(("", "#"), errors="http")):
        with RawStream(server.port, target) as stream:
            assert "aiohttp" not in stream.head().raw.decode()
