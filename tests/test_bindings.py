"""What a client may ask for: the request JSON, its limits, and what it is told when it is wrong."""

import json
import sys
from dataclasses import FrozenInstanceError
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.bindings import (
    DEFAULT_LIMIT,
    NAME_LIMIT_BYTES,
    Binding,
    BindingSet,
    format_bindings,
    parse_bindings,
)
from pulse_events.errors import InputError

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=60)
GOOD = {"exchange": "e", "routingKeyPattern": "#"}


def request(*entries: object) -> str:
    """Return the JSON of a request with these entries."""
    return json.dumps({"bindings": list(entries)})


def fault(text: str | None, limit: int = DEFAULT_LIMIT) -> str:
    """Return what the client is told about ``text``."""
    with pytest.raises(InputError) as refused:
        parse_bindings(text, limit)
    return str(refused.value)


def test_a_request_gives_its_bindings() -> None:
    found = parse_bindings(request({"exchange": "exchange/x", "routingKeyPattern": "a.*.#"}, GOOD))
    assert found.bindings == (Binding("e", "#"), Binding("exchange/x", "a.*.#"))


def test_the_empty_pattern_is_a_pattern() -> None:
    found = parse_bindings(request({"exchange": "e", "routingKeyPattern": ""}))
    assert found == BindingSet.of([("e", "")])


def test_order_and_repetition_make_no_difference() -> None:
    one = BindingSet.of([("b", "2"), ("a", "1"), ("b", "2"), ("b", "1")])
    other = BindingSet.of([("b", "1"), ("a", "1"), ("b", "2")])
    assert one == other
    assert hash(one) == hash(other)
    assert {one: "found"}[other] == "found"
    assert one.bindings == other.bindings


def test_exchange_and_pattern_are_not_mixed_up() -> None:
    assert BindingSet.of([("a", "b")]) != BindingSet.of([("b", "a")])


def test_a_binding_cannot_be_changed() -> None:
    binding = Binding("e", "a")
    with pytest.raises(FrozenInstanceError):
        binding.exchange = "f"  # type: ignore[misc]


@given(pairs=st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=8))
def test_a_formatted_set_is_parsed_to_an_equal_one(pairs: list[tuple[str, str]]) -> None:
    bindings = BindingSet.of(pairs)
    assert parse_bindings(format_bindings(bindings)) == bindings


def test_a_formatted_set_has_the_fields_of_the_contract() -> None:
    text = format_bindings(BindingSet.of([("e", "a"), ("d", "b")]))
    assert json.loads(text) == {
        "bindings": [
            {"exchange": "d", "routingKeyPattern": "b"},
            {"exchange": "e", "routingKeyPattern": "a"},
        ]
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "'bindings' is missing"),
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[", "not JSON"),
        ("{'bindings': []}", "not JSON"),
        ('{"bindings": NaN}', "not JSON"),
        ("[" * 5000 + "]" * 5000, "not JSON"),
        ("\udcff", "not JSON"),
        ("[]", "must be a JSON object, this is an array"),
        ("null", "must be a JSON object, this is null"),
        ('"bindings"', "must be a JSON object, this is a string"),
        ("true", "must be a JSON object, this is a boolean"),
        ("1.5", "must be a JSON object, this is a number"),
        ("{}", "the key 'bindings' is missing"),
        ('{"bindings": [], "more": 1}', "unknown key 'more'"),
        ('{"Bindings": []}', "unknown key 'Bindings'"),
        ('{"bindings": {}}', "must be an array, this is an object"),
        ('{"bindings": null}', "must be an array, this is null"),
        ('{"bindings": "[]"}', "must be an array, this is a string"),
        ('{"bindings": []}', "empty"),
    ],
)
def test_a_wrong_request_is_told_its_fault(text: str | None, words: str) -> None:
    assert words in fault(text)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (None, "must be an object, this is null"),
        ([], "must be an object, this is an array"),
        ("e", "must be an object, this is a string"),
        (7, "must be an object, this is a number"),
        ({}, "lacks the field 'exchange'"),
        ({"exchange": "e"}, "lacks the field 'routingKeyPattern'"),
        ({"routingKeyPattern": "#"}, "lacks the field 'exchange'"),
        ({"exchange": "e", "routingKey": "#"}, "lacks the field 'routingKeyPattern'"),
        (GOOD | {"exchange": 1}, ".exchange must be a string, this is a number"),
        (GOOD | {"exchange": None}, ".exchange must be a string, this is null"),
        (GOOD | {"routingKeyPattern": ["#"]}, ".routingKeyPattern must be a string, this is an"),
        (GOOD | {"exchange": "x" * 256}, "exchange is 256 bytes, the limit is 255"),
        (GOOD | {"routingKeyPattern": "ä" * 128}, "routingKeyPattern is 256 bytes"),
        (GOOD | {"exchange": "a\nb"}, "exchange 'a\\nb' holds a control character"),
        (GOOD | {"routingKeyPattern": "\0"}, "'\\x00' holds a control character"),
        (GOOD | {"routingKeyPattern": "a\x7f"}, "control character"),
        (GOOD | {"routingKeyPattern": "\x9f"}, "control character"),
    ],
)
def test_a_wrong_entry_is_named_with_its_fault(entry: object, words: str) -> None:
    told = fault(request(GOOD, GOOD, GOOD, entry, GOOD))
    assert told.startswith("bindings[3]")
    assert words in told


def test_other_fields_of_an_entry_are_ignored_whatever_they_hold() -> None:
    reference = [{"name": "routingKeyKind", "constant": "primary", "required": True}]
    found = parse_bindings(request(GOOD | {"routingKeyReference": reference, "x": None}))
    assert found == BindingSet.of([("e", "#")])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"bindings": [%s], "bindings": [%s]}', "the JSON object has the key 'bindings' twice"),
        ('{"bindings": [%s], "bind\\u0069ngs": [%s]}', "has the key 'bindings' twice"),
        ('{"bindings": [%s, {"exchange": "e", "exchange": "e"}, %s]}', "bindings[1] has the key"),
        ('{"bindings": [%s, {"x": [{"y": 1, "y": 2}]}, %s]}', "bindings[1].x[0] has the key 'y'"),
        ('{"bindings": [%s, %s], "\\n": {"a": {}, "a": 1}}', "['\\n'] has the key 'a' twice"),
    ],
)
def test_a_key_that_is_given_twice_is_refused_with_its_place(text: str, words: str) -> None:
    told = fault(text % ((json.dumps(GOOD),) * 2))
    assert words in told
    assert "twice" in told


def nested(opened: str, depth: int) -> str:
    """Return a request with a field that nobody reads and that is nested so deep."""
    value = opened * depth + "1" + {"[": "]"}.get(opened, "}") * depth
    return json.dumps({"bindings": [GOOD | {"x": "?"}]}).replace('"?"', value)


NEAR_THE_LIMIT = [("[", 990), ("[", 1010)]
OBJECTS_NEAR_THE_LIMIT = [('{"a":', 990), ('{"a":', 1010)]
READS_DEEP_OBJECTS = sys.version_info >= (3, 12)
"""Python's own parser counts only the functions of Python against its limit of 1,000 then."""
TOO_DEEP = [*NEAR_THE_LIMIT, *([] if READS_DEEP_OBJECTS else OBJECTS_NEAR_THE_LIMIT)]


@pytest.mark.parametrize(("opened", "depth"), [*TOO_DEEP, ("[", 5000), ('{"a":', 5000)])
def test_what_is_nested_too_deep_is_refused(opened: str, depth: int) -> None:
    told = fault(nested(opened, depth))
    assert "nested" in told or "not JSON" in told


@pytest.mark.parametrize(
    ("opened", "depth"), [("[", 900), *(OBJECTS_NEAR_THE_LIMIT if READS_DEEP_OBJECTS else [])]
)
def test_what_is_nested_less_deep_is_taken(opened: str, depth: int) -> None:
    assert parse_bindings(nested(opened, depth)) == BindingSet.of([("e", "#")])


@pytest.mark.parametrize("name", ["x" * 255, "ä" * 127 + "x", "日" * 85, "\u2028 \u00a0", "."])
def test_a_name_of_up_to_255_bytes_is_accepted(name: str) -> None:
    assert NAME_LIMIT_BYTES == 255
    found = parse_bindings(request({"exchange": name, "routingKeyPattern": name}))
    assert found.bindings == (Binding(name, name),)


def test_a_name_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(InputError, match="exchange holds a lone surrogate"):
        Binding("\ud800", "#")
    with pytest.raises(InputError, match="routingKeyPattern holds a lone surrogate"):
        Binding("e", "a.\udfff")
    text = unquote_to_bytes(request(GOOD | {"exchange": "?"}).replace("?", "%ff"))
    assert "not JSON" in fault(text.decode(errors="surrogateescape"))


def test_as_many_bindings_as_the_limit_are_accepted_and_one_more_is_not() -> None:
    entries = [{"exchange": "e", "routingKeyPattern": str(n)} for n in range(101)]
    assert DEFAULT_LIMIT == 100
    assert len(parse_bindings(request(*entries[:100])).bindings) == 100
    assert fault(request(*entries)) == "bindings has 101 entries, the limit is 100"
    assert fault(request(GOOD, GOOD), limit=1) == "bindings has 2 entries, the limit is 1"
    assert len(parse_bindings(request(*entries), limit=101).bindings) == 101


@given(
    text=st.text(max_size=40)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["bindings", "exchange", "routingKeyPattern", "x"]),
                inner,
                max_size=3,
            )
        ),
    ).map(json.dumps)
)
def test_any_text_is_a_set_or_an_input_error_on_one_line(text: str) -> None:
    try:
        assert parse_bindings(text).bindings
    except InputError as error:
        assert "\n" not in str(error)
        assert "\r" not in str(error)


def test_sets_that_match_the_same_are_equal() -> None:
    one = BindingSet.of([("e", "a.#.*"), ("e", "#.#"), ("e", "b")])
    other = BindingSet.of([("e", "b"), ("e", "a.*.#.#"), ("e", "#"), ("e", "a.*.#")])
    assert one == other
    assert hash(one) == hash(other)
    assert one.asked is one.bindings


def test_the_broker_is_asked_for_patterns_with_few_hashes() -> None:
    bindings = BindingSet.of([("e", "#.a.#.b.#"), ("e", "#.a.#.c.#"), ("f", "a")])
    assert bindings.asked == (Binding("e", "#.a.#"), Binding("f", "a"))
    assert len(bindings.bindings) == 3
