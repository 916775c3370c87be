"""Which connection makes room for another, and that the counts are right at any time."""

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pulse_events.web.places import Places


class Visitor:
    """A connection that only knows whether it was closed."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.is_closed = self.has_place = self.is_waiting = False

    def abort(self) -> None:
        self.is_closed = True


def seated(places: Places, *addresses: str) -> list[Visitor]:
    """Add a connection for each address."""
    visitors = [Visitor(address) for address in addresses]
    for visitor in visitors:
        places.take(visitor)
    return visitors


def closed(places: Places, visitors: list[Visitor]) -> list[int]:
    """Make room until there is nothing to close; return which went, in that order."""
    order: list[int] = []
    while places.make_room():
        order += [n for n, v in enumerate(visitors) if v.is_closed and n not in order]
    return order


def test_who_has_waited_longest_of_the_address_with_most_makes_room() -> None:
    places = Places()
    visitors = seated(places, "few", "many", "some", "many", "some", "many")
    assert closed(places, visitors) == [1, 2, 3, 0, 4, 5]
    assert len(places) == 0


def test_who_is_being_answered_stays() -> None:
    places = Places()
    visitors = seated(places, "a", "a", "b")
    places.serve(visitors[0])
    assert sorted(closed(places, visitors)) == [1, 2]
    assert (len(places), places.count("a"), places.count("b")) == (1, 1, 0)


def test_who_was_answered_waits_anew() -> None:
    places = Places()
    visitors = seated(places, "a", "a", "a")
    places.serve(visitors[0])
    places.wait(visitors[0])
    places.wait(visitors[1])
    assert closed(places, visitors) == [2, 0, 1]


def test_who_has_made_room_or_become_a_stream_is_not_counted_again() -> None:
    places = Places()
    visitor, stream = seated(places, "a", "a")
    assert places.make_room()
    places.leave(stream)
    for gone in (visitor, stream):
        places.wait(gone)
        places.serve(gone)
        places.leave(gone)
    assert (len(places), places.count("a")) == (0, 0)
    assert not places.make_room()


class PlacesMachine(RuleBasedStateMachine):
    """Connections come, wait, are answered and go, beside the plainest way to keep count."""

    def __init__(self) -> None:
        super().__init__()
        self.places = Places()
        self.waiting: dict[Visitor, int] = {}  # since when
        self.served: dict[Visitor, None] = {}
        self.now = 0

    @rule(address=st.sampled_from("abcd"))
    def come(self, address: str) -> None:
        (visitor,) = seated(self.places, address)
        self.waiting[visitor] = self._tick()

    @precondition(lambda self: self.waiting or self.served)
    @rule(draw=st.data(), what=st.sampled_from(["wait", "serve", "leave"]))
    def change(self, draw: st.DataObject, what: str) -> None:
        everybody = [*self.waiting, *self.served]
        visitor = draw.draw(st.sampled_from(everybody))
        getattr(self.places, what)(visitor)
        self.waiting.pop(visitor, None)
        self.served.pop(visitor, None)
        if what == "wait":
            self.waiting[visitor] = self._tick()
        elif what == "serve":
            self.served[visitor] = None

    @rule()
    def make_room(self) -> None:
        assert self.places.make_room() == bool(self.waiting)
        gone = [visitor for visitor in self.waiting if visitor.is_closed]
        if self.waiting:
            (victim,) = gone
            each = Counter(visitor.address for visitor in self.waiting)
            assert each[victim.address] == max(each.values())
            same = [v for v in self.waiting if v.address == victim.address]
            assert victim == min(same, key=self.waiting.__getitem__)
            del self.waiting[victim]

    @invariant()
    def the_counts_are_right(self) -> None:
        assert len(self.places) == len(self.waiting) + len(self.served)
        each = Counter(visitor.address for visitor in [*self.waiting, *self.served])
        assert {address: self.places.count(address) for address in "abcd" if each[address]} == each
        assert self.places._of_address == each
        assert sum(map(len, self.places._levels)) == len(self.places._waiting) <= len(each)
        assert len(self.places._levels) <= 1 + len(self.waiting)
        assert not any(visitor.is_closed for visitor in [*self.waiting, *self.served])

    def _tick(self) -> int:
        self.now += 1
        return self.now


test_places = PlacesMachine.TestCase
