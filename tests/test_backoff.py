"""Delays between attempts: their growth, their cap, their spread."""

from collections.abc import Callable
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.backoff import CAP_S, FIRST_S, delays


def highest() -> float:
    """Return (nearly) the largest jitter."""
    return 1.0


def lowest() -> float:
    """Return the smallest jitter."""
    return 0.0


def test_each_step_is_longer_by_the_factor() -> None:
    found = list(islice(delays(highest, first_s=1.0, factor=2.0, cap_s=100.0), 5))
    assert found == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_delay_is_at_least_half_its_step() -> None:
    found = list(islice(delays(lowest, first_s=1.0, factor=2.0, cap_s=100.0), 3))
    assert found == [0.5, 1.0, 2.0]


def test_the_jitter_is_drawn_anew_for_each_delay() -> None:
    draws = iter([0.0, 0.5, 0.25])
    steps = delays(lambda: next(draws), first_s=1.0, factor=1.0)
    assert list(islice(steps, 3)) == [0.5, 0.75, 0.625]


@pytest.mark.parametrize(("jitter", "share"), [(highest, 1.0), (lowest, 0.5)])
def test_by_default_it_starts_at_half_a_second_and_stays_at_fifteen(
    jitter: Callable[[], float], share: float
) -> None:
    found = list(islice(delays(jitter), 1000))
    assert (FIRST_S, CAP_S) == (0.5, 15.0)
    assert (found[0], found[-1]) == (FIRST_S * share, CAP_S * share)


@given(
    jitter=st.floats(0.0, 1.0, exclude_max=True),
    first_s=st.floats(0.01, 1e3),
    factor=st.floats(1.0, 1e3),
    cap_s=st.floats(0.01, 1e3),
)
def test_no_delay_is_longer_than_the_cap_or_shorter_than_the_one_before(
    jitter: float, first_s: float, factor: float, cap_s: float
) -> None:
    found = list(islice(delays(lambda: jitter, first_s=first_s, factor=factor, cap_s=cap_s), 50))
    assert max(found) <= cap_s
    assert found == sorted(found)
