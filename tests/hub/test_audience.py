"""An audience keeps its own order: who waits, who had ``ready``, and what is pending for whom."""

import pytest

from pulse_events.bindings import BindingSet
from pulse_events.hub.audience import Audience
from pulse_events.hub.reading import NOW, Start
from pulse_events.wire.sse import encode_event
from tests.support.hub_desk import PLAIN, Recorder

SET = BindingSet.of([("e", "a"), ("e", "b")])
FIRST, SECOND = SET.bindings
FRAME = encode_event(b"message", b'{"payload":1}')


@pytest.fixture
def audience() -> Audience:
    """One whose bindings are all in force."""
    return Audience(SET, PLAIN)


def joined(audience: Audience) -> Recorder:
    stream = Recorder()
    if audience.join(stream, NOW):
        audience.go_live(stream)
    return stream


def test_who_joins_when_nothing_is_missing_can_begin_at_once(audience: Audience) -> None:
    stream = Recorder()
    assert audience.join(stream, NOW)
    assert stream.audience is audience
    assert audience.is_empty  # until it is told where it goes
    audience.go_live(stream)
    assert (audience.streams, audience.waiting, audience.is_empty) == ({stream}, {}, False)


def test_who_joins_before_waits_for_the_last_that_is_missing(audience: Audience) -> None:
    audience.miss(FIRST)
    audience.miss(SECOND)
    stream, start = Recorder(), Start("c")
    assert not audience.join(stream, start)
    for binding in (FIRST, FIRST):
        assert audience.confirm(binding) == {}
        assert (audience.streams, audience.waiting) == (set(), {stream: start})
    assert audience.confirm(SECOND) == {stream: start}
    assert (audience.waiting, audience.confirm(SECOND)) == ({}, {})


def test_who_is_live_goes_on_when_a_binding_is_missing_again(audience: Audience) -> None:
    first = joined(audience)
    audience.miss(FIRST)
    second = joined(audience)
    audience.append(FRAME)
    assert audience.flush() == len(first.chunks[0])
    assert (first.bodies, second.bodies) == ([1], [])


def test_who_falls_behind_gets_no_more_of_what_comes(audience: Audience) -> None:
    first, second = joined(audience), joined(audience)
    audience.append(FRAME)
    audience.fall_behind(first)
    assert (audience.streams, audience.behind) == ({second}, {first})
    audience.flush()
    assert (first.bodies, second.bodies) == ([], [1])
    audience.append(FRAME)
    audience.fall_behind(second)
    assert (audience.pending, audience.is_empty) == ([], False)
    audience.go_live(first)
    audience.leave(second)
    assert (audience.streams, audience.behind) == ({first}, set())


def test_a_flush_is_the_same_bytes_for_all_and_leaves_nothing(audience: Audience) -> None:
    streams = [joined(audience), joined(audience)]
    audience.append(FRAME)
    audience.append(FRAME)
    size_bytes = audience.flush()
    assert streams[0].chunks[0] is streams[1].chunks[0]
    assert size_bytes == 2 * len(streams[0].chunks[0])
    assert [stream.bodies for stream in streams] == [[1, 1], [1, 1]]
    assert audience.pending == []


def test_nothing_is_pending_for_nobody(audience: Audience) -> None:
    first, second = joined(audience), joined(audience)
    audience.append(FRAME)
    audience.leave(first)
    assert audience.pending == [FRAME]
    audience.miss(FIRST)
    waiting = joined(audience)
    audience.leave(second)
    assert (audience.pending, audience.streams, audience.is_empty) == ([], set(), False)
    audience.leave(waiting)
    assert audience.is_empty
    assert [stream.audience for stream in (first, second, waiting)] == [None] * 3


def test_everybody_is_in_one_of_three_places(audience: Audience) -> None:
    live, behind = joined(audience), joined(audience)
    audience.fall_behind(behind)
    audience.miss(FIRST)
    waiting = joined(audience)
    assert audience.everybody() == (live, behind, waiting)


def test_nothing_can_be_pending_where_nobody_is_live(audience: Audience) -> None:
    with pytest.raises(AssertionError):
        audience.begin_pending(1)
    first = joined(audience)
    audience.begin_pending(1)
    audience.append(FRAME)
    second = Recorder()
    audience.join(second, NOW)
    with pytest.raises(AssertionError):
        audience.go_live(second)  # it would get what came before it
    audience.flush()
    audience.go_live(second)
    assert (first.bodies, second.bodies) == ([1], [])
