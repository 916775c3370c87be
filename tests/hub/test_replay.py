"""Streams that read the history: where they begin, what they get, what they are told."""

from datetime import UTC, datetime
from random import randbytes

import orjson
import pytest

from pulse_events.bindings import Binding
from pulse_events.errors import AddressLimitReached, MessagesMissed, StreamEnded
from pulse_events.history import BLOCK_ENTRIES, RECORD_BYTES
from pulse_events.hub.builder import BLOCK_BYTES, Builder
from pulse_events.hub.quotas import Quotas
from pulse_events.hub.reading import Start
from pulse_events.hub.replay import LOOKED_BACK_AT
from pulse_events.messages import Message
from pulse_events.wire.wire import Wire
from tests.support.hub_desk import PACKED_RESUMING, PLAIN, RESUMING, RETRY_MS, HistoryDesk, Recorder

ALL = ("e", "#")
SLOW = StreamEnded("slow")


def iso(time_ms: int) -> str:
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def gaps(stream: Recorder) -> list[dict[str, str]]:
    return [orjson.loads(e.data) for e in stream.events if e.kind == "gap"]


def kinds(stream: Recorder) -> list[str]:
    """Return the kinds of the events but pings."""
    return [kind for kind in stream.kinds if kind != "ping"]


def filled(count: int, **others: int) -> tuple[HistoryDesk, Recorder]:
    """Return a desk where a live stream got some messages, a millisecond apart, and the stream."""
    desk = HistoryDesk(**others)
    stream = desk.ready(ALL, wire=RESUMING)
    for number in range(count):
        desk.now_ms += 1
        desk.publish("k", body=b"%d" % number)
        desk.end_turn()
    return desk, stream


def back(desk: HistoryDesk, start: Start, wire: Wire = RESUMING) -> Recorder:
    stream = desk.subscribe(ALL, wire=wire, start=start)
    desk.work()
    return stream


def lose_the_queue(desk: HistoryDesk) -> None:
    desk.broker.lose(queue_kept=False)
    desk.hub.lost()
    desk.hub.missed(MessagesMissed("the queue is gone"))


def mend(desk: HistoryDesk) -> None:
    desk.now_ms += 10
    desk.broker.reconnect()
    desk.settle()
    desk.end_turn()


def test_ready_has_a_cursor_and_when_to_come_back() -> None:
    desk = HistoryDesk()
    stream = desk.subscribe(ALL, wire=RESUMING)
    assert kinds(stream) == []
    desk.settle()
    cursor = desk.cursors.at(desk.history.last)
    assert b"retry: %d\nevent: ready\ndata: {}\nid: %b\n\n" % (RETRY_MS, cursor) in stream.chunks[0]


def test_each_cursor_is_where_the_rest_begins() -> None:
    desk, first = filled(200)
    streams = [back(desk, Start(event.event_id)) for event in first.events]
    desk.publish("k", body=b"200")
    desk.end_turn()
    for place, (event, stream) in enumerate(zip(first.events, streams, strict=False)):
        assert stream.bodies == list(range(place, 201))
        assert stream.events[0].event_id == event.event_id
        assert gaps(stream) == []


def test_a_ping_says_that_a_stream_has_caught_up() -> None:
    desk, first = filled(3 * BLOCK_ENTRIES)
    newest = first.events[-1].event_id
    starts = (
        Start(first.events[0].event_id),
        Start(newest),
        Start("x"),
        Start(since_ms=desk.now_ms - 5),
        Start(last=2),
    )
    for start in starts:
        stream = back(desk, start)
        assert stream.kinds.count("ping") == 1
        assert stream.events[-1].kind == "ping"
        assert stream.events[-1].event_id == newest
        assert orjson.loads(stream.events[-1].data) == {"time": iso(desk.now_ms)}
    assert first.kinds.count("ping") == 0
    first.is_blocked = True
    desk.hub.slow(first, SLOW, 0.0)
    first.is_blocked = False
    desk.hub.drained(first)
    desk.work()
    assert first.kinds.count("ping") == 0  # it asked for nothing


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        ("x", "the cursor is not of this server's history"),
        ("-", "the cursor is not of this server's history"),
        ("1mMTIzNDU2Nzgffff", "the cursor is not of this server's history"),
        ("1mAAAAAAAAAAA5", "the history was another process'"),
    ],
)
def test_a_cursor_of_elsewhere_is_a_gap_and_then_live(cursor: str, reason: str) -> None:
    desk, _ = filled(3)
    stream = back(desk, Start(cursor))
    assert kinds(stream) == ["ready", "gap"]
    assert gaps(stream) == [{"reason": reason, "from": None, "to": iso(desk.now_ms)}]
    assert {e.event_id for e in stream.events} == {desk.cursors.at(desk.history.last).decode()}
    desk.publish("k", body=b"3")
    desk.end_turn()
    assert stream.bodies == [3]


def test_what_is_forgotten_is_a_gap_to_the_oldest_that_is_held() -> None:
    size = RECORD_BYTES + len(b'{"payload":1,"exchange":"e","routingKey":"k","redelivered":false,')
    desk, first = filled(10, history_bytes=5 * (size + 26))
    held = len(desk.history)
    assert 3 <= held <= 6
    stream = back(desk, Start(first.events[0].event_id))
    assert kinds(stream) == ["ready", "gap"] + ["message"] * held
    assert stream.bodies == list(range(10 - held, 10))
    oldest = desk.history.forgotten.time_ms
    assert gaps(stream) == [
        {"reason": "older messages are no longer held", "from": None, "to": iso(oldest)}
    ]
    again = back(desk, Start(stream.events[1].event_id))
    assert (gaps(again), again.bodies) == ([], stream.bodies)


def test_a_reader_that_is_overtaken_is_told_from_where_to_where() -> None:
    desk, first = filled(5)
    stream = desk.subscribe(ALL, wire=RESUMING, start=Start(first.events[2].event_id))
    for _ in range(3):
        desk.history.forget_oldest()
    desk.work()
    assert stream.bodies == [3, 4]
    (gap,) = gaps(stream)
    had, held = desk.now_ms - 3, desk.now_ms - 1
    assert gap == {
        "reason": "older messages are no longer held",
        "from": iso(had),
        "to": iso(held),
    }


def test_bindings_that_were_not_in_force_are_a_gap_before_what_is_held() -> None:
    """Whoever has seen the id of a message was told what is missing before it."""
    desk, first = filled(3)
    before_ms = desk.now_ms - 2
    desk.now_ms += 5
    wider = desk.subscribe(ALL, ("f", "#"), wire=RESUMING, start=Start(first.events[1].event_id))
    desk.settle()
    assert wider.bodies == [1, 2]
    assert kinds(wider) == ["ready", "gap", "message", "message"]
    assert wider.events[1].event_id == wider.events[0].event_id
    assert gaps(wider) == [
        {
            "reason": "these bindings were not all in force before",
            "from": iso(before_ms),
            "to": iso(desk.now_ms),
        }
    ]
    again = desk.subscribe(ALL, ("f", "#"), wire=RESUMING, start=Start(wider.events[-1].event_id))
    desk.work()
    assert kinds(again) == ["ready"]


def test_a_gap_of_bindings_before_which_nothing_is_held_is_told_once() -> None:
    desk, first = filled(3)
    pairs = [("f", "#"), ("g", "#")]
    stream = desk.subscribe(*pairs, wire=RESUMING, start=Start(first.events[1].event_id))
    desk.settle()
    assert kinds(stream) == ["ready", "gap"]
    again = desk.subscribe(*pairs, wire=RESUMING, start=Start(stream.events[1].event_id))
    desk.work()
    assert kinds(again) == ["ready"]


@pytest.mark.parametrize("wire", [RESUMING, PACKED_RESUMING])
def test_the_newest_messages_that_are_held_come_first(wire: Wire) -> None:
    count = 2 * LOOKED_BACK_AT + 10
    desk, _ = filled(count)
    for last in (1, 7, count, count + 1, 1000):
        stream = back(desk, Start(last=last), wire)
        assert stream.bodies == list(range(max(0, count - last), count))
        assert stream.kinds.count("gap") == 0
        begin = desk.cursors.read(stream.events[0].event_id)
        rest = back(desk, Start(stream.events[0].event_id), wire)
        assert isinstance(begin, int)
        assert rest.bodies == stream.bodies


@pytest.mark.parametrize("count", [0, 2])
def test_who_got_fewer_of_the_newest_comes_back_without_a_gap(count: int) -> None:
    desk = HistoryDesk()
    desk.ready(("f", "#"), wire=RESUMING)
    desk.hub.publish(Message("f", "k", b"1", ()))
    desk.subscribe(ALL, wire=RESUMING, start=Start(last=100))
    desk.settle()
    for number in range(count):
        desk.publish("k", body=b"%d" % number)
    stream = back(desk, Start(last=100))
    again = back(desk, Start(stream.events[0].event_id))
    assert (again.bodies, gaps(again)) == (list(range(count)), [])


def test_a_time_in_what_is_held_begins_there() -> None:
    desk, _ = filled(10)
    stream = back(desk, Start(since_ms=desk.now_ms - 3))
    assert (stream.bodies, gaps(stream)) == ([6, 7, 8, 9], [])
    now = back(desk, Start(since_ms=desk.now_ms + 1))
    assert kinds(now) == ["ready"]


def test_a_time_before_anybody_listened_is_a_gap() -> None:
    desk, _ = filled(2)
    stream = back(desk, Start(since_ms=5))
    assert stream.bodies == [0, 1]
    (gap,) = gaps(stream)
    assert gap == {
        "reason": "these bindings were not all in force before",
        "from": iso(5),
        "to": iso(1_000_000),
    }


def test_what_is_recorded_is_held_before_anybody_asks() -> None:
    desk = HistoryDesk()
    recorded = Binding("e", "a.#")
    desk.hub.record(recorded)
    desk.settle()
    desk.now_ms += 1
    desk.publish("a.b")
    desk.publish("b")
    stream = desk.subscribe(("e", "a.*"), wire=RESUMING, start=Start(since_ms=desk.now_ms))
    desk.settle()
    assert (stream.bodies, gaps(stream)) == ([1], [])
    assert desk.hub.statistics().audiences == 1
    desk.broker.gone.add("e")
    desk.broker.lose()
    desk.hub.lost()
    desk.broker.reconnect()
    desk.settle()
    assert recorded not in desk.broker.wanted
    assert stream.reason is not None
    desk.broker.gone.clear()
    desk.hub.tick(1e6)
    assert recorded in desk.broker.wanted


@pytest.mark.parametrize("wire", [RESUMING, PLAIN])
def test_a_slow_reader_goes_on_where_it_was_when_it_reads(wire: Wire) -> None:
    desk = HistoryDesk()
    slow, other = (desk.ready(ALL, wire=wire) for _ in range(2))
    desk.publish("k", body=b"0")
    desk.end_turn()
    desk.publish("k", body=b"1")  # pending
    slow.is_blocked = True
    desk.hub.slow(slow, SLOW, 0.0)
    for number in range(2, 3 * BLOCK_ENTRIES):
        desk.publish("k", body=b"%d" % number)
    desk.end_turn()
    desk.work()
    assert slow.bodies == [0]
    assert desk.hub.statistics().clients_behind == 1
    desk.hub.slow(slow, SLOW, 0.0)  # no second time: it is behind already
    slow.is_blocked = False
    desk.hub.drained(slow)
    desk.work()
    desk.publish("k", body=b"-1")
    desk.end_turn()
    assert slow.bodies == other.bodies == [*range(3 * BLOCK_ENTRIES), -1]
    counts = desk.hub.statistics()
    assert (counts.clients_behind, counts.slow_clients_behind) == (0, 1)
    assert counts.messages_out == 2 * len(slow.bodies)


def test_one_that_cannot_be_resumed_ends_when_the_history_has_passed_it() -> None:
    desk = HistoryDesk()
    slow = desk.ready(ALL)
    slow.is_blocked = True
    desk.hub.slow(slow, SLOW, 0.0)
    desk.publish("k")
    desk.history.forget_oldest()
    desk.publish("k")
    slow.is_blocked = False
    desk.hub.drained(slow)
    desk.work()
    assert slow.bodies == []
    assert "slow reader" in str(slow.reason)
    assert desk.hub.statistics().slow_clients_closed == 1


def test_one_that_cannot_be_resumed_ends_at_a_loss_behind_what_came_before() -> None:
    desk = HistoryDesk()
    slow = desk.ready(ALL)
    slow.is_blocked = True
    desk.hub.slow(slow, SLOW, 0.0)
    desk.publish("k", body=b"0")
    desk.hub.missed(MessagesMissed("messages may be missing: the queue was full"))
    desk.publish("k", body=b"1")
    assert slow.reason is None
    slow.is_blocked = False
    desk.hub.drained(slow)
    desk.work()
    assert slow.bodies == [0]
    assert "the queue was full" in str(slow.reason)


def test_a_loss_is_one_gap_for_who_is_there_and_for_who_is_away() -> None:
    desk, stream = filled(1)
    desk.now_ms += 7
    desk.hub.missed(MessagesMissed("the queue was full"))
    desk.publish("k", body=b"1")
    desk.end_turn()
    expected = {
        "reason": "the queue was full",
        "from": iso(desk.now_ms - 7),
        "to": iso(desk.now_ms),
    }
    assert kinds(stream) == ["ready", "message", "gap", "message"]
    away = back(desk, Start(stream.events[1].event_id))
    assert kinds(away) == ["ready", "gap", "message"]
    assert gaps(stream) == gaps(away) == [expected]
    assert gaps(back(desk, Start(away.events[1].event_id))) == []
    assert desk.hub.statistics().gaps == 2


def test_a_loss_that_is_noticed_late_reaches_back_before_what_came_since() -> None:
    desk, stream = filled(1)
    desk.now_ms += 5
    desk.publish("k", body=b"1")
    desk.now_ms += 1
    desk.hub.missed(MessagesMissed("the queue was full", back_ms=6))
    desk.end_turn()
    expected = {
        "reason": "the queue was full",
        "from": iso(desk.now_ms - 6),
        "to": iso(desk.now_ms),
    }
    away = back(desk, Start(stream.events[1].event_id))
    assert gaps(stream) == gaps(away) == [expected]


def test_a_queue_that_was_lost_is_told_when_all_is_bound_again() -> None:
    desk, stream = filled(1)
    desk.broker.lose(queue_kept=False)
    desk.hub.lost()
    desk.hub.missed(MessagesMissed("the queue is gone"))
    desk.end_turn()
    assert gaps(stream) == []
    desk.now_ms += 9
    desk.broker.reconnect()
    desk.settle()
    desk.end_turn()
    reason = {"reason": "the queue is gone", "from": iso(desk.now_ms - 9), "to": iso(desk.now_ms)}
    assert gaps(stream) == [reason]
    away = back(desk, Start(stream.events[1].event_id))
    assert [gap["reason"] for gap in gaps(away)] == ["the queue is gone"]


def test_who_catches_up_while_the_queue_is_gone_is_told_too() -> None:
    desk, first = filled(3)
    for stream in (
        first,
        desk.subscribe(ALL, wire=RESUMING, start=Start(first.events[1].event_id)),
    ):
        stream.is_blocked = True
        desk.hub.slow(stream, SLOW, 0.0)
    desk.broker.lose(queue_kept=False)
    desk.hub.lost()
    desk.hub.missed(MessagesMissed("the queue is gone"))
    first.is_blocked = False
    desk.hub.drained(first)
    desk.work()
    assert (len(gaps(first)), desk.hub.statistics().clients_behind) == (1, 1)
    desk.now_ms += 9  # in which messages are lost, too
    desk.broker.reconnect()
    desk.settle()
    desk.end_turn()
    assert [gap["to"] for gap in gaps(first)] == [iso(desk.now_ms - 9), iso(desk.now_ms)]
    assert [gap["reason"] for gap in gaps(first)] == ["the queue is gone"] * 2


def test_what_could_not_be_matched_is_a_gap_for_those_on_the_exchange() -> None:
    desk, stream = filled(1)
    elsewhere = desk.ready(("f", "#"), wire=RESUMING)
    desk.hub.failed(Message("e", "k", b"1"), ValueError("x"))
    desk.end_turn()
    away = back(desk, Start(stream.events[0].event_id))
    for told in (stream, away):
        (gap,) = gaps(told)
        assert "the server failed at it" in str(gap)
        assert told.reason is None
    assert gaps(elsewhere) == []


def test_the_same_bytes_are_encoded_once_for_all_that_read_them() -> None:
    desk = HistoryDesk()
    first = desk.ready(ALL, wire=RESUMING)
    for _ in range(5 * BLOCK_ENTRIES):
        desk.publish("k", body=b'"%b"' % randbytes(1024).hex().encode())  # too long to be joined
        desk.end_turn()
    start = Start(first.events[10].event_id)
    one, other = back(desk, start), back(desk, start)
    near = back(desk, Start(first.events[11].event_id))
    shared, shared_by_near = (
        [any(chunk is its for its in one.chunks) for chunk in stream.chunks]
        for stream in (other, near)
    )
    # Not ready; not what was there at the end, as one; not a ping.
    assert shared == [False] + [True] * (len(shared) - 3) + [False, False]
    assert shared_by_near.count(True) == shared.count(True) - 2  # its own beginning


@pytest.mark.parametrize("wire", [RESUMING, PACKED_RESUMING])
def test_blocks_that_are_there_already_are_sent_as_one(wire: Wire) -> None:
    desk, first = filled(5 * BLOCK_ENTRIES)
    start = Start(first.events[10].event_id)
    streams = [back(desk, start, wire) for _ in range(6)]
    assert [stream.bodies for stream in streams] == [list(range(10, 5 * BLOCK_ENTRIES))] * 6
    chunks = [len(stream.chunks) for stream in streams]
    assert chunks == sorted(chunks, reverse=True)
    assert chunks[0] > 6 > chunks[-1]


def test_a_quiet_stream_has_the_newest_cursor() -> None:
    desk, stream = filled(3)
    quiet = desk.ready(("f", "#"), wire=RESUMING)
    desk.publish("k")
    newest = desk.cursors.at(desk.history.last)
    assert desk.hub.cursor_of(quiet) == newest
    before = desk.cursors.at(desk.history.last - 1)
    assert desk.hub.cursor_of(stream) == before  # one is pending
    desk.end_turn()
    assert desk.hub.cursor_of(stream) == newest
    assert desk.hub.cursor_of(desk.ready(ALL)) == b"-"


def test_who_waits_for_the_broker_keeps_its_cursor() -> None:
    desk, _ = filled(3)
    cursor = desk.cursors.at(2).decode()
    waiting = desk.subscribe(("g", "#"), wire=RESUMING, start=Start(cursor))
    assert desk.hub.cursor_of(waiting) == cursor.encode()
    since = desk.subscribe(("g", "#"), wire=RESUMING, start=Start(since_ms=desk.now_ms))
    assert desk.hub.cursor_of(since) == desk.cursors.at(desk.history.last - 1)
    other = desk.subscribe(("g", "#"), wire=RESUMING, start=Start("x"))
    assert desk.hub.cursor_of(other) == desk.cursors.at(desk.history.last)


def test_an_end_says_where_it_was() -> None:
    desk, stream = filled(3)
    behind = desk.subscribe(ALL, wire=RESUMING, start=Start(stream.events[1].event_id))
    for ending, cursor in ((stream, stream.events[-1]), (behind, stream.events[1])):
        desk.hub.end(ending, SLOW, 0.0)
        assert ending.last_cursor == cursor.event_id


def test_bindings_stay_for_as_long_as_the_history_but_so_many_only() -> None:
    desk = HistoryDesk(age_ms=60_000, kept_bindings=2)
    streams = [desk.ready(("e", key), wire=RESUMING) for key in "abc"]
    plain = desk.ready(("e", "d"))
    for now_s, stream in enumerate((*streams, plain)):
        desk.hub.leave(stream, float(now_s))
    desk.hub.tick(5.0)
    assert {b.pattern for b in desk.broker.wanted} == {"b", "c", "d"}
    desk.hub.tick(13.0)
    assert {b.pattern for b in desk.broker.wanted} == {"b", "c"}
    desk.hub.tick(61.5)
    assert {b.pattern for b in desk.broker.wanted} == {"c"}


def test_what_only_lingers_makes_room_but_not_at_once() -> None:
    quotas = Quotas(of_owner=lambda owner: 1)
    desk = HistoryDesk(age_ms=60_000, quotas=quotas)
    first = desk.subscribe(("e", "a"), wire=RESUMING, owner="one")
    desk.settle()
    desk.hub.leave(first, 100.0)
    desk.hub.tick(105.0)
    with pytest.raises(AddressLimitReached):
        desk.subscribe(("e", "b"), wire=RESUMING, owner="one")
    desk.hub.tick(110.0)
    desk.subscribe(("e", "b"), wire=RESUMING, owner="one")
    assert {b.pattern for b in desk.broker.wanted} == {"b"}


def test_a_step_that_fails_ends_its_stream_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, first = filled(3)
    stream = desk.subscribe(ALL, wire=RESUMING, start=Start(first.events[0].event_id))
    monkeypatch.setattr(desk.history, "after", None)
    with pytest.raises(TypeError):
        desk.work()
    assert "failed at reading its history" in str(stream.reason)
    assert first.reason is None


def test_what_is_pending_when_one_comes_back_comes_to_all_once() -> None:
    desk, stream = filled(1)
    cursor = stream.events[-1].event_id
    desk.publish("k", body=b"1")  # the turn has not ended
    returned = back(desk, Start(cursor))
    desk.end_turn()
    assert stream.bodies == [0, 1]
    assert returned.bodies == [1]


@pytest.mark.parametrize("comes_back", [True, False])
def test_who_leaves_off_between_a_loss_and_its_gap_is_told_of_all_of_it(comes_back: bool) -> None:
    desk, stream = filled(1)
    came_ms = desk.now_ms
    desk.now_ms += 10
    lose_the_queue(desk)
    desk.now_ms += 10
    if comes_back:
        cursor = desk.hub.cursor_of(stream).decode()
        desk.hub.leave(stream, 0.0)
        stream = desk.subscribe(ALL, wire=RESUMING, start=Start(cursor))
    else:
        stream.is_blocked = True
        desk.hub.slow(stream, SLOW, 0.0)
    desk.broker.reconnect()
    desk.settle()
    stream.is_blocked = False
    desk.hub.drained(stream)
    desk.work()
    (gap,) = gaps(stream)
    assert (gap["from"], gap["to"]) == (iso(came_ms), iso(desk.now_ms))


def test_who_falls_behind_just_when_the_bindings_are_in_force_again_has_the_gap() -> None:
    desk, stream = filled(1)
    lose_the_queue(desk)
    desk.broker.reconnect()
    desk.settle()
    desk.hub.slow(stream, SLOW, 0.0)  # the turn has not ended
    desk.end_turn()
    desk.work()
    assert [gap["reason"] for gap in gaps(stream)] == ["the queue is gone"]


def test_who_was_not_told_of_a_loss_is_told_with_the_next_one() -> None:
    desk, stream = filled(1)
    came_ms = desk.now_ms
    desk.now_ms += 10
    lose_the_queue(desk)
    cursor = desk.hub.cursor_of(stream).decode()
    desk.hub.leave(stream, 0.0)
    mend(desk)
    desk.publish("k")
    lose_the_queue(desk)
    mend(desk)
    again = back(desk, Start(cursor))
    assert (gaps(again)[0]["from"], gaps(again)[0]["to"]) == (iso(came_ms), iso(desk.now_ms))
    later = back(desk, Start(again.events[-1].event_id))
    assert gaps(later) == []


@pytest.mark.parametrize("losses", [1, 2])
def test_who_was_away_is_told_of_a_loss_behind_what_came_before_it(losses: int) -> None:
    desk, stream = filled(4)
    came_ms = desk.now_ms
    for number in range(losses):
        desk.now_ms += 5
        lose_the_queue(desk)
        mend(desk)
        desk.now_ms += 1
        desk.publish("k", body=b"%d" % (4 + number))
        desk.end_turn()
    again = back(desk, Start(stream.events[2].event_id))
    assert again.bodies == [*range(2, 4 + losses)]
    assert kinds(again)[:4] == ["ready", "message", "message", "gap"]
    assert gaps(again)[0]["from"] == iso(came_ms)
    assert len(gaps(again)) == 1


def test_a_loss_that_is_noticed_late_makes_the_gap_that_is_owed_begin_earlier() -> None:
    desk, stream = filled(3)
    lose_the_queue(desk)
    desk.hub.missed(MessagesMissed("the queue was full", back_ms=2))
    missing_ms = desk.now_ms - 2
    mend(desk)
    (gap,) = gaps(stream)
    assert (gap["from"], gap["to"]) == (iso(missing_ms), iso(desk.now_ms))


def test_who_asked_for_the_newest_and_is_behind_is_told_of_a_loss_behind_them() -> None:
    desk, _ = filled(3)
    stream = desk.subscribe(ALL, wire=RESUMING, start=Start(last=2))
    desk.work(times=1)
    stream.is_blocked = True
    assert stream.kinds == ["ready"]
    lose_the_queue(desk)
    mend(desk)
    stream.is_blocked = False
    desk.hub.drained(stream)
    desk.work()
    assert stream.bodies == [1, 2]
    assert [gap["reason"] for gap in gaps(stream)] == ["the queue is gone"]


def test_a_block_ends_with_its_history_however_far_it_may_go() -> None:
    desk, stream = filled(3)
    assert stream.audience is not None
    last = desk.history.last
    block = Builder(lambda _record: ()).block(desk.history, stream.audience, 0, 0, last + 5)
    assert block.stop == last


def test_a_loss_while_the_newest_are_looked_for_is_told_behind_them() -> None:
    count = 2 * LOOKED_BACK_AT
    desk, _ = filled(count)
    stream = desk.subscribe(ALL, wire=RESUMING, start=Start(last=count - 1))
    desk.work(times=1)
    assert stream.kinds == []
    lose_the_queue(desk)
    mend(desk)
    desk.work()
    assert stream.bodies == list(range(1, count))
    assert kinds(stream) == ["ready", *["message"] * (count - 1), "gap"]
    begin, *_, end = (desk.cursors.read(event.event_id) for event in stream.events)
    assert isinstance(begin, int)
    assert isinstance(end, int)
    assert begin < end
    again = back(desk, Start(stream.events[0].event_id))
    assert kinds(again) == kinds(stream)


def test_who_reads_nothing_holds_one_event_beside_a_block_of_its_own_at_most() -> None:
    size_bytes = 200_000
    desk = HistoryDesk(64 << 20)
    stream = desk.ready(ALL, wire=RESUMING)
    stream.is_blocked = True
    desk.hub.slow(stream, SLOW, 0.0)
    for _ in range(BLOCK_ENTRIES):
        desk.publish("k", body=b'"%b"' % (b"x" * size_bytes))
        desk.end_turn()
    del stream.chunks[:]
    for left in range(BLOCK_ENTRIES, 0, -1):
        stream.is_blocked = False
        desk.hub.drained(stream)
        desk.work(times=1)  # then it reads no more
        stream.is_blocked = True
        assert len(stream.bodies) == BLOCK_ENTRIES + 1 - left
        assert len(stream.chunks.pop()) < BLOCK_BYTES + size_bytes + 1000
    assert desk.hub.statistics().history_records == BLOCK_ENTRIES
