"""Older parts of a log: who needs what, how many are read at a time, and who waits in line."""

import json

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pulse_events.bindings import BindingSet
from pulse_events.cursors import LogCursors
from pulse_events.hub.archive import READERS
from pulse_events.hub.missing import FORGOTTEN
from pulse_events.hub.parts import AHEAD
from pulse_events.hub.reading import Start
from pulse_events.hub.replay import OF_ANOTHER
from pulse_events.hub.searches import FOUND_WITHIN_S
from pulse_events.hub.turns import Line
from pulse_events.log.entries import Probe, Stamp, check
from tests.support.hub_desk import RESUMING, Recorder
from tests.support.log_desk import OTHER, START_MS, Process, attached, gaps, recorded
from tests.support.thorough import examples

LITTLE = 10_000
"""What the process holds: some twenty messages."""
LONG = 6 * AHEAD


def cursor_of(number: int) -> str:
    """Return the cursor behind the message with this number."""
    return LogCursors().at(LogCursors.position(number, check(recorded(number).stamp))).decode()


def old(entries: int) -> Process:
    """Return a process that holds little of its log, and can read the rest."""
    process = attached(entries, LITTLE)
    process.hub.archive.opened(process.log)
    return process


def ticks(process: Process, count: int) -> None:
    """Let so many times pass after which an archive gives up what it does."""
    for _ in range(count):
        process.now_s += FOUND_WITHIN_S + 1
        process.hub.tick(process.now_s)
        process.work()


def test_what_is_not_held_is_read_from_the_log() -> None:
    process = old(200)
    for number in (0, 50, 120):
        stream = process.connect(cursor_of(number))
        assert stream.bodies == [*range(number + 1, 200)]
        assert stream.kinds[0] == "ready"
        assert stream.kinds[-1] == "ping"
        assert gaps(stream) == []
    assert process.log.parts == []
    process.write(recorded(200))
    assert stream.bodies[-1] == 200


def test_a_time_is_found_to_the_millisecond_however_clocks_differ() -> None:
    process = old(200)
    stream = process.connect(since_ms=START_MS + 100)
    assert stream.bodies == [*range(100, 200)]
    assert gaps(stream) == []
    for difference_ms in (-90_000, -1, 1, 90_000):
        process.log.times = [START_MS + number + difference_ms for number in range(200)]
        stream = process.connect(since_ms=START_MS + 100)
        ticks(process, 5)
        assert stream.bodies == [*range(100, 200)]


def test_times_that_are_near_are_looked_for_at_once() -> None:
    process = old(200)
    process.hub.archive.closed()
    streams = [process.connect(since_ms=START_MS + number) for number in range(150, 40, -1)]
    gone = streams.pop(50)
    process.hub.leave(gone, 0.0)
    process.hub.archive.opened(process.log)
    process.work()
    firsts = [number for number in range(150, 40, -1) if number != 100]
    assert [stream.bodies[0] for stream in streams] == firsts
    assert gone.kinds == []
    assert process.log.readings < READERS


def test_a_time_before_the_log_is_a_gap_and_then_all_of_it() -> None:
    process = old(200)
    process.log.first = 30
    stream = process.connect(since_ms=START_MS - 5000)
    assert stream.bodies == [*range(30, 200)]
    gap = json.loads(gaps(stream)[0])
    assert (gap["reason"], gap["from"]) == (FORGOTTEN, "1970-01-01T00:16:35.000Z")
    assert gap["to"] == "1970-01-01T00:16:40.030Z"
    assert (
        process.log.readings == 3
    )  # two that begin at the same entry, so it is the first; its own


def test_a_time_is_found_in_the_end_where_the_broker_knows_none() -> None:
    process = old(200)
    process.log.times = [-(10**7)] * 200  # so it is looked for behind the end
    stream = process.connect(since_ms=START_MS + 100)
    assert stream.kinds == []
    ticks(process, 8)
    assert stream.bodies == [*range(100, 200)]
    assert gaps(stream) == []


def test_who_breaks_off_while_a_time_is_looked_for_comes_back_with_it() -> None:
    process = old(200)
    process.hub.archive.closed()
    stream = process.connect(since_ms=START_MS + 100)
    assert stream.kinds == []
    cursor = process.hub.cursor_of(stream).decode()
    process.hub.leave(stream, 0.0)
    process.hub.archive.opened(process.log)
    back = process.connect(cursor)
    assert back.bodies == [*range(100, 200)]
    assert gaps(back) == []


def test_what_retention_has_taken_is_a_gap() -> None:
    process = old(200)
    process.log.first = 50
    stream = process.connect(cursor_of(10))
    assert stream.bodies == [*range(50, 200)]
    assert FORGOTTEN in gaps(stream)[0]
    assert len(gaps(stream)) == 1


@pytest.mark.parametrize("difference", [-2, 2])
def test_a_cursor_that_the_log_does_not_prove_is_a_gap_and_goes_on_live(difference: int) -> None:
    process = old(200)
    position = LogCursors.position(50, check(recorded(50).stamp)) + difference
    stream = process.connect(LogCursors().at(position).decode())
    assert stream.kinds == ["ready", "gap", "ping"]
    assert OF_ANOTHER in gaps(stream)[0]
    process.write(recorded(200))
    assert stream.bodies == [200]


@pytest.fixture(scope="module")
def long() -> Process:
    """A process with a long log, of whose messages few have the key ``rare``."""
    process = attached(0, LITTLE)
    for number in range(LONG):
        process.write(recorded(number, key="k" if number % 500 else "rare"))
    return process


def rare(process: Process, place: int) -> Recorder:
    """Return one more stream, which comes back at a place."""
    return process.connect(cursor_of(place), BindingSet.of([("e", "rare")]))


def is_all_there(stream: Recorder, place: int) -> bool:
    """Tell whether a stream has had all that `rare` is to have."""
    return stream.bodies == [number for number in range(place + 1, LONG) if not number % 500]


@pytest.mark.slow
def test_few_parts_are_read_at_a_time_and_the_rest_wait_in_line(long: Process) -> None:
    far = AHEAD + AHEAD // 5
    places = [1 + far * place for place in range(READERS + 1) for _ in range(2)]
    streams = [rare(long, place) for place in places]
    assert [stream.kinds for stream in streams] == [["ready"]] * len(streams)
    assert len(long.hub.archive) == len(streams)
    long.hub.archive.opened(long.log)
    long.work()
    assert long.log.most_parts == READERS
    assert all(map(is_all_there, streams, places))
    assert long.log.parts == []


@pytest.mark.slow
def test_who_does_not_read_gives_way(long: Process) -> None:
    places = [place * (AHEAD + 1) for place in range(READERS)]
    long.hub.archive.closed()
    stuck = [rare(long, place) for place in places]
    long.hub.archive.opened(long.log)
    while len(long.log.parts) < READERS:
        long.steps[0]()
    for stream in stuck:
        stream.is_blocked = True
    long.work()
    place = LONG - 1000
    other = rare(long, place)
    assert is_all_there(other, place)
    for place, stream in zip(places, stuck, strict=True):
        stream.is_blocked = False
        long.hub.drained(stream)
        long.work()
        assert is_all_there(stream, place)


@pytest.mark.slow
def test_who_comes_at_the_edge_of_what_is_held_of_a_part_misses_nothing(long: Process) -> None:
    long.hub.archive.closed()
    rare(long, 1)
    long.hub.archive.opened(long.log)
    streams: list[Recorder] = []
    places: list[int] = []
    while long.steps:
        step = long.steps.pop(0)
        if step():
            long.steps.append(step)
        for part in long.log.parts:
            part.arrive()
        oldest = [stretch.tail.forgotten.position for stretch in long.hub.archive.stretches]
        if oldest and LogCursors.offset(oldest[0]) > AHEAD and len(streams) < 50:
            places.append(LogCursors.offset(oldest[0]))
            streams.append(Recorder(RESUMING))
            start = Start(cursor_of(places[-1]))
            long.hub.subscribe(streams[-1], BindingSet.of([("e", "rare")]), start)
    assert len(streams) == 50
    assert all(map(is_all_there, streams, places))
    assert not any(map(gaps, streams))


def test_owners_take_turns_in_line() -> None:
    line = Line()
    for number in range(4):
        for owner in ("many", "many", "few") if number < 2 else ("many",):
            stream = Recorder()
            stream.owner = owner
            line.add(stream, number)
    served = []
    while line:
        whose = line.next()
        served.append((whose.owner, line.values[whose]))
        line.discard(whose)
    few = [place for place, (owner, _) in enumerate(served) if owner == "few"]
    assert few == [1, 3]
    assert [value for owner, value in served if owner == "many"] == [0, 0, 1, 1, 2, 3]


class ArchiveMachine(RuleBasedStateMachine):
    """Clients come with any cursor or time, read or not; the log and its reader go on, or not."""

    def __init__(self) -> None:
        super().__init__()
        self.process = old(60)
        self.count = 60
        self.clients: list[tuple[int, Recorder]] = []
        self.forgotten = 0

    @rule(count=st.integers(1, 40))
    def publish(self, count: int) -> None:
        for _ in range(count):
            self.process.write(recorded(self.count))
            self.count += 1

    @rule()
    def somebody_asks_for_the_end(self) -> None:
        self.process.write(Probe(Stamp(OTHER, 0, START_MS + self.count)))

    @rule(back=st.integers(1, 100))
    def connect(self, back: int) -> None:
        at = max(0, self.count - back)
        offsets = [n for n, body in enumerate(self.process.log.bodies) if b"probe" not in body]
        stamp = recorded(at).stamp
        cursor = LogCursors().at(LogCursors.position(offsets[at], check(stamp))).decode()
        self.clients.append((at + 1, self.process.connect(cursor)))

    @rule(back=st.integers(0, 100))
    def connect_since(self, back: int) -> None:
        at = max(0, self.count - back)
        self.clients.append((at, self.process.connect(since_ms=START_MS + at)))

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), is_blocked=st.booleans())
    def somebody_stops_or_goes_on(self, data: st.DataObject, is_blocked: bool) -> None:
        _, stream = data.draw(st.sampled_from(self.clients))
        stream.is_blocked = is_blocked
        if is_blocked:
            self.process.hub.slow(stream, ValueError("slow"), 0.0)  # type: ignore[arg-type]
        else:
            self.process.hub.drained(stream)
        self.process.work()

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def somebody_leaves(self, data: st.DataObject) -> None:
        client = data.draw(st.sampled_from(self.clients))
        self.clients.remove(client)
        self.process.hub.leave(client[1], 0.0)

    @rule(is_there=st.booleans())
    def the_source_comes_or_goes(self, is_there: bool) -> None:
        if is_there:
            self.process.hub.archive.opened(self.process.log)
        else:
            self.process.hub.archive.closed()
        self.process.work()

    @rule(count=st.integers(1, 30))
    def retention(self, count: int) -> None:
        log = self.process.log
        log.first = min(log.last, log.first + count)

    @invariant()
    def each_has_what_follows_or_is_told(self) -> None:
        for first, stream in self.clients:
            bodies = [int(str(body)) for body in stream.bodies]
            assert bodies == sorted(set(bodies))
            holes = len(gaps(stream))
            due = next(iter(bodies), first)
            starts = [due, *(body + 1 for body in bodies)]
            breaks = (due > first) + sum(a < b for a, b in zip(starts, bodies, strict=False))
            assert breaks <= holes

    def teardown(self) -> None:
        self.process.hub.archive.opened(self.process.log)
        for _, stream in self.clients:
            stream.is_blocked = False
            self.process.hub.drained(stream)
        ticks(self.process, 10)
        self.each_has_what_follows_or_is_told()
        for _, stream in self.clients:
            assert stream.reason is None
            assert not stream.bodies or stream.bodies[-1] == self.count - 1
            assert stream.kinds[:1] == ["ready"]
            assert stream.audience is not None
            assert stream in stream.audience.streams, "it never was live again"
        assert self.process.log.parts == []


TestArchiveMachine = ArchiveMachine.TestCase
TestArchiveMachine.settings = settings(
    max_examples=examples(60), stateful_step_count=30, deadline=None
)
