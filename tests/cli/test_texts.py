"""Texts of others as people see them: nothing in them reaches the terminal as a command."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.cli.laid_out import laid_out
from pulse_events.cli.visible import one_line, visible

SHOWN = {
    "a b": "a b",
    "é 👍": "é 👍",
    "\x1b[2J": r"\u001b[2J",
    "a\r\n\tb": r"a\r\n\tb",
    "\x7f\x9b": r"\u007f\u009b",
    "\u202eab\u2066": r"\u202eab\u2066",
    "\ud800": r"\ud800",
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.items(), ids=map(ascii, SHOWN))
def test_what_does_more_than_stand_there_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_text_for_people_is_one_line() -> None:
    assert one_line(" a\n\n b\x1b ") == r"a b\u001b"


LAID = {
    "1": "1",
    "{}": "{}",
    "[ ]": "[]",
    '{"a":[]}': '{\n  "a": []\n}',
    '[1,"[,:]",{"a":null}]': '[\n  1,\n  "[,:]",\n  {\n    "a": null\n  }\n]',
    r'"\"\\"': r'"\"\\"',
    "[1e400,0.10,123456789012345678901234567890]": (
        "[\n  1e400,\n  0.10,\n  123456789012345678901234567890\n]"
    ),
}


@pytest.mark.parametrize(("text", "laid"), LAID.items(), ids=LAID)
def test_json_is_laid_out_and_every_literal_stays(text: str, laid: str) -> None:
    assert laid_out(text) == laid


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(_JSON)
def test_it_is_laid_out_as_json_does_it(value: Any) -> None:
    compact = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    assert laid_out(compact) == json.dumps(value, indent=2, ensure_ascii=False)


def test_json_that_is_nested_deep_is_laid_out_too() -> None:
    assert laid_out("[" * 5000 + "]" * 5000).count("\n") == 2 * 4999
