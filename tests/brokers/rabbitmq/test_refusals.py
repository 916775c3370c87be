"""What was refused is remembered for a while, and not for longer."""

from pulse_events.bindings import Binding
from pulse_events.brokers.rabbitmq import refusals
from pulse_events.brokers.rabbitmq.refusals import LAST_S, REFUSALS_LIMIT, RecentRefusals

A, B = Binding("e", "a"), Binding("e", "b")


class Clock:
    """Stands still until told."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_missing_exchange_is_remembered_for_all_of_its_bindings() -> None:
    known = RecentRefusals(Clock())
    known.add("e", "it does not exist")
    for binding in (A, B):
        assert known.find(binding) == "it does not exist; ask again in 5.0 s"
    assert known.find(Binding("f", "a")) is None


def test_another_refusal_is_remembered_for_its_binding_alone() -> None:
    known = RecentRefusals(Clock())
    known.add(A, "no")
    assert known.find(A) == "no; ask again in 5.0 s"
    assert known.find(B) is None
    assert known.find(Binding("a", "e")) is None


def test_after_some_seconds_it_is_forgotten_however_often_it_was_looked_up() -> None:
    clock = Clock()
    known = RecentRefusals(clock)
    known.add("e", "no")
    clock.now_s += LAST_S - 1
    assert known.find(A) == "no; ask again in 1.0 s"
    clock.now_s += 1
    assert known.find(A) is None
    assert len(known) == 0


def test_of_too_many_the_oldest_is_forgotten() -> None:
    known = RecentRefusals(Clock())
    for number in range(REFUSALS_LIMIT):
        known.add(f"e{number}", "no")
    known.add("e0", "still")  # so it is the newest
    known.add("one more", "no")
    assert len(known) == refusals.REFUSALS_LIMIT
    assert known.find(Binding("e1", "")) is None
    assert known.find(Binding("e0", "")) == "still; ask again in 5.0 s"
