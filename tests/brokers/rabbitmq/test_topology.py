"""The work at the broker: in turn, each binding answered once, and nothing done twice."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulse_events.bindings import Binding
from pulse_events.brokers.rabbitmq.refusals import LAST_S
from pulse_events.brokers.rabbitmq.turns import BATCH, QUANTUM
from tests.brokers.rabbitmq.topology_desk import Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as desk:
        yield desk


def some(number: int, exchange: str = "e", prefix: str = "k") -> list[Binding]:
    return [Binding(exchange, f"{prefix}.{n}") for n in range(number)]


def missing(desk: Desk, number: int, prefix: str = "missing") -> list[Binding]:
    """Return bindings of so many exchanges that do not exist."""
    found = [Binding(f"{prefix}/{n}", "#") for n in range(number)]
    desk.missing |= {binding.exchange for binding in found}
    return found


def refused(desk: Desk) -> list[Binding]:
    return [binding for binding, _ in desk.refusals]


# In turn


def test_a_newcomer_does_not_wait_for_what_another_has_in_line(desk: Desk) -> None:
    desk.want(*some(1000), owner="hog")
    desk.want(*some(3, "f"), owner="other")
    desk.step()
    assert desk.step() == ("bind", some(3, "f"), desk.done[-1].answer)
    assert desk.confirmations[-3:] == some(3, "f")


def test_one_after_the_other_has_a_quantum(desk: Desk) -> None:
    for owner in "ab":
        desk.want(*some(100, prefix=owner), owner=owner)
    desk.step()
    desk.step()
    desk.step()
    half = [b.pattern[0] for b in desk.batches[-1]]
    assert half == ["a"] * QUANTUM + ["b"] * QUANTUM


def test_one_who_is_alone_is_bound_in_batches(desk: Desk) -> None:
    desk.want(*some(200), owner="a")
    desk.settle()
    assert [len(batch) for batch in desk.batches] == [BATCH, BATCH, BATCH, 200 - 3 * BATCH]
    assert desk.confirmations == some(200)


def test_unbinding_is_broken_off_for_a_newcomer(desk: Desk) -> None:
    desk.want(*some(20), owner="a")
    desk.settle()
    desk.drop(*some(20))
    desk.step()
    desk.want(Binding("f", "x"), owner="b")
    kinds = [request.kind for request in (desk.step(), desk.step()) if request]
    assert kinds == ["unbind", "bind"]
    desk.settle()
    assert desk.at_broker == {Binding("f", "x")}


def test_what_is_wanted_again_before_its_turn_to_be_unbound_stays(desk: Desk) -> None:
    desk.want(*some(4), owner="a")
    desk.settle()
    desk.drop(*some(4))
    desk.want(*some(4)[1:3])  # nobody waits for it, so that unbinding goes on
    desk.settle()
    assert desk.at_broker == set(some(4)[1:3])
    assert desk.confirmations == [*some(4), *some(4)[1:3]]


def test_neither_unbinding_nor_the_audit_stands_before_others_for_more_than_a_quantum(
    desk: Desk,
) -> None:
    desk.want(*some(300, prefix="stays"), owner="a")
    desk.want(*some(300, prefix="goes"), owner="a")
    desk.settle()
    desk.drop(*some(300, prefix="goes"))
    desk.audit()
    desk.want(*some(100, "f"), owner="b")
    begun = len(desk.done)
    while not set(some(100, "f")) <= set(desk.confirmations):
        desk.step()
    others = [r for r in desk.done[begun:] for b in r.batch if b.exchange == "e"]
    rounds = -(-100 // QUANTUM)
    assert len(others) <= (rounds + 1) * 2 * QUANTUM + BATCH
    desk.settle()
    assert desk.at_broker == {*some(300, prefix="stays"), *some(100, "f")}


def test_a_binding_that_another_wants_already_comes_in_the_turn_of_who_wants_it_too(
    desk: Desk,
) -> None:
    popular = Binding("e", "popular")
    desk.want(*some(1000), popular, owner="hog")
    desk.want(popular, owner="other")
    desk.step()
    desk.step()
    assert desk.confirmations[-1] == popular
    desk.settle()
    assert desk.confirmations.count(popular) == 1


# Refusals


def test_each_missing_exchange_costs_one_request_where_the_broker_names_it(desk: Desk) -> None:
    good = some(BATCH)
    wanted = [b for pair in zip(missing(desk, 10), good, strict=False) for b in pair]
    desk.want(*wanted, owner="a")
    assert desk.settle() <= 10 + 2
    assert refused(desk) == missing(desk, 10)
    assert desk.confirmations == good[:10]
    assert desk.refusals[0][1] == "exchange 'missing/0': it does not exist"


def test_what_stood_before_it_is_confirmed_at_once(desk: Desk) -> None:
    desk.want(*some(3), *missing(desk, 1), Binding("f", "k"), owner="a")
    desk.step()
    assert desk.confirmations == some(3)
    assert desk.settle() == 1
    assert desk.confirmations == [*some(3), Binding("f", "k")]


def test_all_bindings_of_a_missing_exchange_are_refused_in_one_step(desk: Desk) -> None:
    desk.missing.add("e")
    desk.want(*some(3 * BATCH), owner="a")
    assert desk.settle() == 1
    assert sorted(refused(desk)) == sorted(some(3 * BATCH))


def test_where_the_broker_names_nothing_others_have_their_turn_between_two_tries() -> None:
    with Desk(names_missing=False) as desk:
        desk.want(*missing(desk, 8), owner="hog")
        desk.want(*some(100), owner="other")
        desk.settle()
        tries = [
            any(binding.exchange in desk.missing for binding in request.batch)
            for request in desk.done[3:12]
        ]
        assert not any(one and following for one, following in pairwise(tries))
        assert desk.at_broker == set(some(100))
        assert sorted(refused(desk)) == sorted(missing(desk, 8))


def test_one_refused_among_many_is_found_by_halves(desk: Desk) -> None:
    desk.want(Binding("e", "first"), *some(BATCH), owner="a")
    desk.forbidden.add(some(BATCH)[37])
    assert desk.settle() <= 3 * 6
    assert refused(desk) == [some(BATCH)[37]]
    assert desk.refusals[0][1] == "exchange 'e': access is refused"
    assert len(desk.at_broker) == BATCH


def test_what_nobody_wants_any_more_is_not_tried(desk: Desk) -> None:
    """As the hub does: the first refusal ends the stream, which drops its other bindings."""
    bindings = missing(desk, 100)

    def end_stream(refused_one: Binding) -> None:
        for other in bindings:
            if other != refused_one:
                desk.topology.drop(other)

    desk.on_refused = end_stream
    desk.want(*bindings, owner="a")
    assert desk.settle() == 1
    assert desk.topology.waiting().bindings == 0


def test_a_refusal_is_remembered_for_some_seconds_and_told_outside_of_the_call(
    desk: Desk,
) -> None:
    [binding] = missing(desk, 1)
    desk.want(binding, owner="a")
    desk.settle()
    desk.now_s += 1
    desk.topology.want(Binding(binding.exchange, "another"), "b")
    assert len(desk.refusals) == 1
    desk.want()
    assert desk.refusals[1] == (
        Binding(binding.exchange, "another"),
        f"exchange 'missing/0': it does not exist; ask again in {LAST_S - 1:.1f} s",
    )
    assert len(desk.done) == 1
    desk.missing.clear()
    desk.now_s += LAST_S - 1
    desk.want(binding, owner="a")
    desk.settle()
    assert desk.confirmations == [binding]


def test_answers_from_memory_leave_turns_of_the_loop_to_others(desk: Desk) -> None:
    desk.missing.add("e")
    desk.want(*some(1), owner="a")
    desk.settle()
    begun = desk.loop_turns
    desk.want(*some(10 * BATCH, prefix="more"), owner="a")
    assert desk.loop_turns - begun >= 10
    assert len(desk.refusals) == 1 + 10 * BATCH


def test_another_refusal_is_remembered_for_its_binding_alone(desk: Desk) -> None:
    first, second = some(2)
    desk.forbidden |= {first, second}
    desk.want(first)
    desk.settle()
    desk.want(first, second)
    assert desk.settle() == 1
    assert desk.batches == [[first], [second]]
    assert refused(desk) == [first, first, second]


def test_what_was_in_force_is_asked_for_in_the_audit_whatever_is_remembered(desk: Desk) -> None:
    desk.want(*some(3), owner="a")
    desk.settle()
    desk.missing.add("e")
    desk.want(Binding("e", "new"), owner="a")
    desk.settle()
    assert refused(desk) == [Binding("e", "new")]
    desk.missing.clear()
    desk.audit()
    desk.settle()
    assert len(desk.refusals) == 1
    assert desk.at_broker == set(some(3))


def test_the_audit_tells_what_is_refused_now_and_nothing_else(desk: Desk) -> None:
    desk.want(*some(3), *some(3, "f"), owner="a")
    desk.settle()
    desk.confirmations.clear()
    desk.missing.add("e")
    desk.audit()
    desk.settle()
    assert desk.confirmations == []
    assert refused(desk) == some(3)
    desk.audit()
    desk.settle()
    assert len(desk.refusals) == 3


# Lost connections


def test_on_a_new_connection_who_waits_comes_before_what_was_in_force(desk: Desk) -> None:
    desk.want(*some(100), owner="a")
    desk.settle()
    desk.lose()
    desk.want(*some(3, "f"), owner="b")
    desk.want(some(100)[99], owner="c")
    desk.confirmations.clear()
    desk.connect()
    desk.settle()
    assert desk.confirmations == [*some(3, "f"), *some(100)[99:], *some(100)[:99]]


def test_what_was_sent_when_the_connection_was_lost_is_answered_on_the_next_one(
    desk: Desk,
) -> None:
    desk.want(*some(3), owner="a")
    desk.lose()
    desk.connect()
    desk.settle()
    assert desk.confirmations == some(3)


@pytest.mark.parametrize("when", ["before the loss", "while it is lost", "before it was bound"])
def test_what_is_dropped_around_a_loss_does_not_stay_at_the_broker(desk: Desk, when: str) -> None:
    desk.want(*some(3), owner="a")
    desk.settle()
    if when == "before the loss":
        desk.drop(*some(3))
        assert desk.request is not None  # the broker may never have read it
    desk.lose()
    if when == "while it is lost":
        desk.drop(*some(3))
    desk.connect()
    if when == "before it was bound":
        desk.drop(*some(3))
    desk.settle()
    assert desk.at_broker == set()


# What ends the connection that it is asked on


def test_what_is_known_to_be_deadly_is_asked_apart_one_by_one() -> None:
    with Desk(is_deadly=lambda binding: binding.exchange == "deadly") as desk:
        desk.deadly = set(some(2, "deadly"))
        desk.want(*some(4, "deadly"), *some(3), owner="a")
        desk.settle()
        asked = [(request.kind, request.batch) for request in desk.done]
        assert asked == [
            *[("apart", [binding]) for binding in some(1, "deadly")],
            ("bind", some(3)),
            *[("apart", [binding]) for binding in some(4, "deadly")[1:]],
        ]
        assert desk.refusals == [
            (binding, "exchange 'deadly': the connection is lost") for binding in some(2, "deadly")
        ]
        assert desk.at_broker == {*some(3), *some(4, "deadly")[2:]}
        desk.audit()
        assert desk.settle() == 3
        assert desk.topology.outstanding("a") == 0


def test_what_was_asked_when_the_connection_failed_is_asked_apart_so_that_it_fails_once(
    desk: Desk,
) -> None:
    desk.deadly.add(Binding("e", "deadly"))
    desk.want(*some(3), Binding("e", "deadly"), owner="a")
    desk.want(*some(3, "f"), owner="b")
    desk.settle()
    kinds = [request.kind for request in desk.done]
    assert (kinds.count("bind"), kinds.count("apart")) == (2, 4)
    assert refused(desk) == [Binding("e", "deadly")]
    assert desk.at_broker == {*some(3), *some(3, "f")}
    desk.lose()
    desk.connect()
    desk.settle()
    assert desk.at_broker == {*some(3), *some(3, "f")}


def test_what_cannot_be_unbound_without_the_connections_end_is_left(desk: Desk) -> None:
    desk.want(*some(3), owner="a")
    desk.settle()
    desk.deadly.add(some(3)[1])
    desk.drop(*some(3))
    desk.settle()
    assert [request.kind for request in desk.done].count("unbind") == 3
    assert desk.at_broker == {some(3)[1]}


def test_what_was_dropped_while_it_was_asked_is_unbound_though_the_connection_failed(
    desk: Desk,
) -> None:
    desk.want(*some(3), owner="a")
    desk.settle()
    desk.audit()
    desk.deadly.add(some(3)[1])
    desk.drop(*some(3))
    desk.settle()
    assert desk.at_broker == {some(3)[1]}


def test_what_was_answered_before_the_connection_failed_is_no_suspect(desk: Desk) -> None:
    desk.want(*some(3), *missing(desk, 1), owner="a")
    desk.settle()
    desk.lose()
    desk.topology.suspect()
    desk.connect()
    desk.settle()
    assert {request.kind for request in desk.done} == {"bind"}


def test_a_suspect_that_is_wanted_anew_is_none(desk: Desk) -> None:
    desk.want(*some(3), owner="a")
    desk.lose()
    desk.topology.suspect()
    desk.drop(*some(3))
    desk.want(*some(3), owner="a")
    desk.connect()
    assert desk.settle() == 1
    assert desk.batches == [some(3)]


# What is counted


def test_an_owner_has_outstanding_what_it_was_first_to_want_until_that_is_answered(
    desk: Desk,
) -> None:
    desk.want(*some(10), owner="a")
    desk.want(*some(10), owner="b")
    assert [desk.topology.outstanding(owner) for owner in "abc"] == [10, 0, 0]
    desk.drop(*some(2))
    desk.settle()
    assert desk.topology.outstanding("a") == 0


def test_what_is_bound_anew_after_a_loss_is_nobodys_outstanding_work(desk: Desk) -> None:
    desk.want(*some(10), owner="a")
    desk.settle()
    desk.lose()
    assert desk.topology.waiting().bindings == 10
    assert desk.topology.outstanding("a") == 0
    desk.want(*some(10), *some(1, "f"), owner="a")
    assert desk.topology.outstanding("a") == 1


def test_the_age_is_of_the_oldest_binding_without_an_answer(desk: Desk) -> None:
    assert desk.topology.waiting() == (0, 0.0)
    desk.want(*some(1), owner="a")
    desk.now_s += 1
    desk.want(*some(3), owner="b")
    desk.now_s += 1
    assert desk.topology.waiting() == (3, 2.0)
    desk.step()
    assert desk.topology.waiting() == (2, 1.0)
    desk.lose()
    desk.now_s += 5
    assert desk.topology.waiting() == (3, 6.0)
    desk.connect()
    desk.settle()
    assert desk.topology.waiting() == (0, 0.0)


# Whatever the others want

KINDS = st.sampled_from(["good", "good", "missing", "forbidden"])


@settings(deadline=None)
@given(
    hogs=st.lists(st.lists(KINDS, min_size=1, max_size=40), min_size=1, max_size=12),
    worked=st.integers(0, 30),
    own=st.integers(1, QUANTUM),
    names_missing=st.booleans(),
)
def test_who_comes_new_waits_for_a_quantum_of_each_at_most(
    hogs: list[list[str]], worked: int, own: int, names_missing: bool
) -> None:
    with Desk(names_missing=names_missing) as desk:
        for number, kinds in enumerate(hogs):
            for n, kind in enumerate(kinds):
                binding = Binding(f"{kind}/{number}/{n % 3}", f"{n}")
                if kind == "missing":
                    desk.missing.add(binding.exchange)
                if kind == "forbidden":
                    desk.forbidden.add(binding)
                desk.want(binding, owner=f"hog{number}")
        for _ in range(worked):
            desk.step()
        mine = some(own, "mine")
        desk.want(*mine, owner="mine")
        begun = len(desk.done)
        while not set(mine) <= set(desk.confirmations):
            desk.step()
        # Each newcomer before has one try with others and one apart; then one in flight, one of its
        # own with others, one apart.
        assert len(desk.done) - begun <= 2 * len(hogs) + 3
