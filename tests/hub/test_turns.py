"""Turns: each owner has one in a round, however many streams it has."""

from pulse_events.hub.turns import StreamTurns
from tests.support.hub_desk import Recorder


def of(owner: str) -> Recorder:
    stream = Recorder()
    stream.owner = owner
    return stream


def test_owners_take_turns_and_so_do_their_streams() -> None:
    turns = StreamTurns()
    many, one = [of("many") for _ in range(3)], of("one")
    for stream in (*many, one, many[0]):
        turns.add(stream)
    assert [turns.take() for _ in range(4)] == [many[0], one, many[1], many[2]]
    assert not turns


def test_who_is_taken_out_has_no_turn() -> None:
    turns = StreamTurns()
    first, second = of("a"), of("a")
    turns.add(first)
    turns.discard(second)
    turns.add(second)
    turns.discard(first)
    assert turns.take() is second
    turns.add(first)
    turns.discard(first)
    turns.discard(first)
    assert not turns
