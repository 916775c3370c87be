"""Oddities are counted each time and told once for each exchange, of so many exchanges."""

from pulse_events.errors import Count
from pulse_events.hub.oddities import NOTED_LIMIT, Oddities, Oddity


def test_each_is_counted_and_the_first_of_a_kind_on_an_exchange_is_told() -> None:
    told: list[Oddity] = []
    odd = Oddities(told.append)
    first, other = Oddity(Count.MALFORMED, "e", "why"), Oddity(Count.UNROUTED, "e")
    for oddity in (first, first._replace(why="again"), other, first):
        odd.note(oddity)
    odd.note(Oddity(Count.SKIPPED_KEYS, "e"), 20_000)
    assert told == [first, other, Oddity(Count.SKIPPED_KEYS, "e")]
    assert odd.counts == {
        Count.UNROUTED: 1,
        Count.MALFORMED: 3,
        Count.OVERSIZED_KEYS: 0,
        Count.SKIPPED_KEYS: 20_000,
    }


def test_of_too_many_exchanges_it_is_not_told() -> None:
    told: list[Oddity] = []
    odd = Oddities(told.append)
    for number in range(NOTED_LIMIT + 10):
        odd.note(Oddity(Count.UNROUTED, f"e/{number}"))
    assert len(told) == NOTED_LIMIT
    assert odd.counts[Count.UNROUTED] == NOTED_LIMIT + 10
    odd.note(Oddity(Count.MALFORMED, "e/0"))
    assert len(told) == NOTED_LIMIT + 1
