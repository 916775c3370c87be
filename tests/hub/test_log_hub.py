"""The hub of a shared log: who gets what is read of it, from which cursor, at any process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.bindings import BindingSet
from pulse_events.cursors import LogCursors
from pulse_events.errors import StreamEnded
from pulse_events.hub.log_hub import RESTARTED
from pulse_events.hub.replay import OF_ANOTHER
from pulse_events.log.entries import Lost, Probe, Recorded, Stamp, check
from pulse_events.log.intake import JUMPED
from tests.support.hub_desk import Recorder
from tests.support.log_desk import OTHER, WRITER, Process, attached, gaps, recorded


def test_streams_begin_when_the_log_is_read_up_to_its_end() -> None:
    process = Process()
    early = process.connect()
    process.read(0, recorded(0))
    assert early.kinds == []
    process.hub.attach(process.probe)
    assert early.kinds == ["ready"]
    process.read(1, recorded(1))
    assert early.bodies == [1]
    assert process.connect().kinds == ["ready"]


def test_what_is_taken_for_a_line_end_is_escaped_live_and_of_the_history() -> None:
    process = attached(1)
    live = process.connect()
    line = '{"payload":"a\u2028b\x85"}'.encode()
    process.write(recorded(1)._replace(line=line))
    again = process.connect(live.events[0].event_id)
    for stream in (live, again):
        (message,) = [event for event in stream.events if event.kind == "message"]
        assert message.data == '{"payload":"a\\u2028b\\u0085"}'


def test_a_cursor_of_one_process_is_good_at_another() -> None:
    one, two = attached(0), attached(0)
    here = one.connect()
    for number in range(5):
        for process in (one, two):
            process.read(number, recorded(number))
    ids = [event.event_id for event in here.events if event.kind == "message"]
    for place, cursor in enumerate(ids):
        there = two.connect(cursor)
        assert there.bodies == [*range(place + 1, 5)]
        assert gaps(there) == []


def test_a_cursor_of_another_log_is_a_gap() -> None:
    process = attached(3)
    other = LogCursors().at(LogCursors.position(1, check(Stamp(OTHER, 1, 0)))).decode()
    stream = process.connect(other)
    assert OF_ANOTHER in gaps(stream)[0]
    memory = process.connect("1mAAAAAAAAAAA5")
    assert OF_ANOTHER in gaps(memory)[0]


def test_who_had_more_elsewhere_waits_for_it() -> None:
    process = attached(3)
    ahead = LogCursors().at(LogCursors.position(4, check(recorded(4).stamp))).decode()
    stream = process.connect(ahead)
    process.read(3, recorded(3))
    assert stream.kinds == []
    process.read(4, recorded(4))
    process.read(5, recorded(5))
    assert stream.bodies == [5]
    assert gaps(stream) == []


def test_who_had_more_of_another_log_waits_until_the_end_is_read() -> None:
    process = attached(3)
    stream = process.connect(LogCursors().at(LogCursors.position(9, 1)).decode())
    gone = process.connect(LogCursors().at(LogCursors.position(9, 2)).decode())
    process.hub.leave(gone, 0.0)
    process.hub.found_end(7)  # it had been asked for before
    process.hub.tick(100.0)
    late = process.connect(LogCursors().at(LogCursors.position(9, 3)).decode())
    process.hub.tick(101.0)
    assert process.asked == 2
    process.hub.detach()
    process.hub.tick(200.0)  # it may be there, but cannot be read
    process.hub.attach(process.probe)
    process.hub.found_end(2)  # of the connection before
    process.hub.tick(300.0)
    process.hub.tick(400.0)
    assert process.asked == 3
    for each in (stream, late):
        assert each.kinds == []
    process.hub.found_end(3)
    for each in (stream, late):
        assert OF_ANOTHER in gaps(each)[0]
    assert gone.kinds == []


def test_what_is_behind_a_missing_number_comes_by_its_successor_alone() -> None:
    process = attached(0)
    stream = process.connect()
    written = [
        recorded(0),
        recorded(2),
        recorded(3),
        *(recorded(n, writer=OTHER) for n in (1, 2)),
        recorded(4),
    ]
    for offset, entry in enumerate(written):
        process.read(offset, entry)
    assert stream.bodies == [0, 1, 2]
    assert process.connect(stream.events[-1].event_id).bodies == []


def test_losses_and_jumps_are_gaps_for_all_and_for_who_comes_back() -> None:
    process = attached(1)
    live, start = process.connect(), process.connect(last=1)
    cursor = start.events[-1].event_id
    process.read(1, Lost(Stamp(WRITER, 1, 1_000_010, 1), 1_000_000, "", "the inbox was full"))
    process.read(9, recorded(2))
    process.read(10, Probe(Stamp(OTHER, 0, 1_000_030)))
    for stream in (live, process.connect(cursor)):
        assert ["inbox was full" in gap for gap in gaps(stream)] == [True, False]
        assert JUMPED in gaps(stream)[1]
        assert stream.bodies[-1:] == [2]
    assert gaps(process.connect(live.events[-1].event_id)) == []


def test_a_loss_of_one_exchange_is_told_there() -> None:
    process = attached(1)
    here, there = process.connect(), process.connect(bindings=BindingSet.of([("f", "a.b")]))
    process.read(1, Lost(Stamp(WRITER, 1, 1_000_010, 1), 1_000_000, "f", "gone"))
    assert (len(gaps(here)), len(gaps(there))) == (0, 1)


def test_another_log_ends_all_streams() -> None:
    process = attached(3)
    stream = process.connect()
    process.hub.restart()
    assert RESTARTED in str(stream.reason)
    process.read(0, recorded(0, writer=OTHER))
    back = process.connect(stream.last_cursor)
    assert back.kinds == []  # it may be of this one, further on
    process.read(3, recorded(1, writer=OTHER))
    assert OF_ANOTHER in gaps(back)[0]


def test_a_slow_reader_goes_on_where_it_was() -> None:
    process = attached(0)
    stream = process.connect()
    process.read(0, recorded(0))
    stream.is_blocked = True
    process.hub.slow(stream, StreamEnded("slow"), 0.0)
    for number in range(1, 200):
        process.read(number, recorded(number))
    stream.is_blocked = False
    process.hub.drained(stream)
    process.work()
    assert stream.bodies == [*range(200)]
    assert gaps(stream) == []


@pytest.mark.parametrize(
    ("pairs", "holds"),
    [
        ([("e", "a.#")], True),
        ([("f", "a.b"), ("e", "x")], True),
        ([("f", "a.#")], False),
        ([("g", "#"), ("e", "#")], False),
    ],
)
def test_it_is_for_what_is_recorded_whole(pairs: list[tuple[str, str]], holds: bool) -> None:
    assert Process().hub.holds(BindingSet.of(pairs)) == holds


@given(
    keys=st.lists(st.sampled_from("ab-"), max_size=150),
    starts=st.lists(st.tuples(st.integers(0, 150), st.integers(0, 150)), max_size=5),
    strides=st.lists(st.sampled_from([1, 2]), min_size=150, max_size=150),
)
def test_each_gets_what_matches_behind_its_cursor_once(
    keys: list[str], starts: list[tuple[int, int]], strides: list[int]
) -> None:
    """Clients come back at any time with any cursor that there was; ``-`` is nobody's entry."""
    process = attached(0)
    only_a = BindingSet.of([("e", "a")])
    cursors, clients = [""], list[tuple[int, Recorder]]()
    offset = 0
    for number, key in enumerate(keys):
        offset += strides[number]  # a segment's snapshot takes one
        stamp = Stamp(WRITER, number - keys[:number].count("-"), 1_000_000 + number, 1)
        if key == "-":
            stamp = Stamp(OTHER, number, 1_000_000 + number)
            process.read(offset, Probe(stamp))
        else:
            process.read(offset, Recorded(stamp, "e", key, (), b'{"payload":%d}' % number))
        position = LogCursors.position(offset, check(stamp))
        cursors.append(LogCursors().at(position - number % 2).decode())
        for at, place in starts:
            if at % len(keys) == number and place < number:
                first = place + 1 - place % 2 if place else number + 1
                clients.append((first, process.connect(cursors[place + 1 if place else 0], only_a)))
    for first, stream in clients:
        due = [n for n, key in enumerate(keys) if key == "a" and n >= first]
        assert stream.bodies == due
        assert gaps(stream) == []
