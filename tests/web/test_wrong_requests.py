"""Each wrong request gets an event that says what is wrong, or an HTTP error if asked for."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.local_server import LocalServer
from tests.support.raw_stream import CONNECT_PATH, RawStream, connect_target
from tests.support.server import Server
from tests.web.test_streams import HEAD
from tests.web.test_take_over import memory_bytes

GOOD = {"exchange": "e", "routingKeyPattern": "#"}


def entries(*wrong: Any) -> str:
    """Return the parameter's text for entries of which the third is the first wrong one."""
    return json.dumps({"bindings": [GOOD, GOOD, *wrong]})


def name_of(exchange: str = "e", pattern: str = "#") -> str:
    return entries({"exchange": exchange, "routingKeyPattern": pattern})


WRONG = {
    "missing": (None, ["'bindings' is missing"]),
    "empty": ("", ["not JSON"]),
    "not JSON": ("{bindings", ["not JSON"]),
    "not JSON: a lone surrogate": ('{"bindings": ["\\ud800"]}', ["not JSON"]),
    "not UTF-8": ("%FF", ["not JSON"]),
    "a list": ("[]", ["must be a JSON object", "an array"]),
    "null": ("null", ["must be a JSON object", "null"]),
    "a string": ('"bindings"', ["must be a JSON object", "a string"]),
    "a number": ("7", ["must be a JSON object", "a number"]),
    "no key": ("{}", ["'bindings' is missing"]),
    "another key": ('{"bindings": [], "durable": true}', ["unknown key 'durable'"]),
    "no array": ('{"bindings": {}}', ["must be an array", "an object"]),
    "null for the array": ('{"bindings": null}', ["must be an array", "null"]),
    "no entries": ('{"bindings": []}', ["'bindings' is empty"]),
    "an entry is a string": (entries("e"), ["bindings[2]", "must be an object", "a string"]),
    "an entry is null": (entries(None), ["bindings[2]", "must be an object", "null"]),
    "no exchange": (entries({"routingKeyPattern": "#"}), ["bindings[2]", "lacks", "'exchange'"]),
    "no pattern": (entries({"exchange": "e"}), ["bindings[2]", "lacks", "'routingKeyPattern'"]),
    "a key twice": (
        f'{{"bindings": [{json.dumps(GOOD)}], "bindings": [{json.dumps(GOOD)}]}}',
        ["the JSON object", "the key 'bindings' twice"],
    ),
    "a field twice": (
        entries(GOOD)
        .replace('"exchange": "e"}', "}")
        .replace('"#"}]', '"#", "routingKeyPattern": "#"}]'),
        ["bindings[2]", "the key 'routingKeyPattern' twice"],
    ),
    "an exchange of null": (
        entries(GOOD | {"exchange": None}),
        ["bindings[2].exchange", "must be a string", "null"],
    ),
    "a pattern of a number": (
        entries(GOOD | {"routingKeyPattern": 1}),
        ["bindings[2].routingKeyPattern", "must be a string", "a number"],
    ),
    "a pattern of true": (
        entries(GOOD | {"routingKeyPattern": True}),
        ["bindings[2].routingKeyPattern", "must be a string", "a boolean"],
    ),
    "an exchange of 256 bytes": (
        name_of(exchange="e" * 256),
        ["bindings[2]", "exchange is 256 bytes", "255"],
    ),
    "a pattern of 256 bytes": (
        name_of(pattern="é" * 128),
        ["bindings[2]", "routingKeyPattern is 256 bytes", "255"],
    ),
    "a control character": (name_of(exchange="e\0"), ["bindings[2]", "exchange", "control"]),
    "a line break": (name_of(pattern="a\nb"), ["bindings[2]", "routingKeyPattern", "control"]),
    "a delete": (name_of(pattern="a\x7f"), ["bindings[2]", "routingKeyPattern", "control"]),
    "a C1 control": (name_of(pattern="a\x85"), ["bindings[2]", "routingKeyPattern", "control"]),
    "101 bindings": (json.dumps({"bindings": [GOOD] * 101}), ["101 entries", "limit is 100"]),
}
EACH = pytest.mark.parametrize(("text", "parts"), WRONG.values(), ids=WRONG)


def target(text: str | None, more: str = "") -> str:
    query = "" if text is None else f"bindings={text if text == '%FF' else quote(text)}"
    return f"/events/v1/connect/?{query}{more}"


@EACH
def test_a_wrong_request_gets_one_error_event_and_the_end(
    server: LocalServer, text: str | None, parts: list[str]
) -> None:
    with RawStream(server.port, target(text)) as stream:
        assert stream.head().raw == HEAD
        raw = stream.rest()
    match = re.fullmatch(rb"event: error\ndata: (\"[^\r\n]*\")\nid: -\n\n", raw)
    assert match, raw
    reason = json.loads(match[1])
    assert all(part in reason for part in parts), reason


@EACH
def test_a_wrong_request_gets_status_400_where_http_errors_are_asked_for(
    server: LocalServer, text: str | None, parts: list[str]
) -> None:
    with RawStream(server.port, target(text, "&errors=http")) as stream:
        document = error_document(stream, 400)
    assert document["code"] == "InputError"
    assert all(part in document["message"] for part in parts), document
    request = document["requestInfo"]
    assert request["method"] == "GET"
    assert request["params"]["errors"] == "http"
    assert request["payload"] == {}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", request["time"])


def error_document(stream: RawStream, status: int) -> dict[str, Any]:
    """Read an HTTP error in Taskcluster's shape, and return it."""
    head = stream.head()
    assert head.status == status, head.raw
    assert head.headers["content-type"].startswith("application/json")
    assert head.headers["access-control-allow-origin"] == "*"
    body = stream.content(head)
    document: dict[str, Any] = json.loads(body)
    assert list(document) == ["code", "message", "requestInfo"]
    return document


def test_the_error_of_a_refused_exchange_is_404_where_http_errors_are_asked_for(
    server: LocalServer, name: str
) -> None:
    query = connect_target((name, "#"), ("", "#"), errors="http")
    with RawStream(server.port, query) as stream:
        document = error_document(stream, 404)
        assert stream.rest() == b""
    assert document["code"] == "ResourceNotFound"
    assert "exchange ''" in document["message"]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_right_request_gets_its_stream_where_http_errors_are_asked_for(
    server: LocalServer, name: str, version: str
) -> None:
    target = connect_target((name, "#"), errors="http")
    framing = b"" if version == "1.1" else b"Transfer-Encoding: chunked\r\n"
    with RawStream(server.port, target, version=version) as stream:
        assert stream.head().raw == HEAD.replace(framing, b"")
        assert stream.event().kind == "ready"
        server.say(name, "k")
        stream.event("message")


@pytest.mark.parametrize(
    "bindings",
    [
        [("e" * 255, "#")],
        [("e", "é" * 127 + "a")],
        [(f"e{n}", "#") for n in range(100)],
        [("e", "")],
        [("e", "#"), ("e", "#")],
        [("e", "a*.#b. c")],
    ],
    ids=["255 bytes", "255 bytes of UTF-8", "100 bindings", "empty", "twice", "odd"],
)
def test_what_is_just_inside_the_limits_is_ready(
    server: LocalServer, bindings: list[tuple[str, str]]
) -> None:
    with RawStream(server.port, connect_target(*bindings)) as stream:
        stream.ready()


def test_what_is_kept_of_a_wrong_request_is_not_what_it_was_parsed_into() -> None:
    with Server() as server, RawStream(server.port, "/events/v1/ping") as stream:
        stream.body()
        before = memory_bytes(server.pid)
        for more in range(300):
            lists = ",".join(["[]"] * (19_000 + more))
            stream.request(
                f"{CONNECT_PATH}?errors=http&bindings=%7B%22bindings%22:%5B{lists}%5D%7D"
            )
            head = stream.head()
            assert head.status == 400
            stream.content(head)
        assert memory_bytes(server.pid) - before < 100 << 20
