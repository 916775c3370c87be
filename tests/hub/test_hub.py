"""The hub: who is ready when, who gets which message, what is counted, what is left behind."""

import gc
import tracemalloc
from itertools import product
from typing import Any

import orjson
import pytest

from pulse_events.bindings import Binding, BindingSet
from pulse_events.errors import (
    AddressLimitReached,
    BindingRefused,
    Count,
    LimitReached,
    MessagesMissed,
    StreamEnded,
)
from pulse_events.hub.audience import Audience
from pulse_events.hub.oddities import Oddity
from pulse_events.hub.outbox import FLUSH_BYTES, TURN_BYTES
from pulse_events.hub.quotas import Quotas
from pulse_events.messages import Message
from pulse_events.topics.cache_limit import DEFAULT_LIMIT_BYTES
from pulse_events.wire.wire import Wire
from tests.support.chunked import unchunked
from tests.support.hub_desk import PACKED, PLAIN_WIRES, Desk, Recorder

ENOUGH = StreamEnded("enough")
LOSS = MessagesMissed("the queue is gone")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_stream_is_ready_when_its_last_binding_is_in_force(desk: Desk) -> None:
    stream = desk.subscribe(("e", "a"), ("e", "b"))
    for _ in range(2):
        assert stream.kinds == []
        desk.broker.carry_out()
        answer = desk.broker.answer()
        assert answer
        desk.take(answer)
    assert stream.chunks == [b"1d\r\nevent: ready\ndata: {}\nid: -\n\n\r\n"]


def test_a_second_stream_with_the_same_bindings_waits_with_the_first(desk: Desk) -> None:
    streams = [desk.subscribe(("e", "a"), ("e", "b")), desk.subscribe(("e", "b"), ("e", "a"))]
    desk.settle()
    assert [stream.kinds for stream in streams] == [["ready"], ["ready"]]
    assert desk.hub.statistics().audiences == 1


def test_a_stream_whose_bindings_are_in_force_is_ready_without_a_word_to_the_broker(
    desk: Desk,
) -> None:
    desk.ready(("e", "a"), ("e", "b"))
    assert desk.subscribe(("e", "a"), ("e", "b")).kinds == ["ready"]
    assert desk.subscribe(("e", "b")).kinds == ["ready"]
    assert desk.broker.idle


def test_a_stream_waits_only_for_the_bindings_that_are_missing(desk: Desk) -> None:
    desk.ready(("e", "a"))
    stream = desk.subscribe(("e", "a"), ("e", "b"))
    assert stream.kinds == []
    desk.settle()
    assert stream.kinds == ["ready"]


def test_a_stream_gets_a_matching_message_as_the_bytes_of_the_contract(desk: Desk) -> None:
    stream = desk.ready(("e", "a.#"))
    desk.hub.publish(Message("e", "a.b", b'{"x": 1.0}', ("route.r", "s"), redelivered=True))
    desk.end_turn()
    (chunk,) = stream.chunks[1:]
    assert unchunked(chunk + stream.wire.end) == (
        b'event: message\ndata: {"payload":{"x": 1.0},"exchange":"e","routingKey":"a.b",'
        b'"redelivered":true,"routes":["r"],"cc":["route.r","s"]}\nid: -\n\n'
    )


def test_all_streams_together_may_have_so_many_distinct_bindings() -> None:
    desk = Desk(quotas=Quotas(2))
    desk.subscribe(("e", "a"), ("e", "b"))
    desk.subscribe(("e", "b"))
    with pytest.raises(LimitReached, match="3 distinct bindings, the limit is 2"):
        desk.subscribe(("e", "b"), ("e", "c"))


def test_a_binding_is_charged_to_who_wanted_it_first_until_nobody_does() -> None:
    desk = Desk(quotas=Quotas(of_owner=lambda owner: {"greedy": 2}.get(owner, 100)))
    first = desk.subscribe(("e", "a"), ("e", "b"), owner="greedy")
    with pytest.raises(AddressLimitReached, match="greedy would have 3 distinct bindings, the li"):
        desk.subscribe(("e", "c"), owner="greedy")
    desk.subscribe(("e", "c"), owner="modest")
    desk.subscribe(("e", "a"), ("e", "c"), owner="greedy")
    desk.hub.leave(first, now_s=0.0)
    with pytest.raises(AddressLimitReached):
        desk.subscribe(("e", "d"), owner="greedy")  # those of the linger count
    desk.hub.tick(now_s=100.0)
    desk.subscribe(("e", "d"), owner="greedy")


def test_who_has_much_that_the_broker_has_not_answered_must_wait_before_asking_for_more() -> None:
    desk = Desk(quotas=Quotas(unanswered_of_owner=lambda owner: {"greedy": 2}.get(owner, 100)))
    desk.subscribe(("e", "a"), ("e", "b"), ("e", "c"), owner="greedy")  # more than the limit
    with pytest.raises(AddressLimitReached, match="greedy has 3 bindings that the broker") as found:
        desk.subscribe(("e", "d"), owner="greedy")
    assert found.value.counted_as == "refused_outstanding_bindings"
    assert str(found.value).endswith("and asks for 1 more, the limit is 2; wait, and try again")
    desk.subscribe(("e", "a"), wire=PLAIN_WIRES[-1], owner="greedy")  # nothing new
    desk.subscribe(("e", "d"), owner="modest")
    desk.settle()
    desk.subscribe(("e", "e"), owner="greedy")
    desk.subscribe(("e", "f"), owner="greedy")
    with pytest.raises(AddressLimitReached):
        desk.subscribe(("e", "g"), owner="greedy")


def test_what_is_bound_anew_after_a_loss_keeps_nobody_out() -> None:
    desk = Desk(quotas=Quotas(unanswered_of_owner=lambda owner: 1))
    for pattern in "abc":
        desk.subscribe(("e", pattern), owner="one")
        desk.settle()
    desk.broker.lose()
    desk.hub.lost()
    desk.subscribe(("e", "d"), owner="one")
    desk.broker.reconnect()
    desk.settle()
    desk.subscribe(("e", "e"), owner="one")


def test_bindings_that_the_broker_has_not_answered_are_counted() -> None:
    desk = Desk()
    desk.subscribe(("e", "a"), ("e", "b"))
    assert desk.hub.statistics().bindings_waiting == 2
    desk.settle()
    assert desk.hub.statistics().bindings_waiting == 0


def test_the_work_of_subscribing_is_the_bindings_that_nobody_has() -> None:
    desk = Desk()
    desk.subscribe(("e", "a"), ("e", "b"))
    assert desk.hub.count_new(BindingSet.of([("e", "a"), ("e", "c"), ("f", "a")])) == 2
    assert desk.hub.has(BindingSet.of([("e", "b"), ("e", "a")]))
    assert not desk.hub.has(BindingSet.of([("e", "a")]))


def test_the_broker_is_asked_for_few_hashes_and_the_client_gets_what_it_asked_for() -> None:
    desk = Desk()
    stream = desk.ready(("e", "#.a.#.b.#.c.#.d"))
    assert desk.broker.bound == {Binding("e", "#.a.#.d")}
    desk.publish("a.b.c.d", body=b"1")
    desk.publish("a.b.d", body=b"2")  # comes because the broker is asked for more
    desk.end_turn()
    assert stream.bodies == [1]
    assert desk.hub.statistics().unrouted == 0


def test_streams_whose_wider_pattern_is_refused_are_told() -> None:
    desk = Desk()
    wide = ("e", "#.a.#.b.#.c")
    streams = [desk.subscribe(wide), desk.subscribe(("e", "#.a.#.c")), desk.subscribe(wide, wide)]
    other = desk.subscribe(("f", "#.a.#.b.#.c"))
    desk.broker.gone = {"e"}
    desk.settle()
    assert [str(stream.reason) for stream in streams] == ["no e"] * 3
    assert other.kinds == ["ready"]
    assert desk.hub.statistics()[:3] == (1, 1, 1)


def test_two_patterns_that_the_broker_is_asked_for_as_one_are_ready_with_it() -> None:
    desk = Desk()
    stream = desk.ready(("e", "#.a.#.b.#.c"), ("e", "#.a.#.d.#.c"))
    desk.publish("a.d.c")
    desk.end_turn()
    assert stream.bodies == [1]
    desk.hub.leave(stream, now_s=0.0)
    desk.hub.tick(now_s=100.0)
    desk.publish("a.d.c")
    assert desk.hub.statistics()[:3] == (0, 0, 0)
    assert desk.hub.statistics().unrouted == 1  # nothing is left of what was wider


def test_a_message_comes_once_however_many_bindings_and_keys_match(desk: Desk) -> None:
    stream = desk.ready(("e", "a"), ("e", "#"), ("e", "*"), ("e", "cc.*"))
    desk.publish("a", cc=["cc.1", "cc.2", "a"])
    desk.end_turn()
    assert stream.bodies == [1]


def test_a_cc_key_counts_like_the_routing_key(desk: Desk) -> None:
    stream = desk.ready(("e", "route.#"))
    desk.publish("other", cc=["x", "route.index"])
    desk.end_turn()
    assert stream.bodies == [1]


def test_a_message_of_another_exchange_or_key_does_not_come(desk: Desk) -> None:
    stream = desk.ready(("e", "a"), ("f", "b"))
    desk.publish("b")
    desk.hub.publish(Message("f", "a", b"2"))
    desk.hub.publish(Message("g", "a", b"3", ("b",)))
    assert desk.end_turn() == 0
    assert stream.bodies == []
    assert desk.hub.statistics().unrouted == 3


def test_the_messages_of_a_turn_are_one_write_of_the_same_bytes_object(desk: Desk) -> None:
    streams = [desk.ready(("e", "#")), desk.ready(("e", "#"))]
    desk.publish("a", body=b"1")
    desk.publish("b", body=b"2")
    assert [stream.bodies for stream in streams] == [[], []]
    desk.end_turn()
    assert [stream.bodies for stream in streams] == [[1, 2], [1, 2]]
    assert streams[0].chunks[1] is streams[1].chunks[1]


def test_the_loop_is_asked_for_one_flush_a_turn(desk: Desk) -> None:
    streams = [desk.ready(("e", "#")), desk.ready(("e", "a"))]
    desk.publish("a")
    desk.publish("a")
    assert desk.end_turn() == 1
    assert desk.end_turn() == 0
    desk.publish("a")
    assert desk.end_turn() == 1
    assert [len(stream.bodies) for stream in streams] == [3, 3]


def test_who_gets_little_does_not_wait_for_who_gets_much(desk: Desk) -> None:
    fat = [desk.ready(("e", f"fat.{n}"), ("e", "fat")) for n in range(6)]
    thin = desk.ready(("e", "thin"))
    desk.publish("fat", body=b"x" * (TURN_BYTES // 2))
    desk.publish("thin")
    desk.end_turn()
    assert len(thin.bodies) == 1
    assert 0 < sum(len(stream.bodies) for stream in fat) < 6
    while desk.end_turn():
        pass
    assert [len(stream.bodies) for stream in fat] == [1] * 6


def test_a_few_streams_do_not_wait_for_a_crowd_on_the_same_message(desk: Desk) -> None:
    written: list[Recorder] = []

    class Noted(Recorder):
        def write(self, chunk: bytes) -> None:
            super().write(chunk)
            written.append(self)

    def come(pattern: str, count: int) -> list[Recorder]:
        streams: list[Recorder] = [Noted() for _ in range(count)]
        for stream in streams:
            desk.hub.subscribe(stream, BindingSet.of([("e", pattern)]))
        desk.settle()
        return streams

    crowd, few, other_crowd = come("crowd", 100), come("few", 3), come("others", 100)
    written.clear()
    for key in ("crowd", "few", "others"):
        desk.publish(key, body=b"x" * 1000)
    desk.end_turn()
    assert set(written[:3]) == set(few)
    assert set(written[3:]) == {*crowd, *other_crowd}


def test_what_is_too_much_for_one_turn_is_written_within_it(desk: Desk) -> None:
    streams = [desk.ready(("e", "#"), wire=wire) for wire in PLAIN_WIRES for _ in range(2)]
    body = b"x" * (FLUSH_BYTES // len(streams))
    desk.publish("a", body=body)
    assert [len(stream.bodies) for stream in streams] == [0] * 8
    desk.publish("a", body=body)
    assert [len(stream.bodies) for stream in streams] == [2] * 8
    desk.publish("a")
    while desk.end_turn():
        pass
    assert [len(stream.bodies) for stream in streams] == [3] * 8


def test_a_stream_that_waits_gets_no_messages_and_the_others_do(desk: Desk) -> None:
    old = desk.ready(("e", "#"))
    new = desk.subscribe(("e", "a"), ("e", "b"))
    desk.publish("a")
    desk.end_turn()
    assert (old.bodies, new.events) == ([1], [])


def test_a_stream_that_left_gets_nothing_more(desk: Desk) -> None:
    stream, other = desk.ready(("e", "a")), desk.ready(("e", "a"))
    desk.publish("a")
    desk.hub.leave(stream, 0.0)
    desk.end_turn()
    assert (stream.bodies, other.bodies) == ([], [1])
    assert stream.audience is None


def test_leaving_twice_is_leaving_once(desk: Desk) -> None:
    stream = desk.ready(("e", "a"))
    desk.ready(("e", "a"))
    desk.hub.leave(stream, 0.0)
    desk.hub.leave(stream, 1.0)
    assert desk.hub.statistics().clients == 1


def test_a_stream_may_leave_while_it_waits(desk: Desk) -> None:
    stream = desk.subscribe(("e", "a"))
    desk.hub.leave(stream, 0.0)
    desk.settle()
    assert stream.events == []
    assert desk.subscribe(("e", "a")).kinds == ["ready"]


def test_bindings_stay_for_the_linger_after_the_last_stream(desk: Desk) -> None:
    desk.hub.leave(desk.ready(("e", "a")), 100.0)
    desk.hub.tick(109.9)
    desk.settle()
    assert desk.broker.bound == {Binding("e", "a")}
    desk.hub.tick(110.0)
    desk.settle()
    assert desk.broker.bound == set()
    assert desk.hub.statistics()[:3] == (0, 0, 0)


def test_bindings_are_given_up_some_at_a_time(desk: Desk) -> None:
    for number in range(5):
        desk.hub.leave(desk.ready(*(("e", f"{number}.{n}") for n in range(60))), 100.0)
    left = []
    while desk.hub.tick(110.0):
        left.append(desk.hub.statistics().bindings)
    assert left == [180, 60]
    assert desk.hub.statistics().bindings == 0


def test_a_stream_that_comes_back_within_the_linger_keeps_the_bindings(desk: Desk) -> None:
    desk.hub.leave(desk.ready(("e", "a")), 100.0)
    again = desk.subscribe(("e", "a"))
    assert again.kinds == ["ready"]
    desk.hub.tick(200.0)
    desk.hub.leave(again, 205.0)
    desk.hub.tick(214.0)
    assert desk.hub.statistics().bindings == 1
    desk.hub.tick(215.0)
    assert desk.hub.statistics().bindings == 0


def test_the_linger_ends_for_each_audience_at_its_own_time(desk: Desk) -> None:
    first, second = desk.ready(("e", "a")), desk.ready(("e", "b"))
    desk.hub.leave(second, 0.0)
    desk.hub.leave(first, 5.0)
    desk.hub.tick(12.0)
    desk.settle()
    assert desk.broker.bound == {Binding("e", "a")}


def test_a_message_within_the_linger_is_not_unrouted(desk: Desk) -> None:
    desk.hub.leave(desk.ready(("e", "a")), 0.0)
    desk.publish("a")
    assert desk.end_turn() == 0
    desk.hub.tick(10.0)
    desk.publish("a")
    assert desk.hub.statistics().unrouted == 1


def test_an_audience_that_goes_before_its_answer_comes_is_not_remembered(desk: Desk) -> None:
    bindings = BindingSet.of([("forgotten", "a")])
    stream = Recorder()
    desk.hub.subscribe(stream, bindings)
    desk.hub.leave(stream, 0.0)
    desk.hub.tick(10.0)
    gc.collect()
    assert not [o for o in gc.get_objects() if isinstance(o, Audience) and o.bindings == bindings]


def test_an_audience_that_goes_while_frames_are_pending_disturbs_nobody(desk: Desk) -> None:
    gone, other = desk.ready(("e", "a")), desk.ready(("e", "#"))
    desk.publish("a")
    desk.hub.leave(gone, 0.0)
    desk.hub.tick(10.0)
    desk.end_turn()
    assert (gone.bodies, other.bodies) == ([], [1])


def test_a_refused_exchange_ends_the_streams_that_asked_for_it_and_no_other(desk: Desk) -> None:
    desk.broker.gone = {"missing"}
    ready = desk.ready(("e", "a"))
    bad = desk.subscribe(("missing", "a"), ("e", "a"))
    same = desk.subscribe(("missing", "a"), ("e", "a"))
    other = desk.subscribe(("missing", "a"), ("missing", "b"), ("e", "c"))
    good = desk.subscribe(("e", "b"))
    desk.settle()
    for stream in (bad, same, other):
        assert isinstance(stream.reason, BindingRefused)
        assert str(stream.reason) == "no missing"
        assert stream.events == []
    assert good.kinds == ready.kinds == ["ready"]
    assert desk.broker.bound == {Binding("e", "a"), Binding("e", "b")}
    assert desk.hub.statistics()[:3] == (2, 2, 2)


def test_an_exchange_that_was_refused_may_exist_later(desk: Desk) -> None:
    desk.broker.gone = {"e"}
    refused = [desk.subscribe(("e", "a")), desk.subscribe(("e", "a"), ("e", "b"))]
    desk.settle()
    assert all(stream.reason for stream in refused)
    desk.broker.gone.clear()
    desk.ready(("e", "a"))


def test_a_lingering_audience_that_is_refused_goes_quietly(desk: Desk) -> None:
    desk.broker.gone = {"e"}
    desk.hub.leave(desk.subscribe(("e", "a")), 0.0)
    desk.settle()
    desk.hub.tick(100.0)
    assert desk.hub.statistics()[:3] == (0, 0, 0)


def test_a_refused_stream_first_gets_what_was_delivered_before(desk: Desk) -> None:
    stream = desk.ready(("e", "a"))
    desk.hub.lost()
    desk.publish("a")
    desk.hub.refused(Binding("e", "a"), BindingRefused("e is gone"))
    assert stream.bodies == [1]
    assert str(stream.reason) == "e is gone"
    desk.end_turn()


def test_answers_about_what_nobody_asked_change_nothing(desk: Desk) -> None:
    stream = desk.ready(("e", "a"))
    desk.hub.confirmed(Binding("f", "a"))
    desk.hub.refused(Binding("f", "a"), BindingRefused("f"))
    desk.hub.confirmed(Binding("e", "a"))
    assert stream.kinds == ["ready"]
    assert stream.reason is None


def test_a_lost_broker_makes_new_streams_wait_and_old_ones_go_on(desk: Desk) -> None:
    old = desk.ready(("e", "a"), ("e", "b"))
    desk.broker.lose()
    desk.hub.lost()
    new, other = desk.subscribe(("e", "a"), ("e", "b")), desk.subscribe(("e", "b"))
    desk.publish("a")
    desk.end_turn()
    assert (old.bodies, new.events, other.events) == ([1], [], [])
    desk.broker.reconnect()
    desk.settle()
    assert (old.kinds, new.kinds, other.kinds) == (["ready", "message"], ["ready"], ["ready"])


def test_lost_messages_end_the_streams_that_were_ready_after_what_is_pending(desk: Desk) -> None:
    streams = [desk.ready(("e", "a")), desk.ready(("e", "a"), ("e", "b")), desk.ready(("f", "a"))]
    desk.hub.leave(desk.ready(("e", "c")), 0.0)
    desk.publish("a")
    desk.hub.missed(LOSS)
    assert [stream.bodies for stream in streams] == [[1], [1], []]
    assert [str(stream.reason) for stream in streams] == [f"{LOSS}; connect again"] * 3
    desk.end_turn()
    desk.settle()
    assert desk.broker.bound == set()
    assert desk.hub.statistics()[:3] == (0, 0, 0)
    assert desk.hub.statistics().losses == 1


def test_a_stream_that_was_not_ready_yet_has_lost_nothing(desk: Desk) -> None:
    ready, waiting = desk.ready(("e", "a")), desk.subscribe(("e", "b"))
    desk.hub.lost()
    same = desk.subscribe(("e", "a"))
    desk.hub.missed(LOSS)
    assert str(ready.reason) == f"{LOSS}; connect again"
    assert (waiting.reason, same.reason) == (None, None)
    desk.broker.lose(queue_kept=False)
    desk.broker.reconnect()
    desk.settle()
    desk.publish("a")
    desk.end_turn()
    assert (waiting.kinds, same.kinds) == (["ready"], ["ready", "message"])
    assert desk.hub.statistics().clients == 2


def test_streams_that_differ_in_form_alone_get_the_same_events(desk: Desk) -> None:
    streams = [desk.ready(("e", "#"), wire=wire) for wire in PLAIN_WIRES]
    waiting = desk.subscribe(("e", "#"), ("e", "b"), wire=PACKED)
    for body in (b"1", b"2"):
        desk.publish("a", body=body)
        desk.end_turn()
    desk.settle()
    for stream in streams:
        assert stream.bodies == [1, 2]
        assert stream.events == streams[0].events
    assert len({b"".join(stream.chunks) for stream in streams}) == len(PLAIN_WIRES)
    assert waiting.kinds == ["ready"]
    assert desk.hub.statistics()[:3] == (5, 5, 2)


def test_a_chunk_is_encoded_once_for_all_and_decoded_wherever_a_stream_joins(desk: Desk) -> None:
    streams = []
    for number in range(5):
        streams.append(desk.ready(("e", "#"), wire=PACKED))
        desk.publish("a", body=b"%d" % number)
        desk.end_turn()
    assert [stream.bodies for stream in streams] == [list(range(n, 5)) for n in range(5)]
    assert len({id(stream.chunks[-1]) for stream in streams}) == 1
    sent = sum(len(chunk) for stream in streams for chunk in stream.chunks[1:])
    assert desk.hub.statistics().bytes_out == sent


def test_many_patterns_become_one_binding_and_are_told_apart_here() -> None:
    desk = Desk(threshold=2)
    streams = [desk.subscribe(("e", f"{n}.*")) for n in range(5)]
    desk.settle()
    assert desk.broker.bound == {Binding("e", "#")}
    assert desk.hub.statistics().bindings == 1
    desk.publish("3.x")
    desk.end_turn()
    assert [len(stream.bodies) for stream in streams] == [0, 0, 0, 1, 0]
    assert all(stream.kinds[0] == "ready" for stream in streams)


def test_everybody_is_told_when_the_one_binding_for_all_is_refused() -> None:
    desk = Desk(threshold=1)
    desk.broker.gone = {"e"}
    streams = [desk.subscribe(("e", f"{n}.*"), ("e", "x.*")) for n in range(4)]
    desk.settle()
    assert all(isinstance(stream.reason, BindingRefused) for stream in streams)
    assert desk.hub.statistics()[:3] == (0, 0, 0)


def test_a_slow_stream_is_ended_and_counted_once(desk: Desk) -> None:
    slow, other = desk.ready(("e", "a")), desk.ready(("e", "a"))
    desk.hub.slow(slow, ENOUGH, 0.0)
    desk.hub.slow(slow, ENOUGH, 0.0)
    desk.publish("a")
    desk.end_turn()
    assert (slow.reason, slow.bodies, other.reason, other.bodies) == (ENOUGH, [], None, [1])
    assert desk.hub.statistics().slow_clients_closed == 1


def test_the_end_of_a_stream_comes_after_what_is_pending_and_others_go_on(desk: Desk) -> None:
    first, second = desk.ready(("e", "a")), desk.ready(("e", "#"))
    waiting = desk.subscribe(("f", "a"))
    desk.publish("a")
    for stream in (first, waiting, first):
        desk.hub.end(stream, ENOUGH, 0.0)
    desk.publish("a")
    desk.end_turn()
    assert [stream.bodies for stream in (first, second, waiting)] == [[1], [1, 1], []]
    assert [stream.reason for stream in (first, second, waiting)] == [ENOUGH, None, ENOUGH]
    assert desk.hub.statistics().clients == 1


@pytest.mark.parametrize("wire", PLAIN_WIRES)
def test_what_was_pending_for_who_left_is_not_sent_to_who_comes_next(
    desk: Desk, wire: Wire
) -> None:
    first = desk.ready(("e", "a"), wire=wire)
    desk.publish("a", body=b"1")
    desk.hub.leave(first, 0.0)
    desk.publish("a", body=b"2")
    second = desk.subscribe(("e", "a"), wire=wire)
    desk.end_turn()
    assert (second.kinds, len(second.chunks)) == (["ready"], 1)
    desk.publish("a", body=b"3")
    desk.end_turn()
    assert second.bodies == [3]


def test_statistics_count_what_came_in_and_what_went_out(desk: Desk) -> None:
    streams = [desk.ready(("e", "a")), desk.ready(("e", "a")), desk.ready(("e", "#"))]
    desk.publish("a")
    desk.publish("b")
    desk.end_turn()
    desk.hub.leave(streams[0], 0.0)
    found = desk.hub.statistics()
    assert (found.clients, found.audiences, found.bindings) == (2, 2, 2)
    assert (found.messages_in, found.messages_out, found.unrouted) == (2, 4, 0)
    assert found.bytes_out == sum(len(c) for stream in streams for c in stream.chunks[1:])


def test_a_message_that_only_the_stand_in_for_many_patterns_brings_is_not_unrouted() -> None:
    desk = Desk(threshold=1)
    desk.ready(("e", "a.#"), ("e", "b.#"))
    desk.publish("c")
    assert desk.hub.statistics().unrouted == 0
    desk.hub.publish(Message("other", "c", b"1"))
    assert desk.hub.statistics().unrouted == 1


GIANT = "a." * 60_000


def oddities_of(**others: Any) -> tuple[Desk, list[Oddity]]:
    """Return a desk, and the list of what its hub tells of messages."""
    told: list[Oddity] = []
    return Desk(on_odd=told.append, **others), told


def test_an_oversized_key_matches_any_words_alone_is_counted_and_told_once() -> None:
    desk, told = oddities_of()
    everything, some = desk.ready(("e", "#")), desk.ready(("e", "a.#"))
    for _ in range(3):
        desk.publish("b", cc=[GIANT, "x" * 256])
    desk.publish("a", cc=[GIANT])
    desk.end_turn()
    assert (everything.bodies, some.bodies) == ([1] * 4, [1])
    assert everything.events[1].data.count("a.a") > 0
    assert desk.hub.statistics().oversized_keys == 7
    assert told == [Oddity(Count.OVERSIZED_KEYS, "e")]


def test_what_only_an_oversized_key_brought_is_not_unrouted() -> None:
    desk, told = oddities_of()
    stream = desk.ready(("e", "a.#"))
    desk.publish("b", cc=[GIANT])
    desk.publish(".".join("a" * 129))
    desk.publish("b")
    desk.end_turn()
    assert stream.bodies == []
    assert [oddity.kind for oddity in told] == ["oversized_keys", "unrouted"]
    assert desk.hub.statistics().unrouted == 1


def test_keys_beyond_the_128th_are_listed_and_not_matched_and_counted() -> None:
    desk, told = oddities_of()
    first, last = desk.ready(("e", "key.127")), desk.ready(("e", "key.128"))
    keys = [f"key.{number}" for number in range(20_000)]
    desk.publish("b", cc=keys)
    desk.publish("b", cc=keys[1000:1500])
    desk.end_turn()
    assert (first.bodies, last.bodies) == ([1], [])
    assert orjson.loads(first.events[1].data)["cc"] == keys
    assert desk.hub.statistics().skipped_keys == 20_000 - 128 + 500 - 128
    assert desk.hub.statistics().unrouted == 0
    assert told == [Oddity(Count.SKIPPED_KEYS, "e")]


def test_who_cannot_be_compared_in_time_is_told_and_nobody_else() -> None:
    desk, told = oddities_of()
    patterns = ["#." + ".".join(words) + ".b" for words in product("*a", repeat=11)]
    hostile = [
        desk.ready(*(("e", p) for p in patterns[at : at + 100])) for at in range(0, 1200, 100)
    ]
    honest, elsewhere = desk.ready(("e", "a.#"), ("e", "x.y")), desk.ready(("f", "#"))
    desk.publish("a", body=b"1")
    desk.publish(".".join("a" * 127) + ".b", body=b"2", cc=["x.y"])
    desk.publish("x.y", body=b"3")
    desk.end_turn()
    assert honest.bodies == [1, 2, 3]
    assert (honest.reason, elsewhere.reason) == (None, None)
    for stream in hostile:
        assert str(stream.reason) == (
            "messages may be missing: one of exchange 'e' was not passed on (comparing its keys "
            "with these patterns took too long); connect again"
        )
    assert desk.hub.statistics().clients == 2
    assert (desk.hub.statistics().skipped_keys, told) == (1, [Oddity(Count.SKIPPED_KEYS, "e")])
    assert (desk.hub.tick(100.0), desk.hub.tick(109.9)) == (False, False)
    assert desk.hub.statistics()[:2] == (2, 14)  # the bindings linger
    while desk.hub.tick(110.0):
        pass
    desk.settle()
    assert desk.hub.statistics()[:3] == (2, 2, 3)


def test_who_files_much_does_not_take_a_message_from_who_asks_for_the_same() -> None:
    desk, _ = oddities_of()
    patterns = ["#." + ".".join(words) + ".b" for words in product("*a", repeat=11)]
    shared = desk.subscribe(("e", "#.a.b"), owner="hostile")
    hostile = [
        desk.subscribe(*(("e", p) for p in patterns[at : at + 100]), owner="hostile")
        for at in range(0, 2000, 100)
    ]
    honest = desk.subscribe(("e", "#.a.b"), owner="honest")
    desk.settle()
    desk.publish(".".join("a" * 100) + ".b", body=b"7")
    desk.end_turn()
    assert (honest.bodies, honest.reason, shared.bodies) == ([7], None, [7])
    assert all(stream.reason for stream in hostile)


def test_a_message_without_all_its_keys_goes_to_whom_it_matches_and_is_counted() -> None:
    desk, told = oddities_of()
    stream, other = desk.ready(("e", "a")), desk.ready(("e", "b"))
    bad = Message("e", "a", b"1", ("x",), malformed="its headers break off")
    for _ in range(3):
        desk.hub.publish(bad)
    desk.end_turn()
    assert (stream.bodies, stream.reason, other.reason) == ([1, 1, 1], None, None)
    assert desk.hub.statistics().malformed == 3
    assert told == [Oddity(Count.MALFORMED, "e", "its headers break off")]


def test_streams_are_told_of_a_message_that_might_be_theirs_and_matches_nobody() -> None:
    desk, _ = oddities_of()
    streams = [desk.ready(("e", "a")), desk.ready(("e", "b"), ("f", "b"))]
    elsewhere = desk.ready(("f", "#"))
    waiting = desk.subscribe(("e", "c"))
    desk.publish("a")
    desk.hub.publish(Message("e", "c", b"2", malformed="its headers break off"))
    for stream in streams:
        assert isinstance(stream.reason, MessagesMissed)
        assert str(stream.reason) == (
            "messages may be missing: one of exchange 'e' was not passed on (its headers break "
            "off); connect again"
        )
    assert [stream.bodies for stream in streams] == [[1], []]
    desk.settle()
    assert (elsewhere.reason, waiting.reason, waiting.kinds) == (None, None, ["ready"])
    counts = desk.hub.statistics()
    assert (counts.clients, counts.malformed, counts.unrouted) == (2, 1, 0)
    desk.hub.publish(Message("g", "c", b"2", malformed="its headers break off"))
    assert (elsewhere.reason, waiting.reason) == (None, None)


def test_streams_that_were_told_find_their_bindings_when_they_come_again() -> None:
    desk, _ = oddities_of()
    desk.ready(("e", "a"))
    desk.hub.publish(Message("e", "c", b"1", malformed="why"))
    again = desk.subscribe(("e", "a"))
    assert again.kinds == ["ready"]
    desk.hub.tick(100.0)
    desk.publish("a")
    desk.end_turn()
    assert again.bodies == [1]


def test_a_message_that_fails_here_is_told_to_its_exchange_alone_and_counted() -> None:
    desk, told = oddities_of()
    streams = [desk.ready(("e", "#")), desk.ready(("e", "x"))]
    elsewhere = desk.ready(("f", "#"))
    broken = Message("e", "\ud800", b"1")
    for _ in range(2):
        with pytest.raises(TypeError) as failure:
            desk.hub.publish(broken)
        desk.hub.failed(broken, failure.value)
        for stream in streams:
            assert "'e' was not passed on (the server failed at it)" in str(stream.reason)
        streams = [desk.ready(("e", "#"))]
    assert elsewhere.reason is None
    assert desk.hub.statistics().malformed == 2
    assert [(oddity.kind, oddity.exchange) for oddity in told] == [(Count.MALFORMED, "e")]
    assert isinstance(told[0].error, TypeError)


@pytest.mark.timeout(120)  # tracing memory is slow
def test_answers_of_all_exchanges_are_kept_within_one_limit() -> None:
    desk = Desk()
    for number in range(50):
        desk.ready((f"e{number}", "#"))
    tracemalloc.start()
    try:
        for number in range(20_000):
            key = f"key.{number}." + "x" * 200  # about as long as a key that is kept may be
            desk.hub.publish(Message(f"e{number % 50}", key, b"1"))
            if not number % 100:
                desk.end_turn()
                for audience in desk.hub._audiences:
                    for stream in audience.streams:
                        stream.chunks.clear()  # type: ignore[attr-defined]  # a recorder
                        stream.events.clear()  # type: ignore[attr-defined]
        assert tracemalloc.get_traced_memory()[0] < 1.2 * DEFAULT_LIMIT_BYTES
    finally:
        tracemalloc.stop()
