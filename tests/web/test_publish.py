"""POST publish: what an embedded broker takes, and what it refuses."""

import json
from typing import Any, cast

import pytest

from pulse_events.brokers.memory import Memory
from pulse_events.messages import Message
from tests.support.local_server import LocalServer, local_server
from tests.support.raw_stream import Head, RawStream, connect_target, conversation

PATH = "/events/v1/publish"
SHORT = {"App": {"body_within_s": 0.2}, "HttpServer": {"idle_s": 0.2}}


def post(port: int, body: bytes, path: str = PATH, **headers: str) -> tuple[Head, Any]:
    """Return the head and the JSON of the answer to a publish request."""
    named = {"Content-Length": str(len(body)), "Content-Type": "application/json"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    with RawStream(port, path, method="POST", headers=named) as stream:
        stream.socket.sendall(body)
        head = stream.head()
        return head, json.loads(stream.content(head))


@pytest.mark.parametrize("path", [PATH, PATH + "/", "/api" + PATH])
def test_a_message_that_is_posted_reaches_the_streams(
    server: LocalServer, name: str, path: str
) -> None:
    document = {"exchange": name, "routingKey": "a.b", "payload": {"é": [1]}, "cc": ["route.x"]}
    with RawStream(server.port, connect_target((name, "a.*"))).ready() as stream:
        head, _ = post(server.port, json.dumps(document).encode(), path)
        assert head.status == 202
        message = stream.event("message").json
    assert (message["payload"], message["routes"]) == ({"é": [1]}, ["x"])


GOOD: dict[str, Any] = {"exchange": "e", "routingKey": "k", "payload": 1}
WRONG = {
    "no JSON": (b"{", "not JSON"),
    "nothing": (b"", "not JSON"),
    "not UTF-8": (b"\xff", "not JSON"),
    "no UTF-8 in the payload": (
        json.dumps(GOOD | {"payload": "x"}).encode().replace(b"x", b"\xff"),
        "not JSON",
    ),
    "too deep": (b'{"exchange": ' + b"[" * 100_000, "not as it must be"),
    "a list": (b"[]", "Expected `object`, got `array`"),
    "a key twice": (json.dumps(GOOD).encode()[:-1] + b', "payload": 2}', "'payload' twice"),
    "a key twice, once with an escape": (
        json.dumps(GOOD).encode()[:-1] + rb', "routing\u004bey": "x"}',
        "'routingKey' twice",
    ),
    "a key a million times": (
        json.dumps(GOOD).encode()[:-1] + b', "payload": 2' * 1_000_000 + b"}",
        "'payload' twice",
    ),
    "no payload": (b'{"exchange": "e", "routingKey": "k"}', "missing required field `payload`"),
    "another key": (json.dumps(GOOD | {"durable": 1}).encode(), "unknown field `durable`"),
    "exchange null": (json.dumps(GOOD | {"exchange": None}).encode(), "`$.exchange`"),
    "cc a string": (json.dumps(GOOD | {"cc": "k"}).encode(), "`$.cc`"),
    "cc of numbers": (json.dumps(GOOD | {"cc": [1]}).encode(), "`$.cc[0]`"),
    "a long key": (json.dumps(GOOD | {"routingKey": "k" * 256}).encode(), "256 bytes"),
    "a long cc key": (json.dumps(GOOD | {"cc": ["k" * 256]}).encode(), "256 bytes"),
    "too many cc keys": (json.dumps(GOOD | {"cc": [""] * 26_215}).encode(), "131072"),
    "too much in cc keys": (json.dumps(GOOD | {"cc": ["k" * 251] * 513}).encode(), "131072"),
    "a line break": (json.dumps(GOOD | {"exchange": "a\nb"}).encode(), "control"),
}


@pytest.mark.parametrize(("body", "part"), WRONG.values(), ids=WRONG)
def test_a_wrong_message_gets_400_with_the_fault(
    server: LocalServer, body: bytes, part: str
) -> None:
    head, document = post(server.port, body)
    assert (head.status, document["code"]) == (400, "InputError")
    assert part in document["message"]


def test_a_payload_only_loses_its_blanks_however_deep_it_is(server: LocalServer, name: str) -> None:
    deep = "[" * 500 + "]" * 500
    with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
        twice = '{"a": 1, "a": 2}'  # what a payload says is the publisher's business
        for payload in ("1.50", '{"b": 1, "a" : 12345678901234567890123}', twice, deep):
            body = f'{{"exchange": "{name}", "routingKey": "k", "payload": {payload}}}'.encode()
            assert post(server.port, body)[0].status == 202
            assert stream.event("message").data.startswith(
                f'{{"payload":{payload.replace(" ", "")},"exchange"'
            )


class Faulty(Memory):
    """Makes of one message what nobody can encode."""

    def publish(self, message: Message) -> None:
        if message.body == b'"bad"':
            message = message._replace(body=cast("bytes", object()))
        super().publish(message)

    def _shortened(self, message: Message) -> Message:
        return message


def test_a_fault_of_the_server_is_told_to_the_exchange_and_not_to_who_posts(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        local_server(broker=Faulty()) as server,
        RawStream(server.port, connect_target((name, "#"))).ready() as stream,
        RawStream(server.port, connect_target((name + "/other", "#"))).ready() as other,
    ):
        for payload in (1, "bad"):
            document = GOOD | {"exchange": name, "payload": payload}
            assert post(server.port, json.dumps(document).encode())[0].status == 202
        assert stream.event("message").json["payload"] == 1
        assert stream.event("error").json == (
            f"messages may be missing: one of exchange '{name}' was not passed on (the server "
            "failed at it); connect again"
        )
        server.say(name + "/other", "k")
        assert other.event("message").json["payload"] == {}
        assert server.counts().malformed == 1
    [record] = [record for record in caplog.records if record.exc_info]
    assert name in record.getMessage()


def test_a_packed_body_is_refused_as_no_json(
    server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    head, _ = post(server.port, b"abc", Content_Encoding="gzip")
    assert head.status == 400
    assert not caplog.records


def test_a_body_over_16_mebibytes_gets_413(server: LocalServer) -> None:
    head, document = post(server.port, b" " * (17 << 20))
    assert (head.status, document["code"]) == (413, "RequestEntityTooLarge")


def test_a_body_that_does_not_come_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    started = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{".encode()
    with local_server(SHORT) as server:
        answer = conversation(server.port, started)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"did not come within" in answer
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_body_that_breaks_off_or_breaks_the_rules_is_no_error_of_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with local_server(SHORT) as server:
        head = {"Content-Length": "100"}
        with RawStream(server.port, PATH, method="POST", headers=head) as stream:
            stream.socket.sendall(b"{")
        head = {"Transfer-Encoding": "chunked"}
        with RawStream(server.port, PATH, method="POST", headers=head) as stream:
            stream.socket.sendall(b"1\r\n{\r\n")
            server.counts()  # a turn of the loop: the request has begun
            stream.socket.sendall(b"not a length\r\n")
            answer = stream.rest()
    assert answer.split(b" ")[1] == b"400"
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
