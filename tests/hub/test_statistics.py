"""Counts of several hubs or processes become one: sums, but of an age the greatest."""

from pulse_events.errors import Count
from pulse_events.hub.oddities import KINDS
from pulse_events.hub.statistics import GAUGES, MAXIMA, TEXTS, Statistics


def test_counts_are_summed_and_of_an_age_the_greatest_counts() -> None:
    one = Statistics(clients=1, bindings_waiting=2, bindings_waiting_age_s=3.0, unrouted=4)
    other = Statistics(clients=10, bindings_waiting=20, bindings_waiting_age_s=0.5, unrouted=40)
    both = Statistics(clients=11, bindings_waiting=22, bindings_waiting_age_s=3.0, unrouted=44)
    assert one.plus(other) == other.plus(one) == both


def test_of_what_is_past_the_counts_stay_and_nothing_that_is_of_now() -> None:
    full = Statistics(*range(1, len(Statistics._fields) + 1))
    past = full.ended()
    for name in Statistics._fields:
        assert getattr(past, name) == (0 if name in GAUGES else getattr(full, name))


def test_each_count_is_explained_and_each_age_is_of_now() -> None:
    assert list(TEXTS) == list(Statistics._fields)
    assert set(MAXIMA) < set(GAUGES)


def test_each_name_of_a_count_is_a_field_and_each_refusal_has_a_name() -> None:
    assert set(Count) <= set(Statistics._fields)
    assert {name for name in Statistics._fields if name.startswith("refused_")} <= set(Count)
    assert set(Statistics(**dict.fromkeys(Count, 1))) == {0, 1}
    assert set(KINDS) < set(Count)
