"""The by-pass beside pika reads what pika writes, cut anywhere, and leaves the rest to pika.

Whatever comes, it hands on deliveries or ends the connection with a reason in words.
"""

import struct
import time
import tracemalloc
from collections.abc import Sequence
from typing import Any

import pika
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pika import frame, spec
from pika.adapters.asyncio_connection import AsyncioConnection

from pulse_events.brokers.rabbitmq.content import ProtocolBreach
from pulse_events.brokers.rabbitmq.frames import FrameConnection, _Rest
from pulse_events.messages import Message
from tests.support.raw_headers import (
    RawProperties,
    array,
    cc,
    deep_array,
    deep_table,
    field,
    headers,
    text,
)

CHANNEL = 2
BODY_LIMIT_BYTES = 200
FRAME_MAX = 131_072
LONGER = "its headers are longer than what is read of them"
GOOD = Message("e", "good", b"{}", ("a", "b"))


class Wire(FrameConnection):
    """A connection without a socket: bytes go in, what pika would have been given is kept."""

    def __init__(self, frame_max: int = FRAME_MAX) -> None:
        self._rest = _Rest()
        self.bytes_received = 0
        self.received: list[tuple[Message, int]] = []
        self.left_to_pika: list[bytes] = []
        self.ended: Exception | None = None
        self._transport = type("Transport", (), {})()
        self.params = pika.ConnectionParameters(frame_max=frame_max)
        self.deliver_directly(CHANNEL, self._receive, BODY_LIMIT_BYTES)

    def feed(self, data: bytes, cut: int | None = None) -> None:
        """Receive ``data``, ``cut`` bytes at a time, until the connection is ended."""
        for start in range(0, len(data), cut or len(data) or 1):
            if self.ended is None:
                self._on_data_available(data[start : start + (cut or len(data))])

    def _receive(self, message: Message, tag: int, _held_bytes: int) -> None:
        self.received.append((message, tag))

    def _terminate_stream(self, error: Exception | None) -> None:
        assert self.ended is None, "ended twice"
        assert isinstance(error, ProtocolBreach)
        self.ended = error


@pytest.fixture(autouse=True)
def _pika_keeps_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    def keep(wire: Wire, data: bytes) -> None:
        wire.left_to_pika.append(data)

    monkeypatch.setattr(AsyncioConnection, "_on_data_available", keep)


def delivery(
    message: Message,
    tag: int = 7,
    *,
    headers: dict[str, Any] | None = None,
    properties: pika.BasicProperties | None = None,
    content_type: str | None = None,
    channel: int = CHANNEL,
    frame_bytes: int = 131_064,
) -> bytes:
    """Return a delivery as pika puts it on the wire."""
    method = spec.Basic.Deliver(
        consumer_tag="ctag1.x",
        delivery_tag=tag,
        redelivered=message.redelivered,
        exchange=message.exchange,
        routing_key=message.routing_key,
    )
    properties = properties or pika.BasicProperties(
        content_type=content_type, content_encoding=content_type, headers=headers, priority=3
    )
    pieces = [message.body[i : i + frame_bytes] for i in range(0, len(message.body), frame_bytes)]
    frames = [
        frame.Method(channel, method),
        frame.Header(channel, len(message.body), properties),
        *(frame.Body(channel, piece) for piece in pieces),
    ]
    return b"".join(each.marshal() for each in frames)


def as_received(message: Message) -> Message:
    """Return ``message`` without its body if that is over the limit."""
    size = len(message.body)
    if size <= BODY_LIMIT_BYTES:
        return message
    return message._replace(body=b"", omitted=f"{size} bytes, the limit is {BODY_LIMIT_BYTES}")


_names = st.text(st.characters(codec="utf-8"), max_size=40)
_values = st.one_of(st.integers(-(2**31), 2**31 - 1), _names, st.booleans(), st.none())


@given(
    st.lists(
        st.tuples(
            st.builds(
                Message,
                _names,
                _names,
                st.binary(max_size=300),
                st.lists(_names, max_size=4).map(tuple),
                st.booleans(),
                st.just(""),
                st.just(""),
            ),
            st.dictionaries(_names.filter(lambda n: n != "CC"), _values, max_size=3),
            st.sampled_from([None, "application/json"]),
            st.integers(1, 400),
        ),
        max_size=4,
    ),
    st.integers(1, 200),
)
def test_every_delivery_arrives_as_it_was_sent_wherever_the_bytes_are_cut(
    sent: list[tuple[Message, dict[str, Any], str | None, int]], cut: int
) -> None:
    wire, data = Wire(), b""
    for tag, (message, others, content_type, frame_bytes) in enumerate(sent):
        headers = {**others, "CC": list(message.cc)} if message.cc else others
        data += delivery(
            message, tag, headers=headers, content_type=content_type, frame_bytes=frame_bytes
        )
    wire.feed(data, cut)
    assert wire.received == [(as_received(message), tag) for tag, (message, *_) in enumerate(sent)]
    assert wire.left_to_pika == []
    assert wire.bytes_received == len(data)


@pytest.mark.parametrize(
    ("headers", "cc"),
    [
        ({"CC": ["a", 5, "b", None, {"x": "y"}]}, ("a", "b")),
        ({"CC": [5]}, ()),
        ({"CC": "a"}, ()),
        ({"CC": []}, ()),
        ({"x": {"CC": ["inner"]}}, ()),
        ({"x": "y", "CC": ["a"]}, ("a",)),
        ({"CC": [b"\xff\xfe"]}, ("\ufffd\ufffd",)),
    ],
)
def test_of_a_cc_header_only_strings_count(headers: dict[str, Any], cc: tuple[str, ...]) -> None:
    wire = Wire()
    wire.feed(delivery(Message("e", "k", b"{}"), headers=headers))
    assert [message.cc for message, _ in wire.received] == [cc]


@pytest.mark.parametrize(
    "odd",
    [
        field("t", b"T" + struct.pack(">Q", 2**62)),
        field("t", b"T" + struct.pack(">Q", 1_795_483_682_000)),
        field("t", b"T" + struct.pack(">q", -86_400)),
        field("d", b"D\xff\xff\xff\xff\xff"),
        field("v", b"V"),
        field(b"\xff", text(b"\xff")),
        field("n", deep_table(3000)),
        field("n", deep_table(10_000)),
        field("n", deep_array(10_000)),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_a_header_that_pika_cannot_decode_costs_nothing(odd: bytes, order: int) -> None:
    table = headers(*[odd, cc("x", "y")][::order])
    wire = Wire()
    wire.feed(
        delivery(Message("e", "k", b"{}"), properties=RawProperties(table)) + delivery(GOOD), 4096
    )
    assert [message for message, _ in wire.received] == [
        Message("e", "k", b"{}", ("x", "y")),
        GOOD._replace(cc=()),
    ]


def test_headers_that_cannot_be_read_cost_their_keys_alone() -> None:
    table = headers(field("CC", array(text("x"), b"Z")))
    wire = Wire()
    wire.feed(delivery(Message("e", "k", b"1"), properties=RawProperties(table)) + delivery(GOOD))
    (bad, _), (good, _) = wire.received
    assert bad == Message("e", "k", b"1", ("x",), malformed="a header has the unknown type 90")
    assert good.malformed == ""


def test_frames_of_other_channels_and_other_methods_go_to_pika_one_by_one() -> None:
    wire = Wire()
    others = [
        frame.Method(CHANNEL, spec.Basic.CancelOk("c")).marshal(),
        frame.Heartbeat().marshal(),
        frame.Method(1, spec.Queue.BindOk()).marshal(),
        frame.Method(1, spec.Basic.Deliver("c", 1, False, "e", "k")).marshal(),
    ]
    between = delivery(Message("e", "k", b"{}"))
    wire.feed(others[0] + between + b"".join(others[1:]))
    assert wire.left_to_pika == others
    assert len(wire.received) == 1


def raw_frame(kind: int, payload: bytes, channel: int = CHANNEL, end: bytes = b"\xce") -> bytes:
    """Return a frame of any kind."""
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + end


def raw_header(body_bytes: int, class_id: int = 60) -> bytes:
    """Return the payload of a header without properties."""
    return struct.pack(">HHQH", class_id, 0, body_bytes, 0)


METHOD = frame.Method(CHANNEL, spec.Basic.Deliver("c", 1, False, "e", "k")).marshal()

BREACHES = {
    "a wrong end": (METHOD[:-1] + b"\0", "does not end where it says"),
    "a header first": (raw_frame(2, raw_header(0)), "sent a header where a delivery was due"),
    "a body first": (raw_frame(3, b"x"), "sent a body where a delivery was due"),
    "two methods": (METHOD + METHOD, "sent a delivery where a header was due"),
    "two headers": (
        METHOD + raw_frame(2, raw_header(1)) * 2,
        "sent a header where a body was due",
    ),
    "a body that is too long": (
        METHOD + raw_frame(2, raw_header(1)) + raw_frame(3, b"xx"),
        "longer than its header says",
    ),
    "a short header": (METHOD + raw_frame(2, b"\0\x3c\0\0"), "sent a header of 4 bytes"),
    "a header of another class": (METHOD + raw_frame(2, raw_header(0, 50)), "header of class 50"),
    "a method that is too short": (raw_frame(1, METHOD[7:-2]), "does not fill its frame"),
    "a method that is too long": (raw_frame(1, METHOD[7:-1] + b"x"), "does not fill its frame"),
    "a method that ends at once": (raw_frame(1, METHOD[7:11]), "does not fill its frame"),
    "a frame over the limit": (
        METHOD + raw_frame(2, raw_header(1 << 20)) + raw_frame(3, bytes(FRAME_MAX - 7)),
        "sent a frame of 131073 bytes, the limit is 131072",
    ),
    "a frame over the limit that has only begun": (
        struct.pack(">BHI", 1, CHANNEL, 1 << 31),
        "sent a frame of 2147483656 bytes, the limit is 131072",
    ),
    "a header over the limit on another channel": (
        struct.pack(">BHI", 2, 1, FRAME_MAX),
        "the limit is 131072",
    ),
    "content on another channel": (
        raw_frame(2, raw_header(0) + headers(field("a", deep_table(3000))), 1),
        "content came on channel 1, where nothing is consumed",
    ),
    "a body on another channel": (raw_frame(3, b"x", 1), "content came on channel 1"),
    "another version": (b"AMQP\0\0\x09\x01", "what came is no AMQP frame: b'AMQP"),
    "another protocol": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no AMQP frame: b'HTTP"),
}


@pytest.mark.parametrize(("data", "why"), BREACHES.values(), ids=BREACHES)
@pytest.mark.parametrize("cut", [None, 1, 1000])
def test_what_breaks_the_protocol_ends_the_connection_with_a_reason(
    data: bytes, why: str, cut: int | None
) -> None:
    wire = Wire()
    wire.feed(delivery(GOOD) + data + b"\0", cut)
    assert [tag for _, tag in wire.received] == [7]
    assert wire.left_to_pika == []
    assert why in str(wire.ended)


def test_the_limit_of_frames_is_the_negotiated_one() -> None:
    wire = Wire(frame_max=4096)
    big = Message("e", "k", bytes(8192))
    wire.feed(delivery(big, frame_bytes=4088) + delivery(big, frame_bytes=4089))
    assert [message.omitted for message, _ in wire.received] == ["8192 bytes, the limit is 200"]
    assert "a frame of 4097 bytes, the limit is 4096" in str(wire.ended)


@pytest.mark.parametrize("cut", [None, 65_536, 4096, 999])
def test_a_header_over_the_limit_is_no_breach_and_its_start_counts(cut: int | None) -> None:
    """RabbitMQ does not split headers, and those of a dead-lettered message have grown."""
    fat = field("x", text(b"x" * 300_000))
    wire = Wire(frame_max=FRAME_MAX)
    for order in ((cc("a"), fat), (fat, cc("a"))):
        wire.feed(delivery(Message("e", "k", b"1"), properties=RawProperties(headers(*order))), cut)
    wire.feed(delivery(GOOD), cut)
    (first, _), (second, _), (third, _) = wire.received
    assert (first.cc, first.malformed, first.body) == (("a",), "", b"1")
    assert (second.cc, second.malformed) == ((), LONGER)
    assert (third, wire.ended) == (GOOD._replace(cc=()), None)


def test_a_long_header_is_not_held_and_must_end_as_a_frame_does() -> None:
    wire = Wire(frame_max=4096)
    wire.feed(METHOD + struct.pack(">BHI", 2, CHANNEL, 1 << 26) + raw_header(0))
    tracemalloc.start()
    try:
        for _ in range(1 << 10):
            wire.feed(bytes(1 << 16))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert len(wire.received) == 1
    assert "does not end where it says" in str(wire.ended)


def test_the_last_bytes_of_a_frame_take_no_longer_than_the_first() -> None:
    def feed(wire: Wire, pieces: Sequence[bytes]) -> float:
        start_s = time.process_time()
        for piece in pieces:
            wire.feed(piece)
        return time.process_time() - start_s

    data = delivery(Message("e", "k", bytes(FRAME_MAX - 8)))
    pieces = [data[at : at + 1] for at in range(len(data))]
    wires = [Wire() for _ in range(3)]
    first_s = min(feed(wire, pieces[:10_000]) for wire in wires)
    for wire in wires:
        feed(wire, pieces[10_000:-10_000])
    last_s = min(feed(wire, pieces[-10_000:]) for wire in wires)
    assert [len(wire.received) for wire in wires] == [1, 1, 1]
    assert last_s < 4 * first_s  # 10 times as long where what has come is copied each time


_MUTATIONS = st.lists(
    st.tuples(st.integers(0, 600), st.sampled_from(["set", "drop", "add"]), st.integers(0, 255)),
    max_size=3,
)


def mutated(data: bytes, changes: list[tuple[int, str, int]]) -> bytes:
    """Return ``data`` with some bytes set, dropped or added."""
    changed = bytearray(data)
    for at, how, value in changes:
        at %= max(1, len(changed))
        changed[at : at + (how != "add")] = b"" if how == "drop" else bytes([value])
    return bytes(changed)


_PAYLOADS = st.one_of(
    st.binary(max_size=40),
    st.binary(max_size=12).map(lambda raw: b"\x00\x3c\x00\x3c" + raw),
    st.binary(max_size=30).map(lambda raw: struct.pack(">HHQH", 60, 0, 2, 0x2000) + raw),
)
_FRAMES = st.one_of(
    st.builds(
        raw_frame,
        st.sampled_from([1, 2, 3, 8, 0, 9]),
        _PAYLOADS,
        st.sampled_from([CHANNEL, CHANNEL, 0, 1]),
    ),
    st.just(METHOD),
    st.just(raw_frame(2, raw_header(2))),
    st.just(raw_frame(3, b"{}")),
    st.just(delivery(GOOD, headers={"CC": ["a", "b"]})),
)
_STREAMS = st.builds(mutated, st.lists(_FRAMES, max_size=6).map(b"".join), _MUTATIONS)


@given(data=st.one_of(st.binary(max_size=200), _STREAMS), cut=st.integers(1, 60))
def test_any_bytes_become_deliveries_or_a_reason_the_same_wherever_they_are_cut(
    data: bytes, cut: int
) -> None:
    whole, pieces = Wire(), Wire()
    whole.feed(data)
    pieces.feed(data, cut)
    assert pieces.received == whole.received
    assert pieces.left_to_pika == whole.left_to_pika
    assert (pieces.ended is None) == (whole.ended is None)


@given(
    raw=st.binary(max_size=120),
    flags=st.integers(0, 0xFFFF),
    cut=st.integers(1, 60),
)
@example(raw=headers(deep_table(3000)), flags=0x2000, cut=1000)
def test_any_properties_cost_their_own_delivery_at_most_its_keys(
    raw: bytes, flags: int, cut: int
) -> None:
    wire = Wire()
    bad = Message("e", "k", b"1")
    wire.feed(delivery(bad, 1, properties=RawProperties(raw, flags)) + delivery(GOOD, 2), cut)
    assert [tag for _, tag in wire.received] == [1, 2]
    assert wire.received[0][0]._replace(cc=(), malformed="") == bad
    assert wire.received[1][0] == GOOD._replace(cc=())
    assert wire.ended is None
