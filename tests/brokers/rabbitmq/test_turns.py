"""Whose turn it is: newcomers first, then all in turn, and nobody for more than a quantum."""

from itertools import count

from pulse_events.bindings import Binding
from pulse_events.brokers.rabbitmq.turns import (
    BATCH,
    QUANTUM,
    SHARES_LIMIT,
    BindingTurns,
    Share,
    Work,
)

_numbers = count()


def some(number: int) -> list[Binding]:
    return [Binding("e", str(next(_numbers))) for _ in range(number)]


def lined_up(**numbers: int) -> BindingTurns:
    """Return turns in which each owner has so many bindings in line."""
    turns = BindingTurns()
    for owner, number in numbers.items():
        add(turns, Share(owner), some(number))
    return turns


def add(turns: BindingTurns, share: Share, bindings: list[Binding]) -> None:
    for binding in bindings:
        turns.add(share, binding)


def sizes(turns: BindingTurns, *, works: bool = True) -> dict[str, int]:
    """Return how much of whom is next, and have it done."""
    turn = turns.next()
    if turn is None:
        return {}
    if works:
        for binding in turn.bindings:
            turns.discard(binding)
        turns.passed(turn)
    return {share.owner: len(part) for share, part in turn.parts.items()}


def test_there_is_nothing_to_do_when_nobody_is_in_line() -> None:
    turns = BindingTurns()
    assert turns.next() is None
    binding = Binding("e", "k")
    turns.add(Share("a"), binding)
    turns.discard(binding)
    assert turns.next() is None
    turns.discard(binding)


def test_who_is_alone_gets_a_whole_batch_at_a_time() -> None:
    turns = lined_up(a=2 * BATCH + 1)
    assert [sizes(turns) for _ in range(4)] == [{"a": BATCH}, {"a": BATCH}, {"a": 1}, {}]


def test_several_get_a_quantum_each_in_one_batch() -> None:
    turns = lined_up(a=100, b=100, c=2)
    assert sizes(turns) == {"a": QUANTUM, "b": QUANTUM, "c": 2}
    assert sizes(turns) == {"a": QUANTUM, "b": QUANTUM}


def test_a_batch_has_a_limit_and_the_next_one_goes_on_where_it_ended() -> None:
    owners = [f"o{number}" for number in range(2 * BATCH // QUANTUM)]
    turns = lined_up(**dict.fromkeys(owners, 100))
    half = BATCH // QUANTUM
    assert list(sizes(turns)) == owners[:half]
    assert list(sizes(turns)) == owners[half:]
    assert list(sizes(turns)) == owners[:half]


def test_who_comes_new_is_next_and_does_not_wait_for_an_answer_together_with_the_others() -> None:
    turns = lined_up(a=100, b=100)
    sizes(turns)
    add(turns, Share("c"), some(3))
    add(turns, Share("d"), some(100))
    assert turns.has_newcomers()
    assert sizes(turns) == {"c": 3, "d": QUANTUM}
    assert not turns.has_newcomers()
    assert sizes(turns) == {"a": QUANTUM, "b": QUANTUM, "d": QUANTUM}


def test_who_comes_again_at_once_is_not_new() -> None:
    turns = lined_up(a=100, b=100, c=1)
    sizes(turns)
    add(turns, Share("c"), some(1))
    assert not turns.has_newcomers()
    assert sizes(turns) == {"a": QUANTUM, "b": QUANTUM, "c": 1}


def test_who_had_nothing_when_the_round_came_to_them_is_new_again() -> None:
    turns = lined_up(a=100, b=100, c=1)
    sizes(turns)
    sizes(turns)
    sizes(turns)
    add(turns, Share("c"), some(1))
    assert sizes(turns) == {"c": 1}


def test_a_newcomer_whose_work_is_dropped_before_its_turn_does_not_become_new_by_that() -> None:
    turns = lined_up(a=100, b=100)
    sizes(turns)
    [binding] = some(1)
    turns.add(Share("c"), binding)
    turns.discard(binding)
    assert sizes(turns) == {"a": QUANTUM, "b": QUANTUM}
    turns.add(Share("c"), binding)
    assert not turns.has_newcomers()


def test_what_nobody_waits_for_is_never_new() -> None:
    turns = lined_up(a=100)
    sizes(turns)
    turns.add_everything(dict.fromkeys(some(100)))
    add(turns, Share("b", Work.UNBIND), some(100))
    assert not turns.has_newcomers()
    assert sizes(turns) == {"a": QUANTUM, "": QUANTUM}


def test_unbinding_is_a_turn_of_its_own() -> None:
    turns = BindingTurns()
    add(turns, Share("b", Work.UNBIND), some(100))
    alone = turns.next()
    assert alone is not None
    assert alone.work is Work.UNBIND
    assert len(alone.bindings) == QUANTUM  # each takes a round trip, so there is no gain in more
    add(turns, Share("a"), some(100))
    assert sizes(turns) == {"a": QUANTUM}
    assert sizes(turns) == {"b": QUANTUM}
    assert sizes(turns) == {"a": QUANTUM}


def test_a_binding_that_several_want_comes_with_the_first_whose_turn_it_is_and_only_then() -> None:
    turns = lined_up(a=100)
    sizes(turns)
    shared = some(1)
    add(turns, Share("a"), shared)
    add(turns, Share("b", Work.AGAIN), shared)
    assert sizes(turns) == {"b": 1}
    assert turns.count(Share("a")) == 100 - BATCH


def test_a_binding_is_once_in_a_batch_and_once_in_line_for_an_owner() -> None:
    turns = BindingTurns()
    shared = some(1)
    for share in (Share("a"), Share("a", Work.AGAIN), Share("b"), Share("b")):
        add(turns, share, shared)
    assert turns.count(Share("a")) == 1
    assert turns.count(Share("a", Work.AGAIN)) == 0
    turn = turns.next()
    assert turn is not None
    assert turn.parts == {Share("a"): shared, Share("b"): shared}
    assert turn.bindings == shared


def test_the_lines_that_one_binding_may_be_in_have_a_limit() -> None:
    turns = BindingTurns()
    shared = some(1)
    for number in range(SHARES_LIMIT + 1):
        add(turns, Share(f"o{number}"), shared)
    assert turns.count(Share(f"o{SHARES_LIMIT - 1}")) == 1
    assert turns.count(Share(f"o{SHARES_LIMIT}")) == 0


def test_those_of_whom_nothing_was_answered_keep_their_place() -> None:
    turns = lined_up(a=100, b=100, c=100)
    turn = turns.next()
    assert turn is not None
    turns.done(turn, {turn.bindings[0]})
    assert list(sizes(turns)) == ["b", "c"]
    assert list(sizes(turns)) == ["a", "b", "c"]


def test_after_a_refusal_of_several_each_is_tried_apart() -> None:
    turns = lined_up(a=100, b=100)
    turn = turns.next()
    assert turn is not None
    turns.failed(turn, len(turn.bindings))
    assert [sizes(turns) for _ in range(2)] == [{"a": QUANTUM}, {"b": QUANTUM}]


def test_after_a_refusal_half_is_tried_after_the_turn_of_the_others() -> None:
    turns = lined_up(a=BATCH)
    expected = []
    while (turn := turns.next()) and len(turn.bindings) > 1:
        turns.failed(turn, len(turn.bindings))
        expected.append(len(turn.bindings))
    assert expected == [64, 32, 16, 8, 4, 2]
    add(turns, Share("b"), some(100))
    assert sizes(turns) == {"b": QUANTUM}
    assert sizes(turns, works=False) == {"a": 1}


def test_after_answers_without_a_refusal_more_is_tried_again() -> None:
    turns = lined_up(a=1000)
    turn = turns.next()
    assert turn is not None
    turns.failed(turn, 2)
    found = [sizes(turns)["a"] for _ in range(8)]
    assert found == [1, 2, 4, 8, 16, 32, 64, 64]
    add(turns, Share("b"), some(100))
    sizes(turns)
    assert sizes(turns) == {"a": QUANTUM, "b": QUANTUM}
