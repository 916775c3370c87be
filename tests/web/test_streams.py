"""The bytes of a stream: head, events, pings, and what may not disturb them."""

import base64
import itertools
import json
import re
import threading
import time
from datetime import UTC, datetime

import pytest

from pulse_events.messages import Message
from tests.support.local_server import LocalServer, local_server
from tests.support.raw_stream import RawStream, connect_target, conversation, ready_streams
from tests.support.waiting import wait_until

HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: text/event-stream\r\n"
    b"Cache-Control: no-cache\r\n"
    b"X-Accel-Buffering: no\r\n"
    b"Access-Control-Allow-Origin: *\r\n"
    b"Vary: Accept-Encoding\r\n"
    b"Transfer-Encoding: chunked\r\n"
    b"Connection: close\r\n"
    b"\r\n"
)
PATHS = [
    path + slash
    for path in ("/events/v1/connect", "/api/events/v1/connect", "/v1/connect")
    for slash in ("", "/")
]


@pytest.mark.parametrize("path", PATHS)
def test_each_path_answers_with_exactly_the_promised_bytes(
    server: LocalServer, name: str, path: str
) -> None:
    with RawStream(server.port, connect_target((name, "a.#"), path=path)) as stream:
        assert stream.head().raw == HEAD
        assert stream.event().raw == b"event: ready\ndata: {}\nid: -\n\n"
        server.say(name, "a.b", b'{"n": 1}')
        assert stream.event().raw == (
            b'event: message\ndata: {"payload":{"n": 1},"exchange":"' + name.encode() + b'",'
            b'"routingKey":"a.b","redelivered":false,"routes":[],"cc":[]}\nid: -\n\n'
        )


def test_the_cc_keys_are_told_and_those_with_the_route_prefix_are_also_routes(
    server: LocalServer, name: str
) -> None:
    with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
        server.say(name, "k", cc=("route.index.a", "other", "route.", "xroute.b"))
        message = stream.event("message").json
    assert message["cc"] == ["route.index.a", "other", "route.", "xroute.b"]
    assert message["routes"] == ["index.a", ""]


def test_the_keys_of_a_message_come_in_the_promised_order(server: LocalServer, name: str) -> None:
    with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
        server.say(name, "k", b"\xff\x00", redelivered=True)
        message = stream.event("message").json
    order = "payload exchange routingKey redelivered routes cc payloadEncoding"
    assert list(message) == order.split()
    assert message["redelivered"] is True


def test_a_cc_key_alone_makes_a_message_match(server: LocalServer, name: str) -> None:
    with RawStream(server.port, connect_target((name, "route.x.#"))).ready() as stream:
        server.say(name, "k", cc=("route.x.y",))
        assert stream.event("message").json["routingKey"] == "k"


def test_a_message_that_many_bindings_and_keys_match_comes_once(
    server: LocalServer, name: str
) -> None:
    bindings = [(name, pattern) for pattern in ("#", "a.#", "a.*", "*.b", "a.b", "c")]
    with RawStream(server.port, connect_target(*bindings)).ready() as stream:
        server.say(name, "a.b", b"1", cc=("c", "a.c"))
        server.say(name, "fence", b"2")
        assert [event.json["payload"] for event in stream.events(2)] == [1, 2]


def test_what_does_not_match_does_not_come(server: LocalServer, name: str) -> None:
    with RawStream(server.port, connect_target((name, "a.*"))).ready() as stream:
        for exchange, key in ((name, "a"), (name, "a.b.c"), (name, "b.a"), (name + "x", "a.b")):
            server.say(exchange, key, b'"no"')
        server.say(name, "a.fence", b'"yes"')
        assert stream.event("message").json["payload"] == "yes"


AWKWARD = {
    b'{"b":1,"a":2,"b":3}': {"a": 2, "b": 3},
    b'{\r\n  "a": [1,\r2,\n3]\r\n}\r\n': {"a": [1, 2, 3]},
    b'"\\u0000\\r\\n\\u2028 \xe2\x80\xa8 \xe2\x80\xa9 \xc2\x85"': "\0\r\n\u2028 \u2028 \u2029 \x85",
    b'"\\ud800 alone"': "\ud800 alone",
    b"123456789012345678901234567890": 123456789012345678901234567890,
    b"null": None,
    b" 1 ": 1,
}


@pytest.mark.parametrize("body", AWKWARD)
def test_an_awkward_json_body_arrives_as_it_was_meant(
    server: LocalServer, name: str, body: bytes
) -> None:
    with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
        server.say(name, "k", body)
        message = stream.event("message").json
    assert message["payload"] == AWKWARD[body]
    assert "payloadEncoding" not in message


@pytest.mark.parametrize(
    "text",
    ["", "no json", "{'a': 1}", '{"a":\n', "NaN", "a\r\nb\nc\rd\0e", '"a\nb"', "\ufeff{}", "é"],
)
def test_a_body_that_is_not_json_comes_as_a_string(
    server: LocalServer, name: str, text: str
) -> None:
    with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
        server.say(name, "k", text.encode())
        message = stream.event("message").json
    assert message["payload"] == text
    assert "payloadEncoding" not in message


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"\xed\xa0\x80", b'{"a": "\xe9"}', bytes(range(256))]
)
def test_a_body_that_is_not_utf_8_comes_as_base64(
    server: LocalServer, name: str, body: bytes
) -> None:
    with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
        server.say(name, "k", body)
        raw = stream.event("message").raw
    encoded = base64.b64encode(body).decode()
    assert raw.startswith(b'event: message\ndata: {"payload":"' + encoded.encode() + b'",')
    assert raw.endswith(b'"cc":[],"payloadEncoding":"base64"}\nid: -\n\n')


@pytest.mark.parametrize("filling", [b"a", b"\xff", "é".encode()], ids=["ascii", "binary", "utf-8"])
def test_a_message_of_one_mebibyte_arrives_whole(
    server: LocalServer, name: str, filling: bytes
) -> None:
    body = filling * ((1 << 20) // len(filling))
    with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
        server.say(name, "k", body)
        message = stream.event("message").json
    expected = len(body.decode()) if "payloadEncoding" not in message else (len(body) + 2) // 3 * 4
    assert len(message["payload"]) == expected


def test_a_thousand_messages_come_in_their_order(server: LocalServer, name: str) -> None:
    with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
        for start in range(0, 1000, 100):
            numbers = range(start, start + 100)
            server.publish(*(Message(name, "k", b"%d" % number) for number in numbers))
        assert [event.json["payload"] for event in stream.events(1000)] == list(range(1000))


def test_no_message_comes_before_ready_and_none_is_lost_after_it(
    server: LocalServer, name: str
) -> None:
    stop = threading.Event()
    sent = itertools.count()
    skipped: set[int] = set()

    def publish() -> None:
        while not stop.is_set():
            server.say(name, "k", b"%d" % next(sent))

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        for _ in range(20):
            with RawStream(server.port, connect_target((name, "k"))).ready() as stream:
                skipped.add(at_ready := next(sent))  # it is taken here, so nobody publishes it
                payloads = [event.json["payload"] for event in stream.events(20)]
                assert payloads[0] <= at_ready + 1
                missing = set(range(payloads[0], payloads[-1] + 1)) - set(payloads)
                assert missing <= skipped
    finally:
        stop.set()
        publisher.join(10)


def test_pings_come_at_the_interval_on_an_idle_stream(name: str) -> None:
    with local_server(ping_interval=0.4) as server:
        started = time.monotonic()
        with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
            arrivals = []
            for _ in range(4):
                event = stream.event()
                arrivals.append(time.monotonic() - started)
                assert re.fullmatch(
                    rb'event: ping\ndata: {"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"}\n'
                    rb"id: -\n\n",
                    event.raw,
                ), event.raw
                said = datetime.fromisoformat(event.json["time"])
                assert abs((datetime.now(UTC) - said).total_seconds()) < 5
    assert 0.2 < arrivals[0] < 1.0
    gaps = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
    assert all(0.1 < gap < 1.0 for gap in gaps), gaps


def test_pings_come_on_a_busy_stream_too(name: str) -> None:
    with local_server(ping_interval=0.2) as server:
        with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
            kinds: set[str] = set()
            deadline = time.monotonic() + 10
            while kinds != {"ping", "message"} and time.monotonic() < deadline:
                server.say(name, "k")
                kinds.add(stream.event().kind)
    assert kinds == {"ping", "message"}


def test_what_a_client_sends_behind_its_request_disturbs_nothing(
    server: LocalServer, name: str
) -> None:
    with RawStream(server.port, connect_target((name, "#"))) as stream:
        stream.request("/events/v1/ping")
        stream.ready()
        stream.socket.sendall(b"\0garbage" * 1000)
        server.say(name, "k", b'"still here"')
        assert stream.event("message").json["payload"] == "still here"


@pytest.mark.parametrize("errors", [{}, {"errors": "http"}], ids=["events", "http"])
@pytest.mark.parametrize("path", ["/events/v1/ping", "/static/pulse-events.js", "/static/none"])
def test_a_stream_comes_after_the_answers_to_earlier_requests_of_its_connection(
    server: LocalServer, name: str, path: str, errors: dict[str, str]
) -> None:
    requests = [path, path, path, connect_target((name, "#"), **errors)]
    sent = "".join(f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n" for target in requests)
    with RawStream(server.port, path) as stream:  # the first of four that are answered plainly
        stream.socket.sendall(sent.encode())
        for _ in range(4):
            head = stream.head()
            assert head.headers["content-type"] != "text/event-stream"
            assert stream.content(head)
        stream.ready()
        server.say(name, "k")
        stream.event("message")


def test_a_client_of_http_1_0_gets_the_same_events_without_framing(
    server: LocalServer, name: str
) -> None:
    with (
        RawStream(server.port, connect_target((name, "#")), version="1.0") as old,
        RawStream(server.port, connect_target((name, "#"))) as new,
    ):
        assert old.head().raw == HEAD.replace(b"Transfer-Encoding: chunked\r\n", b"")
        assert new.head().raw == HEAD
        for stream in (old, new):
            assert stream.event().raw == b"event: ready\ndata: {}\nid: -\n\n"
        server.say(name, "k")
        assert old.event().raw == new.event().raw
        assert server.counts().audiences >= 2


def test_a_client_of_http_1_0_is_told_an_error_and_the_close_is_the_end(
    server: LocalServer,
) -> None:
    target = connect_target(("", "#"))  # refused, so that the stream ends
    answer = conversation(server.port, f"GET {target} HTTP/1.0\r\n\r\n".encode())
    events = answer.partition(b"\r\n\r\n")[2]
    assert re.fullmatch(rb'event: error\ndata: "[^\n]*"\nid: -\n\n', events)


def test_each_flush_is_one_chunk_and_the_last_one_ends_the_body(name: str) -> None:
    with local_server(ping_interval=60.0) as server:
        target = connect_target((name, "#"))
        with RawStream(server.port, target).ready() as stream:
            server.publish(*(Message(name, "k", b"%d" % number) for number in range(3)))
            stream.events(3)
            request = f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            server_ends = threading.Timer(0.3, server.stop)
            server_ends.start()
            answer = conversation(server.port, request)
            server_ends.join(10)
            stream.event("error")
            assert stream.rest() == b""
    body = answer.partition(b"\r\n\r\n")[2]
    assert body.startswith(b"1d\r\nevent: ready\ndata: {}\nid: -\n\n\r\n")
    assert re.search(rb"\r\n[0-9a-f]+\r\nevent: error\n[^\r]*\r\n0\r\n\r\n$", body)


LINE_ENDS = {"\x85": b"\\u0085", "\u2028": b"\\u2028", "\u2029": b"\\u2029"}


@pytest.mark.parametrize("end", LINE_ENDS, ids=ascii)
def test_what_is_taken_for_a_line_end_is_escaped_in_payload_keys_and_names(
    server: LocalServer, name: str, end: str
) -> None:
    exchange, key = (f"{name} a b", "a b") if end == "\x85" else (f"{name}{end}", f"a{end}b")
    text = f"x{end}y"
    with RawStream(server.port, connect_target((exchange, "#"))).ready() as stream:
        server.say(exchange, key, json.dumps({text: text}, ensure_ascii=False).encode(), cc=(text,))
        server.say(exchange, key, text.encode())
        events = stream.events(2)
    for event in events:
        assert LINE_ENDS[end] in event.raw
        assert len(event.raw.decode().splitlines()) == 4
    assert [event.json["payload"] for event in events] == [{text: text}, text]
    assert {(e.json["exchange"], e.json["routingKey"]) for e in events} == {(exchange, key)}
    assert events[0].json["cc"] == [text]


def test_streams_with_the_same_bindings_in_any_order_get_the_same_bytes(
    server: LocalServer, name: str
) -> None:
    bindings = [(name, "a.#"), (name, "b.#"), (name, "a.#")]
    audiences = server.counts().audiences
    targets = [connect_target(*bindings), connect_target(*reversed(bindings))]
    with RawStream(server.port, targets[0]) as first, RawStream(server.port, targets[1]) as second:
        first.ready()
        second.ready()
        assert server.counts().audiences == audiences + 1
        server.say(name, "a.b", b'{"x":  1}')
        assert first.event("message").raw == second.event("message").raw


def test_a_client_that_leaves_is_forgotten(server: LocalServer, name: str) -> None:
    wait_until(lambda: not server.counts().clients, "those of the other tests have left")
    with ready_streams(server.port, connect_target((name, "#")), 10):
        assert server.counts().clients == 10
    wait_until(lambda: not server.counts().clients, "all have left")


def test_a_refused_exchange_is_named_and_other_clients_notice_nothing(
    server: LocalServer, name: str
) -> None:
    with RawStream(server.port, connect_target((name, "#"))).ready() as stream:
        with RawStream(server.port, connect_target((name, "#"), ("", "a"))) as refused:
            assert refused.head().raw == HEAD
            assert "exchange ''" in json.loads(refused.event("error").data)
            assert refused.rest() == b""
        server.say(name, "k")
        stream.event("message")
