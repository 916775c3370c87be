"""Keys that stand twice in a JSON object are found, however deep and however they are written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.json_keys import repeated_key

REPEATED = {
    '{"a":1,"a":1}': ("a", ""),
    '{"a":1,"\\u0061":2}': ("a", ""),
    '{"bindings":[{},{"x":1,"x":2}]}': ("x", ".bindings[1]"),
    '{"bindings":[{"x":{"y":[0,[{"z":0,"z":0}]]}}]}': ("z", ".bindings[0].x.y[1][0]"),
    '[{"a b":{"":1,"":2}}]': ("", "[0]['a b']"),
    '{"a":{"x":1,"x":2},"a":1}': ("x", ".a"),
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
)


@pytest.mark.parametrize(("text", "found"), REPEATED.items())
def test_a_repeated_key_is_found_with_its_place(text: str, found: tuple[str, str]) -> None:
    assert repeated_key(text) == found


@given(VALUES.map(json.dumps))
def test_where_no_key_is_repeated_none_is_found(text: str) -> None:
    assert repeated_key(text) is None


@pytest.mark.parametrize("text", ['{"a":%s}' % ("9" * 5000), '{"a":1e999}', '["a",{"a":"a"}]'])
def test_any_number_is_read(text: str) -> None:
    assert repeated_key(text) is None


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_too_deep_is_a_recursion_error(opened: str, closed: str) -> None:
    depth = 100_000  # Python 3.12 and later take 5,000 objects in each other
    with pytest.raises(RecursionError):
        repeated_key(opened * depth + "1" + closed * depth)
