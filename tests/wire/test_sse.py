"""The wire format: exact bytes out, and a decoder that reads as HTML section 9.2 says."""

import json
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pulse_events.cursors import NONE
from pulse_events.wire.sse import Decoder, Event, EventTooLong, encode_event

# One line, as the encoder's callers send it: no CR, no LF; in kind and id no NUL either.
LINES = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n\x85\u2028\u2029"), max_size=20
)
LIKE_LINE_ENDS = st.sampled_from("\x85\u2028\u2029\u2013\u2026\xbf")
TEXTS = st.text(st.characters(codec="utf-8") | LIKE_LINE_ENDS, max_size=9)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=8)
PARTS = st.sampled_from(
    [
        b"\r", b"\n", b"\r\n", b"\n\n", b":", b" ", b"\0", b"\xef\xbb\xbf", b"\xef\xbb", b"\xff",
        b"\xe2\x80\xa8", b"\xc3\xa4", b"\xf0\x9f\x98\x80", b"\xf0\x9f", b"a", b"data", b"data:",
        b"data: x\n", b"Data:", b"event", b"event: ", b"id", b"id:", b"id: 7\n", b"retry: ", b"10",
        b"\xd9\xa1",
    ]
)  # fmt: skip
FIELDS = st.sampled_from(
    [b"", b"", b"data: a", b"data:b", b"data", b"event: e", b"id: 1", b"id", b"id: \0", b": c",
     b"retry: 10", b"retry: x", b"other: x", b"data: \xe2\x80\xa8"]
)  # fmt: skip
ENDS = st.sampled_from([b"\r", b"\n", b"\r\n"])
STARTS = st.sampled_from([b"", b"\xef\xbb\xbf", b"\xef\xbb", b"\xef\xbb\xbf\xef\xbb\xbf"])
LINE_STREAMS = st.tuples(
    STARTS, st.lists(st.tuples(FIELDS, ENDS).map(b"".join), max_size=15).map(b"".join)
).map(b"".join)
STREAMS = LINE_STREAMS | st.lists(PARTS, max_size=40).map(b"".join)
CUTS = st.lists(st.integers(0, 100), max_size=8)


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    """Return ``stream`` in chunks cut at ``places``; equal places give empty chunks."""
    edges = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


def decode(*chunks: bytes, decoder: Decoder | None = None) -> list[Event]:
    """Return the events of a stream that comes in these chunks."""
    decoder = decoder or Decoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def by_the_standard(stream: bytes) -> tuple[list[Event], int | None]:
    """Return events and reconnection time, read as the standard's prose says, step by step."""
    text = stream.decode(errors="replace").removeprefix("\ufeff")
    *lines, _unfinished = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    events: list[Event] = []
    data = kind = last_id = ""
    retry: int | None = None
    for line in lines:
        name, colon, value = line.partition(":")
        value = value[1:] if value[:1] == " " else value
        if line == "":
            if data:
                events.append(Event(kind or "message", data[:-1], last_id))
            data = kind = ""
        elif name == "" and colon:
            continue
        elif name == "event":
            kind = value
        elif name == "data":
            data += value + "\n"
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and value and set(value) <= set("0123456789"):
            retry = int(value)
    return events, retry


def test_an_event_is_exactly_these_bytes() -> None:
    assert encode_event(b"ready", b"{}") == b"event: ready\ndata: {}\nid: -\n\n"
    assert encode_event(b"message", '"ä"'.encode(), b"c:7") == (
        b'event: message\ndata: "\xc3\xa4"\nid: c:7\n\n'
    )


def test_characters_that_many_clients_take_for_line_ends_are_escaped() -> None:
    data = '{"\u2028": "a\u2029\x85\u2013\u2029"}'.encode()
    assert encode_event(b"message", data) == (
        b'event: message\ndata: {"\\u2028": "a\\u2029\\u0085\xe2\x80\x93\\u2029"}\nid: -\n\n'
    )


@given(st.recursive(TEXTS, lambda inner: st.dictionaries(TEXTS, inner, max_size=3)))
def test_json_stays_the_same_json_on_one_line_whoever_cuts_the_lines(value: object) -> None:
    event = encode_event(b"message", json.dumps(value, ensure_ascii=False).encode()).decode()
    assert event.splitlines() == event.split("\n")[:-1]
    assert json.loads(event.splitlines()[1].removeprefix("data: ")) == value


@pytest.mark.parametrize("data", [b"a\nb", b"\r", b"a\r\n"])
def test_data_with_a_line_break_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="line break"):
        encode_event(b"message", data)


@pytest.mark.parametrize("text", ["a\nb", "\r", "a\0"])
def test_a_kind_or_id_with_a_line_break_or_nul_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        encode_event(text.encode(), b"")
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        encode_event(b"message", b"", text.encode())


@given(events=st.lists(st.tuples(NAMES, LINES, NAMES), max_size=6), places=CUTS)
def test_what_was_encoded_is_decoded_wherever_the_chunks_are_cut(
    events: list[tuple[str, str, str]], places: list[int]
) -> None:
    encoded = [[part.encode() for part in event] for event in events]
    stream = b"".join(encode_event(*event) for event in encoded)
    expected = [Event(kind or "message", data, i) for kind, data, i in events]
    assert decode(*cut(stream, places)) == expected
    assert decode(*(stream[i : i + 1] for i in range(len(stream)))) == expected


@given(stream=STREAMS, places=CUTS)
@example(stream=b"\xef\xbb\xbfdata: x\n\n", places=[])
@example(stream=b"\xef\xbb\xbfdata: x\n\n", places=[1, 2])
@example(stream=b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\n", places=[3])
@example(stream=b"data: x\r\ndata: y\r\n\r\n", places=[8, 8])
@example(stream=b"data: x\rdata: y\n\ndata: z\n\n", places=[8, 15])
def test_any_stream_is_read_as_the_standard_says_wherever_it_is_cut(
    stream: bytes, places: list[int]
) -> None:
    decoder = Decoder()
    found = decode(*cut(stream, places), decoder=decoder)
    assert (found, decoder.retry_ms) == by_the_standard(stream)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [("message", "a")]),
        (b"data:a\r\rdata:b\r\n\r\n", [("message", "a"), ("message", "b")]),
        (b"data:  a\n\n", [("message", " a")]),
        (b"data\n\n", [("message", "")]),
        (b"data\ndata\n\n", [("message", "\n")]),
        (b"data: a\ndata:\ndata: b\n\n", [("message", "a\n\nb")]),
        (b"event: x\n\ndata: a\n\n", [("message", "a")]),
        (b"event: x\nevent: y\ndata: a\n\n", [("y", "a")]),
        (b": a comment\n\n:\n\n", []),
        (b"data: a\n", []),
        (b" data: a\n\n", []),
        (b"DATA: a\n\n", []),
        (b"data : a\n\n", []),
        (b"unknown: a\ndata: b\n\n", [("message", "b")]),
        (b"data: a\xe2\x80\xa8b\x0bc\x85\n\n", [("message", "a\u2028b\x0bc\ufffd")]),
        (b"data: a:b\n\n", [("message", "a:b")]),
    ],
)
def test_a_stream_gives_these_events(stream: bytes, expected: list[tuple[str, str]]) -> None:
    assert [(event.kind, event.data) for event in decode(stream)] == expected


def test_an_event_comes_as_soon_as_its_last_byte() -> None:
    decoder = Decoder()
    assert list(decoder.feed(b"data: a\r\n")) == []
    assert list(decoder.feed(b"\r")) == [Event("message", "a", "")]
    assert list(decoder.feed(b"\ndata: b\n\n")) == [Event("message", "b", "")]


def test_an_id_stays_until_another_comes() -> None:
    stream = b"id: 1\n\ndata: a\n\ndata: b\nid: 2\n\ndata: c\nid: x\0\n\nid\ndata: d\n\n"
    assert [event.event_id for event in decode(stream)] == ["1", "2", "2", ""]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"250", 250),
        (b"007", 7),
        (b"", None),
        (b"-1", None),
        (b"1.5", None),
        (b"10s", None),
        ("٣".encode(), None),
        (b"9" * 5000, None),
    ],
)
def test_the_reconnection_delay_is_kept_if_it_is_one(value: bytes, expected: int | None) -> None:
    decoder = Decoder()
    assert list(decoder.feed(b"retry: " + value + b"\n")) == []
    assert decoder.retry_ms == expected


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1000])
@pytest.mark.parametrize(
    "stream", [b"data: " + b"x" * 100, b"data: 12345\n" * 20, b":" + b"x" * 100, b"data\n" * 100]
)
def test_an_event_over_the_limit_is_refused_in_chunks_of_any_size(
    stream: bytes, chunk_bytes: int
) -> None:
    stream = b"data: ok\n\n" + stream
    decoder = Decoder(limit_chars=50)
    found = (
        event
        for at in range(0, len(stream), chunk_bytes)
        for event in decoder.feed(stream[at : at + chunk_bytes])
    )
    assert next(found) == Event("message", "ok", "")
    with pytest.raises(EventTooLong, match="50 characters"):
        next(found)


@pytest.mark.parametrize("chunk_bytes", [1, 7, 100_000])
def test_the_limit_is_for_one_event_not_for_the_stream_or_a_chunk(chunk_bytes: int) -> None:
    stream = (b"data: 1234567890\nevent: x\nid: y\n\n" + b": comment\n" * 5) * 100
    chunks = (stream[at : at + chunk_bytes] for at in range(0, len(stream), chunk_bytes))
    assert len(decode(*chunks, decoder=Decoder(limit_chars=50))) == 100


def test_an_event_that_cannot_be_resumed_has_a_dash_as_its_id() -> None:
    assert NONE == b"-"
    assert decode(encode_event(b"ping", b"{}")) == [Event("ping", "{}", "-")]
