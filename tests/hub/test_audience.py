"""An audience keeps its own order: who waits, who had ``ready``, and what is pending for whom."""

import pytest

from pulse_events.bindings import BindingSet
from pulse_events.errors import StreamEnded
from pulse_events.hub.audience import Audience
from pulse_events.wire.sse import encode_event
from tests.support.hub_desk import PLAIN, Recorder

SET = BindingSet.of([("e", "a"), ("e", "b")])
FIRST, SECOND = SET.bindings
FRAME = encode_event(b"message", b'{"payload":1}')
ENOUGH = StreamEnded("enough")


@pytest.fixture
def audience() -> Audience:
    """One whose bindings are all in force."""
    return Audience(SET, PLAIN)


def joined(audience: Audience) -> Recorder:
    stream = Recorder()
    audience.join(stream)
    return stream


def test_who_joins_when_nothing_is_missing_is_ready_at_once(audience: Audience) -> None:
    stream = joined(audience)
    assert (stream.kinds, stream.audience) == (["ready"], audience)
    assert (audience.streams, audience.waiting) == ({stream}, set())


def test_who_joins_before_waits_for_the_last_that_is_missing(audience: Audience) -> None:
    audience.miss(FIRST)
    audience.miss(SECOND)
    stream = joined(audience)
    for binding in (FIRST, FIRST):
        audience.confirm(binding)
        assert (audience.streams, audience.waiting, stream.kinds) == (set(), {stream}, [])
    audience.confirm(SECOND)
    assert (audience.streams, audience.waiting, stream.kinds) == ({stream}, set(), ["ready"])
    audience.confirm(SECOND)
    assert stream.kinds == ["ready"]


def test_who_had_ready_goes_on_when_a_binding_is_missing_again(audience: Audience) -> None:
    first = joined(audience)
    audience.miss(FIRST)
    second = joined(audience)
    audience.append(FRAME)
    assert audience.flush() == len(first.chunks[1])
    assert (first.bodies, second.kinds) == ([1], [])
    audience.confirm(FIRST)
    assert (first.kinds, second.kinds) == (["ready", "message"], ["ready"])


def test_a_flush_is_the_same_bytes_for_all_and_leaves_nothing(audience: Audience) -> None:
    streams = [joined(audience), joined(audience)]
    audience.append(FRAME)
    audience.append(FRAME)
    size_bytes = audience.flush()
    assert streams[0].chunks[1] is streams[1].chunks[1]
    assert size_bytes == 2 * len(streams[0].chunks[1])
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


def test_an_end_is_for_all_or_for_those_that_had_ready(audience: Audience) -> None:
    ready = joined(audience)
    audience.miss(FIRST)
    waiting = joined(audience)
    audience.append(FRAME)
    assert audience.end_ready(ENOUGH) == 1
    assert (ready.reason, waiting.reason, audience.pending) == (ENOUGH, None, [])
    assert (audience.streams, audience.waiting) == (set(), {waiting})
    assert audience.end(ENOUGH) == 1
    assert (waiting.reason, audience.is_empty) == (ENOUGH, True)
