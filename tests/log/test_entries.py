"""Entries of the log: they come back as they were, and hostile bytes are refused, never worse."""

import json
from typing import Any
from zlib import crc32

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.bindings import Binding
from pulse_events.log.entries import (
    HEAD_LIMIT_BYTES,
    MARKS_LIMIT,
    Began,
    Entry,
    Lost,
    NotAnEntry,
    Probe,
    Recorded,
    Stamp,
    check,
    decode,
    encode,
    holds,
    mark_of,
)
from pulse_events.messages import Message, encode_message

STAMP = Stamp("0123abcd", 7, 1_700_000_000_000, 3)
HEAD = [*STAMP]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "",
        "began",
        "probe",
        "lost",
        "holds",
        "\n",
        "\r\n",
        "\x00",
        '"',
        "\\",
        "\u2028",
        "\x85",
        "\U0010ffff",
    ]
)
times = st.integers(0, 253_402_300_799_999)
stamps = st.builds(
    Stamp,
    st.from_regex(r"[0-9a-f]{8}", fullmatch=True),
    st.integers(0, (1 << 63) - 1),
    times,
    st.integers(0, (1 << 63) - 1),
)
lines = st.binary(max_size=40).map(lambda line: line.translate(None, b"\r\n"))
entries: st.SearchStrategy[Entry] = st.one_of(
    st.builds(Recorded, stamps, texts, texts, st.lists(texts, max_size=3).map(tuple), lines),
    st.builds(Began, stamps),
    st.builds(Probe, stamps),
    st.builds(Lost, stamps, times, texts, texts),
    st.builds(holds, stamps, st.lists(st.from_regex(r"[0-9a-f]{16}", fullmatch=True))),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
)


def head_and_line(head: Any, line: bytes = b"") -> bytes:
    """Return a body with a head of whatever JSON."""
    return json.dumps(head).encode() + b"\n" + line


def decode_or_refuse(body: bytes) -> Entry | None:
    """Decode; return ``None`` if it is refused as it should be."""
    try:
        return decode(body)
    except NotAnEntry:
        return None


@given(entries)
def test_an_entry_comes_back_as_it_was(entry: Entry) -> None:
    again = decode(encode(entry))
    assert again == entry
    assert type(again) is type(entry)


@given(texts, texts, st.lists(texts, max_size=2), st.binary(max_size=40))
def test_a_message_comes_back_with_its_json(
    exchange: str, key: str, cc: list[str], body: bytes
) -> None:
    line = encode_message(Message(exchange, key, body, tuple(cc)))
    entry = Recorded(STAMP, exchange, key, tuple(cc), line)
    assert decode(encode(entry)) == entry


def test_the_head_is_compact_json_and_the_line_stands_as_it_is() -> None:
    entry = Recorded(STAMP, "e", "k", ("c", "d"), b'{"payload":1}')
    assert encode(entry) == b'["0123abcd",7,1700000000000,3,"e","k","c","d"]\n{"payload":1}'
    assert encode(Began(STAMP)) == b'["0123abcd",7,1700000000000,3,"began"]\n'
    assert encode(Probe(STAMP)) == b'["0123abcd",7,1700000000000,3,"probe"]\n'
    assert encode(Lost(STAMP, 5, "e", "full")) == (
        b'["0123abcd",7,1700000000000,3,"lost"]\n{"from":5,"exchange":"e","reason":"full"}'
    )
    assert encode(holds(STAMP, ["b" * 16, "a" * 16])) == (
        b'["0123abcd",7,1700000000000,3,"holds"]\n["%b","%b"]' % (b"a" * 16, b"b" * 16)
    )


def test_a_binding_has_a_mark_of_its_own() -> None:
    bindings = [Binding("e", "a"), Binding("e", "a.#"), Binding("ea", ""), Binding("", "ea")]
    assert len({*map(mark_of, bindings)}) == len(bindings)
    # Those of yesterday are in the log.
    assert mark_of(bindings[0]) == "de2a1577a7aa5418"


def test_of_more_bindings_than_an_entry_can_tell_of_the_rest_is_left_out() -> None:
    entry = holds(STAMP, [f"{number:016x}" for number in range(MARKS_LIMIT + 1)])
    assert decode(encode(entry)) == entry
    assert len(entry.marks) == MARKS_LIMIT


@pytest.mark.parametrize("kind", ["began", "probe", "lost", "holds"])
@pytest.mark.parametrize("exchange", ["", "began", "lost"])
def test_a_message_of_the_default_exchange_is_no_control_entry(exchange: str, kind: str) -> None:
    entry = Recorded(STAMP, exchange, kind, (), b'{"from":5,"exchange":"e","reason":"full"}')
    assert decode(encode(entry)) == entry


def test_the_check_is_of_writer_and_number_alone() -> None:
    assert check(STAMP) == crc32(b"0123abcd.7")
    assert check(STAMP) == check(STAMP._replace(time_ms=0))


@pytest.mark.parametrize(
    "head",
    [
        None, 1, "text", {}, [], HEAD[:2], HEAD, [*HEAD, "other"], [*HEAD, 1], [*HEAD, 1, "k"],
        [*HEAD, "e", 1], [*HEAD, "e", "k", 1], [*HEAD, "e", "k", None], [*HEAD, "e", "k", True],
        [*HEAD, "e", "k", []], [*HEAD, "e", "k", {}], [*HEAD, "e", "k", 1.0],
        [*HEAD, "e", "\ud800"], [*HEAD, "e", "\udc00"], [*HEAD, "e", "\ud800\ud800"],
        [7, 7, 7, 7, "began"], ["0123ABCD", 7, 7, 7, "began"], ["0123abc", 7, 7, 7, "began"],
        ["0123abcd\n", 7, 7, 7, "began"], ["٠١٢٣٤٥٦٧", 7, 7, 7, "began"],
        ["0123abcd", "7", 7, 7, "began"], ["0123abcd", True, 7, 7, "began"],
        ["0123abcd", 7.0, 7, 7, "began"], ["0123abcd", -1, 7, 7, "began"],
        ["0123abcd", 1 << 63, 7, 7, "began"], ["0123abcd", 10**4000, 7, 7, "began"],
        ["0123abcd", 7, -1, 7, "began"], ["0123abcd", 7, 253_402_300_800_000, 7, "began"],
        ["0123abcd", 7, float("nan"), 7, "began"], ["0123abcd", 7, float("inf"), 7, "began"],
        ["0123abcd", 7, 7, "7", "began"], ["0123abcd", 7, 7, -1, "began"],
    ],
)  # fmt: skip
def test_a_head_that_nobody_writes_is_refused(head: Any) -> None:
    with pytest.raises(NotAnEntry):
        decode(head_and_line(head))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\n", b"\n\n", b"\x00\n", b"\xff\n", b'["0123abcd",7,7,7,"began"]',
        b'["0123abcd",7,7,7,"began"]\n{}', b'["0123abcd",7,7,7,"began"]\n\n',
        b'["0123abcd",7,7,7,"e","k"]\na\nb', b'["0123abcd",7,7,7,"e","k"]\na\rb',
        b'["0123abcd",7,7,7,"e","k"]\na\r\n', b'["0123abcd",7,7,7,"e","\xff"]\n',
        b'["0123abcd",7,7,7,"e","\xed\xa0\x80"]\n', b'["0123abcd",7,7,7,"e","k"\n',
        b'["0123abcd",7,7,7,"e","k",]\n', b'["0123abcd",07,7,7,"e","k"]\n', b"[" * 100_000 + b"\n",
        b"[" + b"9" * 500_000 + b"]\n",
    ],
)  # fmt: skip
def test_bytes_that_nobody_writes_are_refused(body: bytes) -> None:
    with pytest.raises(NotAnEntry):
        decode(body)


@pytest.mark.parametrize(
    "line",
    [
        b"", b"1", b"[]", b"{}", b"{", b'{"from":5,"exchange":"e"}', b"[" * 100_000, b"\xff",
        b'{"from":"5","exchange":"e","reason":"r"}', b'{"from":-5,"exchange":"e","reason":"r"}',
        b'{"from":5.0,"exchange":"e","reason":"r"}', b'{"from":5,"exchange":1,"reason":"r"}',
        b'{"from":5,"exchange":"e","reason":null}', b'{"from":5,"exchange":"e","reason":[]}',
        b'{"from":5,"exchange":"e","reason":"r","more":1}',
        b'{"from":5,"exchange":"e","reason":"\xff"}',
        b'{"from":5,"exchange":"e","reason":"\\ud800"}',
        b'{"from":5,"exchange":"e","reason":"%b"}' % (b"r" * HEAD_LIMIT_BYTES),
    ],
)  # fmt: skip
def test_a_loss_that_nobody_writes_is_refused(line: bytes) -> None:
    with pytest.raises(NotAnEntry):
        decode(head_and_line([*HEAD, "lost"], line))


@pytest.mark.parametrize(
    "line",
    [
        b"", b"1", b"{}", b"[", b'[""]', b"[1]", b"[null]", b'["0123456789abcde"]',
        b'["0123456789ABCDEF"]', b'["0123456789abcdef0"]', b'["0123456789abcdef",]', b"\xff",
        b'["%b"]' % b'0123456789abcdef","'.ljust(HEAD_LIMIT_BYTES), b"[" * 100_000,
    ],
)  # fmt: skip
def test_marks_that_nobody_writes_are_refused(line: bytes) -> None:
    with pytest.raises(NotAnEntry):
        decode(head_and_line([*HEAD, "holds"], line))


def test_a_head_may_be_as_long_as_a_frame_of_keys_and_not_longer() -> None:
    keys = tuple("\x00" * 255 for _ in range(500))
    entry = Recorded(STAMP, "e", "k", keys, b"{}")
    assert decode(encode(entry)) == entry
    with pytest.raises(NotAnEntry, match="the limit is 1048576"):
        decode(encode(entry._replace(cc=keys * 2)))


@given(st.binary(max_size=80))
def test_of_any_bytes_nothing_but_a_refusal_leaves(body: bytes) -> None:
    decode_or_refuse(body)
    decode_or_refuse(b'["0123abcd",7,7,7,"e","k"]\n' + body)
    decode_or_refuse(b'["0123abcd",7,7,7,"lost"]\n' + body)
    decode_or_refuse(b'["0123abcd",7,7,7,"holds"]\n' + body)
    decode_or_refuse(b'["0123abcd",7,7,7,"e","' + body + b'"]\n')


@given(st.lists(json_values, max_size=4), json_values)
def test_of_any_json_nothing_but_a_refusal_leaves(more: list[Any], line: Any) -> None:
    for head in (more, [*HEAD, *more], [*HEAD, "lost", *more], [*HEAD, "holds", *more]):
        decode_or_refuse(head_and_line(head, json.dumps(line).encode()))


@given(entries, st.data())
def test_what_is_taken_of_a_damaged_entry_can_be_written_again(
    entry: Entry, data: st.DataObject
) -> None:
    body = bytearray(encode(entry))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
        if not body:
            break
    found = decode_or_refuse(bytes(body))
    if found is not None:
        assert decode(encode(found)) == found
        assert orjson.loads(encode(found).partition(b"\n")[0])
