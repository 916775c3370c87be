"""A message as JSON: the contract's keys, the body as it came, whatever it is."""

import base64
import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pulse_events.messages import Message, encode_message, is_json

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)
PLAIN_TEXT = st.text(st.characters(codec="utf-8"), max_size=60)

UNUSUAL_JSON = [
    b'"\\ud800"',
    b'{"\\udc00 \\ud800": [1]}',
    b"1e400",
    b"-1E+999",
    b"9" * 5000,
    b"0." + b"1" * 5000,
]
NOT_JSON = [
    b"",
    b" ",
    b"{",
    b"nul",
    b"NaN",
    b"[Infinity]",
    b'{"a": -Infinity}',
    b"01",
    b"1.",
    b".5",
    b"+1",
    b"1_000",
    b"0x10",
    b"{'a': 1}",
    b'{"a": 1,}',
    b"[1,]",
    b"[1] 2",
    b'"tab\there"',
    b'"line\nbreak"',
    b'"\x00"',
    b'"\\x41"',
    b'"\\ud80"',
    b"\xef\xbb\xbf{}",
    "\u00a0{}".encode(),
    "\uff11".encode(),
    b"{}\x00",
]


def decoded(message: Message) -> dict[str, object]:
    """Return the encoded message read back by a parser that the program does not use for it."""
    line = encode_message(message)
    assert b"\n" not in line
    assert b"\r" not in line
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def test_the_keys_come_in_the_order_of_the_contract() -> None:
    line = encode_message(
        Message("exchange/e", "a.b", b'{"z":1,"a":2}', ("route.x.y", "other"), redelivered=True)
    )
    assert line == (
        b'{"payload":{"z":1,"a":2},"exchange":"exchange/e","routingKey":"a.b","redelivered":true,'
        b'"routes":["x.y"],"cc":["route.x.y","other"]}'
    )


def test_a_message_without_cc_has_empty_lists_and_was_not_redelivered() -> None:
    found = decoded(Message("e", "", b"null"))
    assert found == {
        "payload": None,
        "exchange": "e",
        "routingKey": "",
        "redelivered": False,
        "routes": [],
        "cc": [],
    }


def test_routes_are_the_cc_keys_with_the_prefix_and_without_it() -> None:
    cc = ("route.", "route", "routes.a", "Route.b", "route.route.c", "a.route.d", "route.e")
    found = decoded(Message("e", "route.not", b"1", cc))
    assert found["routes"] == ["", "route.c", "e"]
    assert found["cc"] == list(cc)


@pytest.mark.parametrize(
    "body",
    [
        b"12345678901234567890123",
        b"1.0",
        b"1.10",
        b"1E5",
        b"-0",
        b'"\\u0041\\/"',
        b'{"a":1,"a":2}',
        b' \t{ "a" : [ ] } ',
        b"9007199254740993",
        *UNUSUAL_JSON,
    ],
)
def test_a_json_body_keeps_its_numbers_escapes_and_order(body: bytes) -> None:
    line = encode_message(Message("e", "k", body))
    assert line.startswith(b'{"payload":' + body + b',"exchange":')
    assert b"payloadEncoding" not in line


def test_line_breaks_between_the_tokens_of_a_json_body_go() -> None:
    body = b'\r\n{\r\n  "a": [\r1,\n2\n],\n"b": "\\n\\r"\n}\n'
    line = encode_message(Message("e", "k", body))
    assert line.startswith(b'{"payload":{  "a": [1,2],"b": "\\n\\r"},"exchange"')


def test_line_separators_and_escaped_nul_stay_in_the_payload() -> None:
    body = '"\u2028\u2029\\u0000\x7f\x85"'.encode()
    assert decoded(Message("e", "k", body))["payload"] == "\u2028\u2029\0\x7f\x85"


@pytest.mark.parametrize("body", NOT_JSON)
def test_other_text_comes_as_a_string(body: bytes) -> None:
    assert not is_json(body)
    found = decoded(Message("e", "k", body))
    assert found["payload"] == body.decode()
    assert "payloadEncoding" not in found


@pytest.mark.parametrize("body", [b"\xff", b'"\xff"', b"\x00\x80", b"\xed\xa0\x80", b"{}\xc3"])
def test_other_bytes_come_in_base64_and_the_last_key_says_so(body: bytes) -> None:
    found = decoded(Message("e", "k", body))
    assert base64.b64decode(str(found["payload"]), validate=True) == body
    assert list(found)[-1] == "payloadEncoding"
    assert found["payloadEncoding"] == "base64"


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 9999])
def test_a_body_nested_too_deep_is_passed_on_as_text(body: bytes) -> None:
    assert decoded(Message("e", "k", body))["payload"] == body.decode()


def test_a_body_nested_five_hundred_deep_is_json() -> None:
    assert is_json(b"[" * 500 + b"]" * 500)


@given(value=JSON_VALUES, indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_any_json_comes_through_unchanged(
    value: object, indent: int | None, ascii_only: bool
) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode(errors="replace")
    expected = json.loads(body)
    assert decoded(Message("e", "k", body))["payload"] == expected


@given(body=PLAIN_TEXT.map(str.encode) | st.binary(max_size=60))
@example(body=b"20000000000000000000")
def test_no_body_is_dropped_or_changed(body: bytes) -> None:
    found = decoded(Message("e", "k", body))
    if found.get("payloadEncoding"):
        assert base64.b64decode(str(found["payload"])) == body
    elif is_json(body):
        assert json.dumps(found["payload"]) == json.dumps(json.loads(body))
    else:
        assert found["payload"] == body.decode()


@given(key=PLAIN_TEXT, exchange=PLAIN_TEXT, cc=st.lists(PLAIN_TEXT, max_size=3))
def test_names_come_through_unchanged(key: str, exchange: str, cc: list[str]) -> None:
    found = decoded(Message(exchange, key, b"0", tuple(cc)))
    assert (found["exchange"], found["routingKey"], found["cc"]) == (exchange, key, cc)


@given(text=st.text('[]{}",:\\ud80-+.eE 019\n\tntrfalse', max_size=12))
def test_the_standard_parser_agrees_on_what_json_is(text: str) -> None:
    def refuse(name: str) -> float:
        raise ValueError(name)

    try:
        json.loads(text, parse_constant=refuse, parse_float=lambda _: math.nan)
    except ValueError:
        assert not is_json(text.encode())
    else:
        assert is_json(text.encode())
