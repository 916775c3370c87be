"""The ping wheel by itself: who has its ping in which turn."""

from typing import cast

from pulse_events.web.client_stream import ClientStream
from pulse_events.web.pings import PingWheel

INTERVAL_S = 20.0
TURNS = 64


class Beat:
    """What the wheel knows of a stream."""

    slot = 0


def added(wheel: PingWheel, count: int) -> list[ClientStream]:
    beats = [cast("ClientStream", Beat()) for _ in range(count)]
    for beat in beats:
        wheel.add(beat)
    return beats


def turns_of(wheel: PingWheel, stream: ClientStream, turns: int) -> list[int]:
    """Return the turns, from 1 on, in which a stream has its ping."""
    return [turn for turn in range(1, turns + 1) if stream in wheel.turn()]


def test_the_first_ping_comes_after_one_interval_and_each_other_one_interval_later() -> None:
    wheel = PingWheel(INTERVAL_S)
    assert wheel.step_s * TURNS == INTERVAL_S
    for _ in range(5):
        wheel.turn()
    (stream,) = added(wheel, 1)
    assert turns_of(wheel, stream, 3 * TURNS) == [TURNS, 2 * TURNS, 3 * TURNS]


def test_streams_that_come_at_once_are_spread_over_an_eighth_of_the_interval() -> None:
    wheel = PingWheel(INTERVAL_S)
    streams = added(wheel, 80)
    assert len(wheel) == 80
    assert set(wheel) == set(streams)
    sizes = [len(wheel.turn()) for _ in range(TURNS)]
    assert sizes == [0] * (TURNS - 8) + [10] * 8


def test_a_stream_that_is_gone_has_no_ping_and_may_go_twice() -> None:
    wheel = PingWheel(INTERVAL_S)
    (stream,) = added(wheel, 1)
    wheel.discard(stream)
    wheel.discard(stream)
    assert len(wheel) == 0
    assert turns_of(wheel, stream, 2 * TURNS) == []


def test_an_interval_that_is_short_has_fewer_turns() -> None:
    for interval_s, turns in ((0.2, 4), (0.05, 1), (0.01, 1)):
        wheel = PingWheel(interval_s)
        (stream,) = added(wheel, 1)
        assert turns_of(wheel, stream, 2 * turns) == [turns, 2 * turns]
