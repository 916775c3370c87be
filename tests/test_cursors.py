"""Cursors: short, opaque, and good for one history alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.cursors import Cursors, Foreign

MINE, OTHER = Cursors(b"\0\xff\xfe-bcde"), Cursors(b"\0\xff\xfe-bcdf")
POSITIONS = st.integers(0, (1 << 48) - 1)


@given(position=POSITIONS)
def test_a_cursor_is_read_as_what_it_was_made_of_by_its_history_alone(position: int) -> None:
    text = MINE.at(position).decode()
    assert MINE.read(text) == position
    assert OTHER.read(text) is Foreign.OF_ANOTHER
    assert re.fullmatch(r"[A-Za-z0-9_-]{14,25}", text)


@given(first=POSITIONS, second=POSITIONS)
def test_each_position_has_a_cursor_of_its_own(first: int, second: int) -> None:
    assert (MINE.at(first) == MINE.at(second)) == (first == second)


ENDS = ("", "01", "F", "1\n", "1" * 13, "\u0661")
OTHERS = ("", "-", "1", "1m", "1s", "x" * 63, "\0", "\u00e9" * 5000)


@pytest.mark.parametrize("text", [*OTHERS, *(f"1mAP_-LWJjZGU{end}" for end in ENDS)])
def test_what_no_server_writes_is_forged(text: str) -> None:
    assert MINE.read(text) is Foreign.FORGED


@given(text=st.text())
def test_any_text_is_read(text: str) -> None:
    assert MINE.read(text) is Foreign.FORGED
