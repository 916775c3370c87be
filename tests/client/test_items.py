"""Events as objects: every field is of the type that it says, or the event is refused."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from pulse_events.client.items import BadEvent, Gap, Ping, Ready, item_of, message_of, one_line
from pulse_events.wire.sse import Event

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)


def sent(**fields: Any) -> str:
    whole = {
        "payload": 1,
        "exchange": "e",
        "routingKey": "k",
        "redelivered": True,
        "routes": ["r"],
        "cc": ["route.r"],
    }
    return json.dumps(whole | fields)


def item(kind: str, data: str) -> Any:
    return item_of(Event(kind, data, "-"), "c", lambda: NOW)


def test_a_message_has_what_was_sent() -> None:
    found = message_of(sent(later=1), "c")
    assert (found.payload, found.exchange, found.routing_key) == (1, "e", "k")
    assert (found.redelivered, found.routes, found.cc) == (True, ("r",), ("route.r",))
    assert (found.payload_encoding, found.body, found.cursor) == (None, None, "c")
    assert found.json == sent(later=1)


def test_a_message_cannot_be_changed_and_equals_its_like() -> None:
    found = message_of(sent(), None)
    with pytest.raises(AttributeError):
        found.payload = 2  # type: ignore[misc]
    assert found == message_of(sent(), None) != message_of(sent(), "c")


def test_a_payload_of_bytes_is_decoded() -> None:
    found = message_of(sent(payload="/wA=", payloadEncoding="base64"), None)
    assert (found.payload, found.body) == ("/wA=", b"\xff\0")


def test_an_encoding_of_later_versions_is_no_bytes() -> None:
    found = message_of(sent(payloadEncoding="later"), None)
    assert (found.payload_encoding, found.body) == ("later", None)


def test_json_of_several_lines_becomes_one() -> None:
    assert json.loads(message_of('{"payload":\n"x"}', None).json) == {"payload": "x"}
    assert "\n" not in message_of('{"payload":\n"x"}', None).json


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "[]",
        "1",
        sent(exchange=1),
        sent(routingKey=None),
        sent(redelivered=0),
        sent(routes="x"),
        sent(routes=None),
        sent(cc=[1]),
        sent(payloadEncoding=1),
        sent(payloadEncoding="base64"),
        sent(payloadEncoding="base64", payload="x"),
        sent(payloadEncoding="base64", payload="é"),
    ],
)
def test_a_message_of_another_shape_is_refused(data: str) -> None:
    with pytest.raises(BadEvent, match=r"^the server sent "):
        message_of(data, None)


def test_what_a_publisher_may_send_is_no_fault_of_the_server_s() -> None:
    digits = message_of('{"payload": %s}' % ("9" * 5000), None)
    assert digits.payload == math.inf
    deep = message_of(f'{{"payload": {"[" * 990}1{"]" * 990}}}', None).payload
    for _ in range(990):
        (deep,) = deep
    assert deep == 1
    with pytest.raises(BadEvent):
        message_of("[" * 100_000, None)


def test_other_events_have_their_times() -> None:
    assert item("ready", "{}") == Ready("c")
    zone = timezone(timedelta(hours=1))
    assert item("ping", '{"time": "2026-11-25T11:00:00.000+01:00"}') == Ping(
        datetime(2026, 11, 25, 11, tzinfo=zone), "c"
    )
    gap = item("gap", '{"reason": "r", "from": "2026-11-25T09:00:00.5Z", "to": "2026-11-25T09:01"}')
    begin = datetime(2026, 11, 25, 9, tzinfo=UTC)
    assert gap == Gap("r", begin + timedelta(seconds=0.5), begin + timedelta(minutes=1), "c")
    assert str(gap) == (
        "messages may be missing from 2026-11-25T09:00:00.500Z up to 2026-11-25T09:01:00Z: r"
    )


@pytest.mark.parametrize("odd", ["5", "{}", '{"time": 5, "from": [], "to": "x", "reason": null}'])
def test_a_time_that_is_none_is_now(odd: str) -> None:
    assert item("ping", odd).time == item("gap", odd).end == NOW
    assert item("gap", odd).start is None


def test_a_kind_of_later_versions_is_nothing() -> None:
    assert item("later", "no JSON") is None


def test_a_text_of_the_server_s_is_one_short_printable_line() -> None:
    assert one_line(" a\r\n b\x1b[0m\u202e ") == "a b�[0m�"
    assert len(one_line("x" * 10_000)) == 2000
