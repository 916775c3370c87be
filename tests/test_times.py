"""Times of the wire, and what ``since`` may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.errors import InputError
from pulse_events.times import iso_time, read_since

NOW_MS = 1_764_064_800_250
DAY_MS = 86_400_000


def test_a_time_is_in_utc_with_milliseconds() -> None:
    assert iso_time(NOW_MS) == "2025-11-25T10:00:00.250Z"
    assert iso_time(0) == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("text", "ago_ms"),
    [("90s", 90_000), ("10m", 600_000), ("2h", 7_200_000), ("7d", 7 * DAY_MS), ("0s", 0)],
)
def test_a_duration_is_before_now(text: str, ago_ms: int) -> None:
    assert read_since(text, NOW_MS) == NOW_MS - ago_ms


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("2025-11-25T10:00:00.250Z", NOW_MS),
        ("2025-11-25T10:00:00.250", NOW_MS),
        ("2025-11-25 10:00:00.250", NOW_MS),
        ("2025-11-25T12:00:00.250+02:00", NOW_MS),
        ("2025-11-25T12:00:00.250 02:00", NOW_MS),  # a plus of a query string
        ("2025-11-25T10:00Z", NOW_MS - 250),
        ("2025-11-25", NOW_MS - 250 - 10 * 3_600_000),
        ("1960-01-01", 0),
        ("0001-01-01T00:00:00+23:59", 0),
        ("999999999d", 0),
    ],
)
def test_a_moment_is_in_utc_unless_it_names_a_zone(text: str, time_ms: int) -> None:
    assert read_since(text, NOW_MS) == time_ms


@given(time_ms=st.integers(0, NOW_MS))
def test_what_the_wire_says_can_be_asked_for(time_ms: int) -> None:
    assert read_since(iso_time(time_ms), NOW_MS) == time_ms


@pytest.mark.parametrize(
    "text", ["", "10", "10 m", "-5m", "5w", "1.5h", "٣s", "now", "T", "x" * 9999]
)
def test_what_is_neither_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InputError, match="like 90s, 10m"):
        read_since(text, NOW_MS)


def test_what_is_still_to_come_is_refused() -> None:
    with pytest.raises(InputError, match="still to come"):
        read_since(iso_time(NOW_MS + 1), NOW_MS)


@given(text=st.text(max_size=40))
def test_only_input_errors_leave_it(text: str) -> None:
    try:
        assert 0 <= read_since(text, NOW_MS) <= NOW_MS
    except InputError:
        pass
