"""The by-pass beside pika reads what pika writes, cut anywhere, and leaves the rest to pika."""

from typing import Any

import pika
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pika import frame, spec
from pika.adapters.asyncio_connection import AsyncioConnection

from pulse_events.brokers.rabbitmq_frames import Connection
from pulse_events.messages import Message

CHANNEL = 2
BODY_LIMIT_BYTES = 200


class Wire(Connection):
    """A connection without a socket: bytes go in, what pika would have been given is kept."""

    def __init__(self) -> None:
        self.bytes_received = 0
        self.received: list[tuple[Message, int]] = []
        self.left_to_pika: list[bytes] = []
        self._transport = type("Transport", (), {})()
        self.params = pika.ConnectionParameters()
        self.deliver_directly(
            CHANNEL, lambda message, tag: self.received.append((message, tag)), BODY_LIMIT_BYTES
        )

    def feed(self, data: bytes) -> None:
        """Receive ``data``."""
        self._on_data_available(data)


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
    properties = pika.BasicProperties(
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
    for start in range(0, len(data), cut):
        wire.feed(data[start : start + cut])
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


def test_a_header_that_pika_cannot_decode_costs_the_cc_keys_and_nothing_else() -> None:
    table = b"\x01tT" + (2**62).to_bytes(8, "big") + b"\x02CCA" + (0).to_bytes(4, "big")
    good = delivery(Message("e", "k", b"{}"), headers={})
    header = (60).to_bytes(2, "big") + bytes(2) + (2).to_bytes(8, "big") + b"\x20\x00"
    payload = header + len(table).to_bytes(4, "big") + table
    frames = [
        frame.Method(CHANNEL, spec.Basic.Deliver("c", 1, False, "e", "k")).marshal(),
        b"\x02" + CHANNEL.to_bytes(2, "big") + len(payload).to_bytes(4, "big") + payload + b"\xce",
        frame.Body(CHANNEL, b"{}").marshal(),
    ]
    wire = Wire()
    wire.feed(b"".join(frames) + good)
    assert [message for message, _ in wire.received] == [Message("e", "k", b"{}")] * 2


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


def test_a_frame_with_a_wrong_end_goes_to_pika_which_complains() -> None:
    wire = Wire()
    broken = bytearray(frame.Method(CHANNEL, spec.Basic.Deliver("c", 1, False, "e", "k")).marshal())
    broken[-1] = 0
    wire.feed(bytes(broken))
    assert wire.left_to_pika == [bytes(broken)]
    assert wire.received == []
