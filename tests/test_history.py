"""The ring of records against a plain list; its bounds; what it says of what is gone."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_events.cursors import Cursors
from pulse_events.history import (
    FORGOTTEN_AT_ONCE,
    KEY_BYTES,
    RECORD_BYTES,
    Entry,
    History,
    Mark,
    Record,
    Room,
)
from pulse_events.messages import Message
from pulse_events.wire.wire import message_event

ID = b"12345678"
ACTS = st.lists(
    st.tuples(st.sampled_from(["append", "hole", "mark", "forget"]), st.integers(-3, 20)),
    max_size=80,
)


class World:
    """A history whose clock a test sets."""

    def __init__(self, limit_bytes: int = 1 << 20, age_ms: int = 1 << 40) -> None:
        self.now_ms = 1000
        self.room = Room(limit_bytes)
        self.history = History(Cursors(ID), lambda: self.now_ms, self.room, age_ms)

    def append(self, body: bytes = b"{}") -> Entry:
        """Append a message; return the entry as it is held, or was before it had to go."""
        position = self.history.append(Message("e", "k", b"", ("a", "b")), body)
        size_bytes = RECORD_BYTES + len(body) + 1 + 2 * (KEY_BYTES + 1)
        return Record(position, self.history.now_ms(), "e", "k", ("a", "b"), body, size_bytes)

    @property
    def held(self) -> list[Entry]:
        return [*self.history.after(0)]


@given(acts=ACTS, limit=st.sampled_from([10, 1000, 5000]), age_ms=st.sampled_from([1, 15, 1000]))
def test_it_holds_the_newest_entries_in_order(
    acts: list[tuple[str, int]], limit: int, age_ms: int
) -> None:
    world = World(limit, age_ms)
    history, made, marks = world.history, list[Entry](), list[Mark]()
    for act, step in acts:
        world.now_ms += step  # back too
        if act == "append":
            made.append(world.append())
        elif act == "hole":
            made.append(history.hole("e", "x"))
        elif act == "mark":
            marks.append(history.mark())
        else:
            assert not history.forget()
            assert all(e.time_ms >= history.now_ms() - age_ms for e in world.held)
        held = world.held
        assert held == made[len(made) - len(held) :]
        assert len(history) == len(held)
        assert history.records_bytes == world.room.used_bytes == sum(e.size_bytes for e in held)
        assert world.room.used_bytes <= limit
        assert [*history.before(history.last)] == held[::-1]
        gone = [e for e in made if e not in held]
        assert history.forgotten.position == (gone[-1].position if gone else 1)
        assert all(e.time_ms >= history.forgotten.time_ms for e in held)
    places = sorted((m.position, m.time_ms) for m in (*made, *marks))
    assert len({position for position, _ in places}) == len(places)
    assert [time_ms for _, time_ms in places] == sorted(time_ms for _, time_ms in places)
    for entry in world.held:
        rest = world.held[world.held.index(entry) + 1 :]
        assert [*history.after(entry.position)] == rest
        assert history.time_of(entry.position) == entry.time_ms


@given(times=st.lists(st.integers(0, 5), max_size=30), asked=st.integers(-2, 170))
def test_a_time_is_found_to_the_millisecond(times: list[int], asked: int) -> None:
    world = World()
    entries = []
    for step in times:
        world.now_ms += step
        entries.append(world.append())
    position = world.history.position_at(1000 + asked)
    expected = [entry for entry in entries if entry.time_ms >= 1000 + asked]
    assert [*world.history.after(position)] == expected
    assert (position == 0) == (asked < 0)


def test_a_time_before_what_is_forgotten_is_told_from_one_that_is_held() -> None:
    world = World(5 * (RECORD_BYTES + 2 + 1 + 2 * 61) // 2)
    for _ in range(4):
        world.now_ms += 10
        world.append()
    assert world.history.forgotten == (3, 1030)
    assert [world.history.position_at(at) for at in (1029, 1030, 1031, 1041)] == [0, 3, 4, 5]
    assert world.history.time_of(3) is None


def test_a_hole_says_what_came_before_it_and_when() -> None:
    world = World()
    world.now_ms = 1005
    world.append()
    world.now_ms = 1050
    world.history.now_ms()
    hole = world.history.hole("e", "lost")
    assert (hole.position, hole.from_ms, hole.time_ms) == (3, 1005, 1050)


def test_what_is_too_long_for_all_is_gone_at_once() -> None:
    world = World(1000)
    world.append(b"x" * 2000)
    assert (world.held, world.room.used_bytes) == ([], 0)
    assert world.history.forgotten == (2, 1000)


def test_histories_share_a_room_and_the_oldest_entry_of_all_goes_first() -> None:
    one = World(7 * (RECORD_BYTES + 2 + 1 + 2 * 61) // 2)
    other = World()
    other.room = one.room
    other.history = History(Cursors(b"87654321"), lambda: one.now_ms, one.room, 1 << 40)
    for world in (one, other, one, one):
        one.now_ms += 1
        world.append()
    assert (len(one.history), len(other.history)) == (2, 1)
    one.now_ms += 1
    one.append()
    assert (len(one.history), len(other.history)) == (3, 0)
    one.history.close()
    assert one.room.used_bytes == 0
    other.append()
    assert len(other.history) == 1


def test_a_turn_forgets_so_many_and_says_that_there_are_more() -> None:
    world = World(1 << 30, 10)
    for _ in range(FORGOTTEN_AT_ONCE + 5):
        world.append()
    world.now_ms += 11
    assert world.history.forget()
    assert len(world.history) == 5
    world.append()
    assert not world.history.forget()
    assert len(world.history) == 1


@pytest.mark.parametrize("body_bytes", [10, 600, 1500])
def test_what_a_message_takes_in_memory_is_about_what_is_counted(body_bytes: int) -> None:
    world, count = World(), 500
    bodies = [b'"%b"' % (b"x" * body_bytes)] * count
    tracemalloc.start()
    try:
        for number, body in enumerate(bodies):
            message = Message("e", f"k.{number}", body)
            world.history.append(message, message_event(message))
        taken_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(world.history) == count
    assert taken_bytes < world.history.records_bytes < 2 * taken_bytes
