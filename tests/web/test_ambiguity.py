"""What a request says twice or in two ways is refused; a reconnect is known by header or URL."""

import json
from urllib.parse import quote

import pytest

from tests.support.local_server import LocalServer
from tests.support.raw_stream import RawStream, connect_target
from tests.web.test_streams import HEAD
from tests.web.test_wrong_requests import error_document

BINDINGS = quote(json.dumps({"bindings": [{"exchange": "e", "routingKeyPattern": "#"}]}))
TWICE = {
    "bindings": f"bindings={BINDINGS}&bindings={BINDINGS}",
    "bindings, once encoded": f"bindings={BINDINGS}&b%69ndings={BINDINGS}",
    "token": "token=a&token=b",
    "errors": f"bindings={BINDINGS}&errors=x&errors=x",
    "status": f"bindings={BINDINGS}&status=true&status=true",
    "compression": f"bindings={BINDINGS}&compression=gzip&compression=gzip",
    "lastEventId": f"bindings={BINDINGS}&lastEventId=&lastEventId=",
    "lastEventId, not empty": f"bindings={BINDINGS}&lastEventId=1&lastEventId=2",
}


def refusals(server: LocalServer, query: str) -> set[str]:
    """Return what the client is told, as an event and as an HTTP error."""
    target = f"/events/v1/connect/?{query}"
    with RawStream(server.port, target) as stream:
        assert stream.head().raw == HEAD
        told = {stream.event("error").json}
        assert stream.rest() == b""
    with RawStream(server.port, f"{target}&errors=http") as stream:
        return {*told, error_document(stream, 400)["message"]}


@pytest.mark.parametrize("what", TWICE)
def test_a_parameter_that_is_given_twice_is_refused(server: LocalServer, what: str) -> None:
    name = what.partition(",")[0]
    assert f"the query parameter '{name}' is given twice" in refusals(server, TWICE[what])


@pytest.mark.parametrize("token", ["", "x"])
def test_a_token_beside_bindings_is_refused(server: LocalServer, token: str) -> None:
    told = refusals(server, f"bindings={BINDINGS}&token={token}")
    assert told == {"the query parameters 'token' and 'bindings' are both given; give one"}


def test_two_wishes_for_http_errors_are_refused_with_one(server: LocalServer) -> None:
    target = f"/v1/connect?bindings={BINDINGS}&errors=x&errors=http"
    with RawStream(server.port, target) as stream:
        assert "'errors' is given twice" in error_document(stream, 400)["message"]


def test_other_parameters_are_ignored_however_often_they_stand_there(server: LocalServer) -> None:
    target = f"/v1/connect?bindings={BINDINGS}&_=1&_=2&Bindings=&last-event-id=x"
    with RawStream(server.port, target) as stream:
        stream.ready()


@pytest.mark.parametrize("query", [f"bindings={BINDINGS}&", "", "bindings=x&errors=http&"])
def test_the_polyfills_parameter_is_a_reconnect_as_the_header_is(
    server: LocalServer, query: str
) -> None:
    with RawStream(server.port, f"/events/v1/connect/?{query}lastEventId=-") as stream:
        head = stream.head()
        assert head.status == 204
        assert head.headers["access-control-allow-origin"] == "*"
        stream.request("/events/v1/ping")  # nothing stands between the two answers
        assert stream.head().status == 200


def test_an_empty_parameter_is_none(server: LocalServer, name: str) -> None:
    with RawStream(server.port, connect_target((name, "#"), lastEventId="")) as stream:
        stream.ready()


@pytest.mark.parametrize("values", [("a", "b"), ("", "-"), ("-", ""), ("", "")])
def test_two_headers_with_the_last_id_are_refused(
    server: LocalServer, values: tuple[str, str]
) -> None:
    names = ("Last-Event-ID", "last-event-id")
    with RawStream(
        server.port,
        f"/v1/connect?bindings={BINDINGS}&errors=http",
        headers=dict(zip(names, values, strict=True)),
    ) as stream:
        told = error_document(stream, 400)["message"]
    assert told == "the header 'Last-Event-ID' is given twice"


def test_a_reconnect_stops_whatever_else_is_wrong(server: LocalServer) -> None:
    target = f"/v1/connect?bindings={BINDINGS}&bindings={BINDINGS}"
    with RawStream(server.port, target, headers={"Last-Event-ID": "-"}) as stream:
        assert stream.head().status == 204
