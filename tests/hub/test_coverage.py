"""Since when bindings have been in force."""

from pulse_events.bindings import BindingSet
from pulse_events.history import Mark
from pulse_events.hub.coverage import NEVER, Coverage

A, B = ("e", "a.*"), ("e", "b")
FIRST, SECOND, THIRD = Mark(2, 10), Mark(5, 20), Mark(9, 30)


def test_all_bindings_must_be_in_force_and_the_newest_counts() -> None:
    coverage = Coverage()
    one, both = BindingSet.of([A]), BindingSet.of([A, B])
    coverage.add(one)
    assert (coverage.is_complete(one), coverage.since(one)) == (False, NEVER)
    coverage.begin(one, FIRST)
    coverage.begin(one, SECOND)
    assert coverage.since(one) == FIRST
    coverage.add(both)
    assert coverage.since(both) == NEVER
    coverage.begin(both, SECOND)
    assert (coverage.since(both), coverage.since(one)) == (SECOND, FIRST)


def test_it_lasts_as_long_as_anybody_wants_it() -> None:
    coverage = Coverage()
    one, both = BindingSet.of([A]), BindingSet.of([A, B])
    coverage.add(one)
    coverage.add(both)
    coverage.begin(both, FIRST)
    coverage.remove(one)
    assert coverage.since(one) == FIRST
    coverage.remove(both)
    assert not coverage.is_complete(one)


def test_an_interruption_begins_it_anew() -> None:
    coverage = Coverage()
    both = BindingSet.of([A, B])
    coverage.add(both)
    coverage.begin(both, FIRST)
    coverage.interrupt(both.bindings[1])
    assert coverage.since(both) == NEVER
    coverage.begin(both, THIRD)
    assert coverage.since(both) == THIRD
    assert coverage.since(BindingSet((both.bindings[0],))) == FIRST


def test_what_is_recorded_covers_what_it_contains() -> None:
    coverage = Coverage()
    recorded, inside, outside, other = (
        BindingSet.of([(e, p)]) for e, p in (("e", "a.#"), ("e", "a.*.b"), ("e", "#.b"), ("f", "a"))
    )
    coverage.record(recorded.bindings[0])
    for bindings in (recorded, inside, outside, other):
        coverage.add(bindings)
    coverage.begin(inside, SECOND)
    assert coverage.since(inside) == SECOND  # what is recorded is not in force yet
    coverage.remove(inside)
    coverage.begin(recorded, FIRST)
    coverage.add(inside)
    for bindings, since in ((inside, FIRST), (outside, THIRD), (other, THIRD)):
        coverage.begin(bindings, THIRD)
        assert coverage.since(bindings) == since
