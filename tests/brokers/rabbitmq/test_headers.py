"""A delivery's keys are found in any table that RabbitMQ takes, and nothing hurts the reader."""

import struct
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.brokers.rabbitmq.headers import Unreadable, read_cc
from tests.support.raw_headers import (
    HAS_CONTENT_TYPE,
    HAS_HEADERS,
    array,
    cc,
    deep_array,
    deep_table,
    field,
    headers,
    long,
    nested,
    text,
)

ALL_FLAGS = 0xFFFF
FRAME_BYTES = 131_064

VALUES = {
    "a bool": b"t\1",
    "a byte": b"b\xff",
    "an unsigned byte": b"B\xff",
    "a short": b"s\xff\xff",
    "pika's short": b"U\xff\xff",
    "an unsigned short": b"u\xff\xff",
    "an int": b"I" + bytes(4),
    "an unsigned int": b"i" + bytes(4),
    "a long": b"l" + bytes(8),
    "another long": b"L" + bytes(8),
    "a float": b"f" + bytes(4),
    "a double": b"d" + bytes(8),
    "a decimal": b"D\xff\xff\xff\xff\xff",
    "a time": b"T" + struct.pack(">Q", 1_795_483_682),
    "a time in milliseconds": b"T" + struct.pack(">Q", 1_795_483_682_000),
    "a time before 1970": b"T" + struct.pack(">q", -1),
    "nothing": b"V",
    "text": text("\x02CCA"),
    "no text": text(b"\xff\xfe"),
    "bytes": b"x" + long(b"\x02CCA" + bytes(4)),
    "a table": nested(cc("inner")),
    "an array": array(text("x"), nested(cc("inner"))),
    "tables 3,000 deep": deep_table(3000),
    "tables 10,000 deep": deep_table(10_000),
    "arrays 10,000 deep": deep_array(10_000),
}


def read(properties: bytes, flags: int = HAS_HEADERS) -> tuple[str, ...]:
    """Return the keys of these properties, which lie between other bytes."""
    data = b"\x02CC" + properties + b"\x02CCA\xce"
    return read_cc(data, 3, 3 + len(properties), flags)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_beside_cc_costs_nothing(value: bytes) -> None:
    odd, keys = field("odd", value), cc("a", "b")
    assert read(headers(odd, keys)) == ("a", "b")
    assert read(headers(keys, odd)) == ("a", "b")
    assert read(headers(odd)) == ()
    mixed = read(headers(field("CC", array(text("a"), value, text("b")))))
    assert (mixed[0], mixed[-1]) == ("a", "b")


@pytest.mark.parametrize(
    ("header", "keys"),
    [
        (field("CC", array(text("a"), b"V", deep_table(3000), b"t\1", text("b"))), ("a", "b")),
        (field("CC", array(b"x" + long(b"a"))), ("a",)),
        (field("CC", array(text(b"\xff\xfe"))), ("\ufffd\ufffd",)),
        (field("CC", array()), ()),
        (field("CC", text("a")), ()),
        (field("CC", deep_table(3000)), ()),
        (field("CC", b"V"), ()),
        (cc("first") + cc("second"), ("first",)),
        (field("CC", text("first")) + cc("second"), ()),
        (field("cc", array(text("a"))), ()),
        (field("xCC", array(text("a"))), ()),
        (field("n" * 255, b"V") + cc("a"), ("a",)),
        (field("", b"V") + cc("a"), ("a",)),
        (cc("a") + b"\xff", ("a",)),
    ],
)
def test_only_strings_of_the_first_cc_array_are_keys(header: bytes, keys: tuple[str, ...]) -> None:
    assert read(headers(header)) == keys
    assert read(headers(field("first", b"V"), header)) == keys


def test_two_strings_may_stand_before_the_headers_and_anything_behind_them() -> None:
    table = headers(cc("a"))
    assert read(b"\x04json" + table + b"\2", 0x8000 | HAS_HEADERS | 0x1000) == ("a",)
    assert read(b"\x04gzip" + table, 0x4000 | HAS_HEADERS) == ("a",)
    assert read(b"\x04json\x04gzip" + table, 0xC000 | HAS_HEADERS) == ("a",)
    assert read(b"\x02\xff\xff" + table, HAS_CONTENT_TYPE | HAS_HEADERS) == ("a",)


def test_flags_that_mean_nothing_are_ignored_as_rabbitmq_ignores_them() -> None:
    assert read(headers(cc("a")), HAS_HEADERS | 3) == ("a",)


@pytest.mark.parametrize(
    ("properties", "keys"),
    [
        (b"", ()),
        (b"\0\0", ()),
        (struct.pack(">I", 1 << 30) + b"\1aV", ()),
        (headers(field("a", b"Z"), cc("a")), ()),
        (headers(b"\xff", cc("a")), ()),
        (headers(b"\1aS\xff\xff\xff\xff", cc("a")), ()),
        (headers(b"\1aF\0\0\1\0", cc("a")), ()),
        (headers(b"\2CCA\0\0\0\xff" + text("a")), ("a",)),
        (headers(b"\2CCA\0\0\0\6" + text("abc")), ()),
        (headers(field("CC", array(text("a"), b"Z", text("b")))), ("a",)),
        (headers(field("CC", array(text("a"), b"S\0"))), ("a",)),
        (headers(b"\1aV\2CC"), ()),
        (headers(b"\1aV\2CCA"), ()),
        (headers(b"\2CCA\0\0"), ()),
    ],
)
def test_what_breaks_off_says_so_and_gives_what_was_read(
    properties: bytes, keys: tuple[str, ...]
) -> None:
    with pytest.raises(Unreadable, match=r"breaks? off|is read of them|unknown type") as told:
        read_cc(properties, 0, len(properties), HAS_HEADERS)
    assert told.value.cc == keys


def test_what_a_cut_table_holds_whole_is_whole() -> None:
    properties = struct.pack(">I", 1 << 30) + cc("a")
    assert read_cc(properties, 0, len(properties), HAS_HEADERS) == ("a",)


def plain_walk(table: bytes) -> dict[bytes, Any]:
    """Return a table as a recursive reader sees it; the first header of a name counts."""
    found: dict[bytes, Any] = {}
    while table:
        size = table[0]
        name, (value, table) = table[1 : size + 1], plain_value(table[size + 1 :])
        found.setdefault(name, value)
    return found


def plain_value(raw: bytes) -> tuple[Any, bytes]:
    """Return the value that ``raw`` begins with, and the rest."""
    kind, raw = raw[:1], raw[1:]
    sizes = {b"V": 0, b"t": 1, b"b": 1, b"B": 1, b"s": 2, b"u": 2, b"U": 2, b"D": 5}
    sizes |= dict.fromkeys((b"I", b"i", b"f"), 4) | dict.fromkeys((b"l", b"L", b"d", b"T"), 8)
    if kind in sizes:
        return None, raw[sizes[kind] :]
    size = 4 + int.from_bytes(raw[:4])
    inner, rest = raw[4:size], raw[size:]
    if kind == b"A":
        values = []
        while inner:
            value, inner = plain_value(inner)
            values.append(value)
        return values, rest
    return plain_walk(inner) if kind == b"F" else inner, rest


def _fixed(kinds: bytes, size: int) -> st.SearchStrategy[bytes]:
    return st.tuples(st.sampled_from(kinds), st.binary(min_size=size, max_size=size)).map(
        lambda pair: bytes([pair[0]]) + pair[1]
    )


_NAMES = st.sampled_from([b"CC", b"CC", b"", b"a", b"x-death", b"\xff", b"n" * 255])
_SIMPLE = st.one_of(
    st.just(b"V"),
    _fixed(b"tbB", 1),
    _fixed(b"suU", 2),
    _fixed(b"Iif", 4),
    _fixed(b"D", 5),
    _fixed(b"lLdT", 8),
    st.binary(max_size=6).map(text),
    st.binary(max_size=6).map(lambda raw: b"x" + long(raw)),
)
_VALUES = st.recursive(
    _SIMPLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda values: array(*values)),
        st.lists(st.tuples(_NAMES, inner), max_size=4).map(
            lambda fields: nested(*(field(*each) for each in fields))
        ),
    ),
    max_leaves=12,
)
_TABLES = st.lists(st.tuples(_NAMES, _VALUES), max_size=5).map(
    lambda fields: b"".join(field(*each) for each in fields)
)


@given(table=_TABLES, content_type=st.none() | st.binary(max_size=5))
def test_it_finds_what_a_recursive_reader_finds(table: bytes, content_type: bytes | None) -> None:
    values = plain_walk(table).get(b"CC")
    strings = [v for v in values if isinstance(v, bytes)] if isinstance(values, list) else []
    expected = tuple(value.decode(errors="replace") for value in strings)
    if content_type is None:
        assert read(long(table)) == expected
    else:
        before = bytes([len(content_type)]) + content_type
        assert read(before + long(table), HAS_CONTENT_TYPE | HAS_HEADERS) == expected


@given(table=_TABLES, cut=st.integers(0, 60))
def test_of_a_table_that_is_cut_it_finds_the_first_keys_and_says_if_there_may_be_more(
    table: bytes, cut: int
) -> None:
    whole = read(long(table))
    properties = long(table)[:-cut] if cut else long(table)
    try:
        assert read_cc(properties, 0, len(properties), HAS_HEADERS) == whole
    except Unreadable as error:
        assert error.cc == whole[: len(error.cc)]


@given(data=st.binary(max_size=80), flags=st.integers(0, ALL_FLAGS), draw=st.data())
def test_no_bytes_get_anything_else_out_of_it(data: bytes, flags: int, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data)))
    end = draw.draw(st.integers(at, len(data)))
    try:
        found = read_cc(data, at, end, flags)
    except Unreadable as error:
        found = error.cc
    assert all(isinstance(key, str) for key in found)


@given(table=_TABLES, draw=st.data())
def test_no_single_wrong_byte_gets_anything_else_out_of_it(
    table: bytes, draw: st.DataObject
) -> None:
    broken = bytearray(long(table))
    broken[draw.draw(st.integers(0, len(broken) - 1))] = draw.draw(st.integers(0, 255))
    try:
        read(bytes(broken))
    except Unreadable as error:
        assert error.why


@pytest.mark.parametrize(
    "table",
    [
        headers(b"\0V" * (FRAME_BYTES // 2 - 20), cc("a")),
        headers(field("CC", b"A" + long(b"V" * (FRAME_BYTES - 40) + text("a")))),
        headers(cc(*["a"] * (FRAME_BYTES // 6 - 10))),
        headers(field("a", deep_table(FRAME_BYTES // 7 - 10)), cc("a")),
        headers(cc("a" * (FRAME_BYTES - 40))),
    ],
    ids=["voids", "voids in CC", "keys", "depth", "one key"],
)
def test_whatever_a_frame_can_hold_is_read_in_a_moment(table: bytes) -> None:
    start_s = time.process_time()
    assert read(table)
    assert time.process_time() - start_s < 0.1  # it takes 20 ms, also on a busy machine
