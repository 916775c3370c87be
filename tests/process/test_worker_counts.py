"""Counts over the restarts of a worker: they never fall, and what is of now goes with it."""

from pulse_events.hub.statistics import GAUGES, MAXIMA, Statistics, total
from pulse_events.process.worker_counts import WorkerCounts

ONE = Statistics(clients=3, audiences=2, bindings=1, messages_in=10, messages_out=30)
TWO = Statistics(clients=1, audiences=1, bindings=1, messages_in=4, messages_out=5)


def test_the_sum_is_one_of_each_count() -> None:
    assert total([]) == Statistics()
    assert total([ONE]) == ONE
    assert total([ONE, TWO]) == ONE.plus(TWO) == TWO.plus(ONE)
    assert total([ONE, TWO]).messages_in == 14
    assert total([ONE, TWO]).clients == 4


def test_the_greatest_counts_where_it_is_named() -> None:
    assert set(GAUGES) >= MAXIMA
    assert MAXIMA
    for name in MAXIMA:
        two = [ONE._replace(**{name: 9}), TWO._replace(**{name: 7})]
        assert total(two)._asdict()[name] == total(two[::-1])._asdict()[name] == 9


def test_of_what_has_ended_the_counts_are_left_but_nothing_that_is_now() -> None:
    assert ONE.ended() == Statistics(messages_in=10, messages_out=30)


async def test_the_answer_to_a_question_is_what_counts() -> None:
    counts = WorkerCounts()
    assert counts.total() == Statistics()
    first, second = counts.asked(), counts.asked()
    counts.heard(ONE)
    assert (first.done(), second.done()) == (True, False)
    assert counts.total() == ONE
    counts.heard(TWO)
    assert second.done()
    assert counts.total() == TWO


async def test_what_a_worker_counted_is_not_forgotten_when_it_ends() -> None:
    counts = WorkerCounts()
    counts.asked()
    counts.heard(ONE)
    counts.ended()
    assert counts.total() == ONE.ended()
    counts.asked()
    counts.heard(TWO)
    assert counts.total() == TWO.plus(ONE.ended())
    counts.ended()
    assert counts.total() == TWO.plus(ONE).ended()


async def test_questions_that_a_worker_leaves_open_end_with_it_and_the_next_one_is_asked_anew() -> (
    None
):
    counts = WorkerCounts()
    open_ones = [counts.asked(), counts.asked()]
    counts.ended()
    assert all(question.done() for question in open_ones)
    mine = counts.asked()
    counts.heard(TWO)
    assert mine.done()
    assert counts.total() == TWO


async def test_a_question_that_nobody_waits_for_any_more_does_no_harm() -> None:
    counts = WorkerCounts()
    counts.asked().cancel()
    counts.heard(ONE)
    assert counts.total() == ONE
