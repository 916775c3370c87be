"""Which bindings are asked of the broker: counts, the stand-in ``#``, refusals, lost brokers."""

import pytest

from pulse_events.bindings import Binding
from pulse_events.hub.interest import Interest
from tests.support.simulated_broker import Answer, SimulatedBroker

A = Binding("e", "a.*")
B = Binding("e", "b.*")
C = Binding("e", "c.*")
LITERAL = Binding("e", "a.b")
ALL = Binding("e", "#")


class Desk:
    """An `Interest` with a simulated broker, and what it reported of each want."""

    def __init__(self, threshold: int = 2, broker: SimulatedBroker | None = None) -> None:
        self.broker = broker or SimulatedBroker()
        self.interest = Interest(self.broker, threshold)
        self.in_force: set[Binding] = set()
        self.failed: set[Binding] = set()

    def want(self, *bindings: Binding) -> list[bool]:
        """Want each; return what was answered."""
        return [self.interest.want(binding) for binding in bindings]

    def drop(self, *bindings: Binding) -> None:
        """Drop each."""
        for binding in bindings:
            self.interest.drop(binding)

    def take(self, answer: Answer) -> None:
        """Note the broker's answer and what it means for the users."""
        if answer.bound:
            self.in_force.update(self.interest.confirmed(answer.binding))
        else:
            self.failed.update(self.interest.refused(answer.binding))

    def settle(self) -> set[Binding]:
        """Let the broker do everything; return what is bound."""
        self.broker.settle(self.take)
        return self.broker.bound

    def lose(self) -> None:
        """Lose the broker."""
        self.broker.lose(queue_kept=False)
        self.interest.lost()
        self.in_force.clear()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_first_user_of_a_binding_waits_and_the_second_does_not(desk: Desk) -> None:
    assert desk.want(A) == [False]
    assert desk.want(A) == [False]
    assert desk.settle() == {A}
    assert desk.in_force == {A}
    assert desk.want(A) == [True]
    assert len(desk.interest) == 1


def test_a_binding_is_unbound_with_its_last_user(desk: Desk) -> None:
    desk.want(A, A)
    desk.settle()
    desk.drop(A)
    assert desk.settle() == {A}
    desk.drop(A)
    assert desk.settle() == set()
    assert len(desk.interest) == 0


def test_a_binding_that_is_dropped_before_its_answer_leaves_nothing(desk: Desk) -> None:
    desk.want(A)
    desk.drop(A)
    assert desk.settle() == set()
    assert desk.in_force == set()


def test_a_binding_that_was_unbound_is_in_force_no_longer(desk: Desk) -> None:
    desk.want(A, B)
    desk.settle()
    desk.drop(A)
    assert desk.want(A) == [False]
    assert desk.settle() == {A, B}


def test_a_binding_that_comes_back_before_its_answer_waits_for_the_newest_one(desk: Desk) -> None:
    desk.want(A)
    desk.drop(A)
    assert desk.want(A) == [False]
    assert desk.settle() == {A}
    assert desk.in_force == {A}


def test_more_wildcards_than_the_threshold_are_replaced_by_one_for_everything(desk: Desk) -> None:
    desk.want(A, B)
    assert desk.settle() == {A, B}
    assert desk.want(C) == [False]
    assert desk.settle() == {ALL}
    assert desk.in_force == {A, B, C}
    assert len(desk.interest) == 1


def test_the_single_bindings_stay_until_the_one_for_everything_is_confirmed(desk: Desk) -> None:
    desk.want(A, B)
    desk.settle()
    desk.want(C)
    desk.broker.carry_out()
    assert desk.broker.bound == {A, B, ALL}
    assert desk.want(A) == [True]


def test_behind_the_one_for_everything_a_new_binding_is_in_force_at_once(desk: Desk) -> None:
    desk.want(A, B, C)
    desk.settle()
    assert desk.want(Binding("e", "d.*"), LITERAL, ALL) == [True, True, True]
    assert desk.settle() == {ALL}


def test_what_waits_while_everything_is_being_bound_is_reported_with_it(desk: Desk) -> None:
    desk.want(A, B, C)
    assert desk.want(LITERAL) == [False]
    desk.settle()
    assert desk.in_force == {A, B, C, LITERAL}


def test_single_bindings_come_back_when_half_the_threshold_is_left(desk: Desk) -> None:
    desk.want(A, B, C)
    desk.settle()
    desk.drop(C)
    assert desk.settle() == {ALL}
    desk.drop(B)
    assert desk.broker.bound == {ALL}
    desk.broker.carry_out()
    assert desk.broker.bound == {ALL, A}
    assert desk.settle() == {A}


def test_a_wanted_one_for_everything_stays_when_the_others_come_back(desk: Desk) -> None:
    desk.want(A, B, ALL)
    desk.settle()
    desk.drop(A, B)
    assert desk.settle() == {ALL}
    desk.drop(ALL)
    assert desk.settle() == set()


def test_a_dropped_one_for_everything_stays_while_it_stands_in_for_others(desk: Desk) -> None:
    desk.want(A, B, C)
    desk.settle()
    desk.drop(C, B)
    assert desk.want(ALL) == [True]
    desk.drop(ALL)
    assert desk.broker.bound == {ALL}
    desk.broker.carry_out()
    assert desk.broker.bound == {ALL, A}
    assert desk.settle() == {A}


def test_going_wide_while_everything_is_wanted_already_unbinds_the_others(desk: Desk) -> None:
    desk.want(ALL, A)
    assert desk.settle() == {ALL, A}
    assert desk.want(B) == [True]
    assert desk.settle() == {ALL}


def test_nobody_waits_for_ever_when_going_wide_while_everything_is_bound() -> None:
    desk = Desk(threshold=3)
    desk.want(ALL)
    desk.settle()
    assert desk.want(A, B) == [False, False]
    assert desk.want(C) == [True]
    desk.settle()
    assert desk.in_force >= {A, B}
    assert desk.broker.bound == {ALL}


def test_going_wide_again_while_going_back_settles_on_the_one_for_everything(desk: Desk) -> None:
    desk.want(A, B, C)
    desk.settle()
    desk.drop(C, B)
    desk.broker.carry_out()
    desk.want(B, C)
    assert desk.settle() == {ALL}


def test_literal_bindings_never_cause_the_one_for_everything() -> None:
    desk = Desk(threshold=0)
    literals = {Binding("direct", f"key.{n}") for n in range(20)}
    desk.want(*literals)
    assert desk.settle() == literals


def test_a_threshold_of_zero_binds_everything_for_the_first_wildcard() -> None:
    desk = Desk(threshold=0)
    desk.want(LITERAL, A)
    assert desk.settle() == {ALL}
    desk.drop(A)
    assert desk.settle() == {LITERAL}


def test_exchanges_are_counted_apart(desk: Desk) -> None:
    others = {Binding("f", "a.*"), Binding("f", "b.*")}
    desk.want(A, B, *others)
    assert desk.settle() == {A, B, *others}


def test_a_refused_binding_is_reported_and_nothing_is_unbound(desk: Desk) -> None:
    desk.broker.gone = {"e"}
    desk.want(A)
    assert desk.settle() == set()
    assert desk.failed == {A}
    assert len(desk.interest) == 0
    desk.drop(A)
    assert desk.broker.idle


def test_a_refused_binding_can_be_dropped_by_each_of_its_users(desk: Desk) -> None:
    desk.broker.gone = {"e"}
    desk.want(A, A, B)
    desk.settle()
    desk.drop(A, A, B)
    desk.broker.gone.clear()
    assert desk.want(A) == [False]
    assert desk.settle() == {A}


def test_everybody_fails_when_the_one_for_everything_is_refused(desk: Desk) -> None:
    desk.want(A, B)
    desk.settle()
    desk.lose()
    desk.broker.gone = {"e"}
    desk.want(C)
    desk.broker.reconnect()
    desk.settle()
    assert desk.failed == {A, B, C}


def test_a_spare_one_for_everything_that_is_refused_fails_nobody(desk: Desk) -> None:
    desk.want(A, B, C)
    desk.settle()
    desk.drop(C, B)
    assert list(desk.interest.refused(ALL)) == []
    assert len(desk.interest) == 1


def test_answers_about_what_nobody_asked_change_nothing(desk: Desk) -> None:
    assert list(desk.interest.confirmed(A)) == []
    assert list(desk.interest.refused(A)) == []
    desk.want(A)
    assert list(desk.interest.confirmed(B)) == []
    assert list(desk.interest.refused(B)) == []
    assert len(desk.interest) == 1


def test_after_a_lost_broker_everybody_waits_for_the_new_answers(desk: Desk) -> None:
    desk.want(A, B)
    desk.settle()
    desk.lose()
    assert desk.want(A) == [False]
    desk.broker.reconnect()
    assert desk.settle() == {A, B}
    assert desk.in_force == {A, B}
    assert desk.want(A) == [True]


def test_a_broker_lost_while_everything_was_being_bound_settles_on_it(desk: Desk) -> None:
    desk.want(A, B)
    desk.settle()
    desk.want(C)
    desk.lose()
    desk.broker.reconnect()
    assert desk.settle() == {ALL}
    assert desk.in_force == {A, B, C}


def test_a_broker_lost_while_going_back_keeps_the_stand_in_until_all_is_bound_again() -> None:
    desk = Desk(threshold=4)
    others = [Binding("e", "d.*"), Binding("e", "e.*")]
    desk.want(A, B, C, *others)
    desk.settle()
    desk.drop(C, *others)
    desk.lose()
    for binding in (ALL, A):
        desk.take(Answer(binding, bound=True))
        assert ALL in desk.broker.wanted
    desk.take(Answer(B, bound=True))
    assert ALL not in desk.broker.wanted


def test_what_is_dropped_while_the_broker_is_lost_is_not_bound_again(desk: Desk) -> None:
    desk.want(A, B)
    desk.settle()
    desk.lose()
    desk.drop(A)
    desk.broker.reconnect()
    assert desk.settle() == {B}


def test_an_exchange_gets_all_only_while_the_stand_in_is_asked_for_and_nobody_wants_it() -> None:
    broker = SimulatedBroker()
    interest = Interest(broker, threshold=1)
    assert not interest.gets_all("e")
    interest.want(Binding("e", "a.*"))
    assert not interest.gets_all("e")
    interest.want(Binding("e", "b.*"))
    assert interest.gets_all("e")
    interest.want(Binding("e", "#"))
    assert not interest.gets_all("e")


@pytest.fixture
def told() -> list[tuple[Binding, str]]:
    """What the broker is told to bind, and for whom."""
    return []


@pytest.fixture
def interest(told: list[tuple[Binding, str]]) -> Interest:
    class Telling(SimulatedBroker):
        def bind(self, binding: Binding, owner: str = "") -> None:
            told.append((binding, owner))
            super().bind(binding, owner)

    return Interest(Telling(), threshold=1)


def test_the_broker_is_told_of_each_who_waits_for_a_binding_and_of_nobody_later(
    interest: Interest, told: list[tuple[Binding, str]]
) -> None:
    for owner in ("192.0.2.1", "192.0.2.2"):
        assert not interest.want(A, owner)
    interest.confirmed(A)
    assert interest.want(A, "192.0.2.3")
    assert told == [(A, "192.0.2.1"), (A, "192.0.2.2")]
    interest.lost()
    assert not interest.want(A, "192.0.2.4")
    assert told[2:] == [(A, "192.0.2.4")]


def test_the_stand_in_is_asked_for_by_each_who_waits_for_it(
    interest: Interest, told: list[tuple[Binding, str]]
) -> None:
    for owner, binding in (("192.0.2.1", A), ("192.0.2.2", B), ("192.0.2.3", C), ("", A)):
        assert not interest.want(binding, owner)
    assert told == [(A, "192.0.2.1"), (ALL, "192.0.2.2"), (ALL, "192.0.2.3")]
    interest.confirmed(ALL)
    assert interest.want(Binding("e", "d.*"), "192.0.2.4")
    assert len(told) == 3


def test_what_replaces_the_stand_in_is_nobodys_alone(
    interest: Interest, told: list[tuple[Binding, str]]
) -> None:
    for owner, binding in (("192.0.2.1", LITERAL), ("192.0.2.2", A), ("192.0.2.3", B)):
        interest.want(binding, owner)
        interest.confirmed(binding)
    interest.confirmed(ALL)
    told.clear()
    for binding in (A, B):
        interest.drop(binding)
    assert told == [(LITERAL, "")]


class Counted(Binding):
    """Counts how often it is looked up."""

    lookups = 0

    def __hash__(self) -> int:
        Counted.lookups += 1
        return super().__hash__()


def test_what_is_new_among_few_is_found_without_a_look_at_all_that_are_wanted(desk: Desk) -> None:
    desk.want(*(Counted("e", f"a.{number}") for number in range(1000)))
    Counted.lookups = 0
    assert desk.interest.new_among([Counted("e", "a.1"), Counted("e", "b"), Counted("e", "b")]) == 1
    assert 0 < Counted.lookups < 20


def test_that_a_stand_in_is_asked_for_is_known_without_a_look_at_all_that_are_wanted() -> None:
    desk = Desk(threshold=2)
    desk.want(A, B, C)
    desk.settle()
    assert desk.interest.gets_all("e")
    assert not desk.interest.gets_all("f")
    desk.want(ALL)
    assert not desk.interest.gets_all("e")
