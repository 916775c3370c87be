"""Cursors: short, opaque, and good for one history alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.cursors import CHECK_LIMIT, Cursors, Foreign, LogCursors

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


OFFSETS, CHECKS = st.integers(0, (1 << 64) - 1), st.integers(0, CHECK_LIMIT - 1)
LOG = LogCursors()


@given(offset=OFFSETS, check=CHECKS, is_before=st.booleans())
def test_a_log_s_cursor_says_which_entry_it_is_behind_or_before(
    offset: int, check: int, is_before: bool
) -> None:
    position = LOG.position(offset, check) - is_before
    text = LOG.at(position).decode()
    assert LOG.read(text) == position
    assert LOG.offset(position) == offset
    assert re.fullmatch(r"[A-Za-z0-9_-]{12,28}", text)
    assert MINE.read(text) is Foreign.FORGED


@given(first=OFFSETS, second=OFFSETS, checks=st.tuples(CHECKS, CHECKS))
def test_a_log_s_positions_grow_with_its_offsets(
    first: int, second: int, checks: tuple[int, int]
) -> None:
    one, two = LOG.position(first, checks[0]), LOG.position(second, checks[1])
    if first != second:
        assert (one < two) == (one < two - 1) == (first < second)


@pytest.mark.parametrize(
    "text",
    ["1s", "1s_00000000", "1s00_00000000", "1s1", "1s1_0000000", "1s1.00000000"],
)
def test_what_no_log_has_is_forged(text: str) -> None:
    assert LOG.read(text) is Foreign.FORGED


def test_a_cursor_of_a_process_s_memory_is_of_another_history() -> None:
    assert LOG.read(MINE.at(5).decode()) is Foreign.OF_ANOTHER
