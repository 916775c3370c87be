"""What a predecessor recorded is found as deliveries come, as if all had been there at once."""

from hypothesis import given
from hypothesis import strategies as st

from pulse_events.log.takeover import Front, LogContent

letters = st.text("ab", max_size=8)


def contents(keys: str) -> list[LogContent]:
    """Return messages that differ if their keys do."""
    return [LogContent("e", key, (), b"{}") for key in keys]


def longest(end: str, again: str) -> int:
    """Return the length of the longest beginning of ``again`` with which ``end`` ends."""
    return next(n for n in range(len(again), -1, -1) if end.endswith(again[:n]))


@given(letters, letters)
def test_the_longest_beginning_that_is_an_end_is_found(end: str, again: str) -> None:
    front = Front(contents(end))
    for content in contents(again):
        front.add(content)
    assert front.recorded() == longest(end, again)


@given(letters, letters, letters)
def test_what_is_decided_stays_so_whatever_else_comes(end: str, again: str, more: str) -> None:
    front = Front(contents(end))
    for content in contents(again):
        front.add(content)
    if front.is_decided:
        assert longest(end, again) == longest(end, again + more)
    else:
        assert any(longest(end, end[place:]) > len(again) for place in range(len(end)))


@given(letters)
def test_it_is_decided_when_as_much_came_again_as_the_log_s_end_has(end: str) -> None:
    front = Front(contents(end))
    for content in contents(end):
        front.add(content)
    assert front.is_decided
    assert front.recorded() == len(end)
