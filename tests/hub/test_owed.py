"""Many streams that are owed the word of a loss are told some in a turn, and all in the end."""

from pulse_events.bindings import BindingSet
from pulse_events.errors import MessagesMissed, PulseEventsError
from pulse_events.hub.audience import Audience
from pulse_events.hub.owed import AT_ONCE, Owed
from pulse_events.messages import Message
from tests.support.hub_desk import PLAIN, Desk

REASON = MessagesMissed("one is missing")


def audiences(count: int) -> list[Audience]:
    return [Audience(BindingSet.of([("e", str(number))]), PLAIN) for number in range(count)]


def test_some_are_told_at_once_and_the_others_turn_by_turn() -> None:
    told: list[Audience] = []

    def tell(audience: Audience, reason: PulseEventsError) -> int:
        assert reason is REASON
        told.append(audience)
        return 3

    turns: list[object] = []
    owed = Owed(tell, turns.append)
    many = audiences(20)
    owed.add(many, REASON)
    owed.add(many[15:], MessagesMissed("another one"))  # they are told of the first
    per_turn = -(-AT_ONCE // 3)
    assert (told, len(turns)) == (many[:per_turn], 1)
    owed.forget(many[19])
    while turns:
        before = len(told)
        go_on = turns.pop()
        assert callable(go_on)
        go_on()
        assert len(told) - before <= per_turn
    assert told == many[:19]


def test_streams_that_are_told_later_get_what_comes_before_it() -> None:
    desk = Desk()
    streams = [desk.ready(("e", f"{number}.#"), ("e", "all")) for number in range(AT_ONCE + 5)]
    desk.publish("all", body=b"1")
    desk.hub.failed(Message("e", "x", b"1"), ValueError())
    assert sum(stream.reason is None for stream in streams) == 5
    desk.publish("all", body=b"2")
    while desk.end_turn():
        pass
    assert all(stream.reason for stream in streams)
    assert sorted(len(stream.bodies) for stream in streams) == [1] * AT_ONCE + [2] * 5
