"""Forms on the wire: heads, framing and codings; each chunk holds whole events of its own."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.messages import Message, encode_message
from pulse_events.wire.compression import GZIP, IDENTITY
from pulse_events.wire.sse import encode_event
from pulse_events.wire.wire import (
    WIRES,
    Gap,
    Wire,
    gap_event,
    line_event,
    message_event,
    ready_event,
    wire_of,
    with_cursor,
)
from tests.support.chunked import Chunks, unchunked

GZIP_BODY = 16 + zlib.MAX_WBITS
HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: text/event-stream\r\n"
    b"Cache-Control: no-cache\r\n"
    b"X-Accel-Buffering: no\r\n"
    b"Access-Control-Allow-Origin: *\r\n"
    b"Vary: Accept-Encoding\r\n"
)
READY = b"event: ready\ndata: {}\nid: -\n\n"
EVENTS = st.lists(
    st.binary(max_size=300).map(
        lambda text: encode_event(b"message", b'"%b"' % text.hex().encode())
    ),
    min_size=1,
    max_size=5,
).map(b"".join)
EACH = pytest.mark.parametrize(
    "wire", WIRES, ids=lambda w: f"{w.coding.name} {w.is_chunked} {w.resumes}"
)


def text_of(wire: Wire, body: bytes) -> bytes:
    """Return what a whole body says."""
    if wire.is_chunked:
        body = unchunked(body)
    return zlib.decompressobj(GZIP_BODY).decompress(body) if wire.coding is GZIP else body


def test_there_is_one_form_for_each_framing_and_coding() -> None:
    forms = {(wire.is_chunked, wire.coding, wire.resumes) for wire in WIRES}
    assert len(WIRES) == len(forms) == 8
    for is_chunked in (False, True):
        for coding in (IDENTITY, GZIP):
            for resumes in (False, True):
                wire = wire_of(is_chunked=is_chunked, is_gzip=coding is GZIP, resumes=resumes)
                assert (wire.is_chunked, wire.coding, wire.resumes) == (is_chunked, coding, resumes)
            assert wire_of(is_chunked=is_chunked, is_gzip=coding is GZIP).resumes is False
            assert wire.shrinks == coding.shrinks


def test_the_head_says_how_the_body_is_made() -> None:
    chunked, gzip, close = (
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Connection: close\r\n\r\n",
    )
    heads = {
        (True, False): HEAD + chunked + close,
        (False, False): HEAD + close,
        (True, True): HEAD + chunked + gzip + close + b"a\r\n" + GZIP.prologue + b"\r\n",
        (False, True): HEAD + gzip + close + GZIP.prologue,
    }
    for (is_chunked, is_gzip), head in heads.items():
        assert wire_of(is_chunked=is_chunked, is_gzip=is_gzip).head == head


@EACH
@given(parts=st.lists(EVENTS, max_size=6))
def test_a_body_says_what_was_encoded_wherever_it_is_cut(wire: Wire, parts: list[bytes]) -> None:
    start = wire.head.partition(b"\r\n\r\n")[2]
    body = start + wire.ready + b"".join(map(wire.encode, parts)) + wire.end
    assert text_of(wire, body) == READY + b"".join(parts)


@EACH
@given(parts=st.lists(EVENTS, min_size=1, max_size=6))
def test_what_is_encoded_at_once_is_one_chunk(wire: Wire, parts: list[bytes]) -> None:
    if wire.is_chunked:
        chunks = Chunks()
        for part in (wire.ready, *map(wire.encode, parts)):
            assert len(chunks.feed(part)) == 1
        assert chunks.feed(wire.end) == []
        assert chunks.has_ended
    else:
        assert wire.end == b""


@EACH
def test_nothing_to_encode_does_not_end_the_body(wire: Wire) -> None:
    start = wire.head.partition(b"\r\n\r\n")[2]
    assert text_of(wire, start + wire.encode(b"") + wire.ready + wire.end) == READY


@EACH
def test_a_ping_and_an_error_are_events_with_json(wire: Wire) -> None:
    start = wire.head.partition(b"\r\n\r\n")[2]
    body = start + wire.ping("2026-11-24T01:02:03.456Z") + wire.error("a\n\u2028b") + wire.end
    assert text_of(wire, body) == (
        b'event: ping\ndata: {"time":"2026-11-24T01:02:03.456Z"}\nid: -\n\n'
        b'event: error\ndata: "a\\n\\u2028b"\nid: -\n\n'
    )


def test_plain_events_without_framing_are_the_same_object() -> None:
    assert wire_of(is_chunked=False, is_gzip=False).encode(READY) is READY


def test_a_message_is_the_same_for_all_forms_but_for_its_cursor() -> None:
    message = Message("e", "a", '"\u2028"'.encode())
    data = encode_message(message)
    assert message_event(message) == encode_event(b"message", data)
    assert with_cursor(message_event(message), b"c7") == encode_event(b"message", data, b"c7")


def test_a_line_of_a_log_becomes_the_same_event_even_if_it_is_no_utf_8() -> None:
    message = Message("e", "a", '"\u2028"'.encode())
    assert line_event(encode_message(message)) == message_event(message)
    line = b'{"payload": "\xff\xe2\x80\xa8"}'
    expected = b'event: message\ndata: {"payload": "\xff\\u2028"}\nid: -\n\n'
    assert line_event(line) == expected


def test_ready_says_when_to_come_back_and_a_gap_from_when_to_when() -> None:
    assert ready_event(b"c7", 1350) == b"retry: 1350\nevent: ready\ndata: {}\nid: c7\n\n"
    assert gap_event(Gap("it was \r\n gone", None, 1_764_064_800_250), b"c8") == (
        b'event: gap\ndata: {"reason":"it was \\r\\n gone","from":null,'
        b'"to":"2025-11-25T10:00:00.250Z"}\nid: c8\n\n'
    )
    assert b'"from":"1970-01-01T00:00:00.000Z"' in gap_event(Gap("x", 0, 1), b"c")


@EACH
def test_pings_and_errors_have_a_cursor_where_there_is_one(wire: Wire) -> None:
    start = wire.head.partition(b"\r\n\r\n")[2]
    body = start + wire.ping("x", b"c1") + wire.error("y", b"c2") + wire.end
    expected = b'event: ping\ndata: {"time":"x"}\nid: c1\n\nevent: error\ndata: "y"\nid: c2\n\n'
    assert text_of(wire, body) == expected
