"""Sets of bindings that only the broker can match have a hub, thus a queue, of their own."""

from functools import partial
from typing import Any

import pytest

from pulse_events.bindings import Binding, BindingSet
from pulse_events.errors import (
    AddressLimitReached,
    BindingRefused,
    InputError,
    LimitReached,
    StreamEnded,
)
from pulse_events.hub.exact_hub import ExactHub
from pulse_events.hub.hubs import Exact, Hubs
from pulse_events.hub.statistics import Statistics
from pulse_events.messages import Message
from pulse_events.wire.wire import Wire
from tests.support.hub_desk import PACKED, PLAIN, PLAIN_WIRES, Desk, Recorder
from tests.support.simulated_broker import Answer, SimulatedBroker

ENOUGH = StreamEnded("enough")
SET = (("exact/e", "a"), ("plain/e", "b"))


def _confirm(hub: ExactHub, answer: Answer) -> None:
    hub.confirmed(answer.binding)


class Yard:
    """A shared hub and those of sets on exchanges whose names start with ``exact``."""

    def __init__(self, limit: int = 10, **others: Any) -> None:
        self.desk = Desk()
        self.brokers: list[SimulatedBroker] = []
        self.exact: list[ExactHub] = []
        self.closed = 0
        self.hubs = Hubs(
            self.desk.hub, lambda e: e.startswith("exact"), self._open, limit, **others
        )

    def subscribe(self, *pairs: tuple[str, str], wire: Wire = PLAIN, owner: str = "") -> Recorder:
        """Add a stream."""
        stream = Recorder(wire)
        stream.owner = owner
        self.hubs.subscribe(stream, BindingSet.of(pairs))
        return stream

    def settle(self) -> None:
        """Let all brokers bind what they were told to."""
        self.desk.settle()
        for broker, hub in zip(self.brokers, self.exact, strict=True):
            broker.settle(partial(_confirm, hub))

    def _open(self) -> Exact:
        self.brokers.append(SimulatedBroker())
        self.exact.append(ExactHub(self.brokers[-1], self.desk.turn.append))
        return Exact(self.exact[-1], self._close)

    def _close(self) -> None:
        self.closed += 1


def test_a_set_with_one_exact_exchange_has_a_queue_for_all_of_it() -> None:
    yard = Yard()
    shared, exact = yard.subscribe(("plain/e", "b")), yard.subscribe(*SET)
    yard.settle()
    assert (shared.kinds, exact.kinds) == (["ready"], ["ready"])
    assert {b.exchange for b in yard.desk.broker.bound} == {"plain/e"}
    assert {b.exchange for b in yard.brokers[0].bound} == {"plain/e", "exact/e"}


def test_whatever_is_in_its_queue_is_for_all_streams_of_the_set_and_nobody_else() -> None:
    yard = Yard()
    streams = [yard.subscribe(*SET), yard.subscribe(*SET, wire=PACKED)]
    other = yard.subscribe(("exact/e", "a"))
    yard.settle()
    assert len(yard.exact) == 2
    yard.exact[0].publish(Message("some/other", "key.by.bcc", b"1"))
    yard.desk.end_turn()
    assert [stream.bodies for stream in (*streams, other)] == [[1], [1], []]


def test_it_never_binds_all_instead_of_many_patterns() -> None:
    yard = Yard()
    yard.subscribe(*(("exact/e", f"{number}.#") for number in range(1000)))
    yard.settle()
    assert len(yard.brokers[0].bound) == 1000


def test_its_queue_goes_when_nobody_has_come_back_within_the_linger() -> None:
    yard = Yard()
    stream = yard.subscribe(*SET)
    yard.settle()
    yard.exact[0].publish(Message("exact/e", "a", b"1"))
    yard.hubs.leave(stream, 100.0)
    yard.hubs.tick(109.0)
    again = yard.subscribe(*SET)
    yard.hubs.tick(200.0)
    assert (again.kinds, yard.closed) == (["ready"], 0)
    yard.hubs.leave(again, 200.0)
    yard.hubs.tick(211.0)
    assert yard.closed == 1
    yard.subscribe(*SET)
    assert len(yard.exact) == 2


def test_counts_are_those_of_all_hubs_and_are_kept_when_one_goes() -> None:
    yard = Yard()
    shared, exact = yard.subscribe(("plain/e", "a")), yard.subscribe(*SET)
    yard.settle()
    yard.desk.hub.publish(Message("plain/e", "a", b"1"))
    yard.exact[0].publish(Message("exact/e", "a", b"2"))
    yard.desk.end_turn()
    found = yard.hubs.statistics()
    assert (found.clients, found.audiences, found.bindings) == (2, 2, 3)
    assert (found.messages_in, found.messages_out) == (2, 2)
    yard.hubs.slow(exact, ENOUGH, 0.0)
    yard.hubs.tick(50.0)
    found = yard.hubs.statistics()
    assert (found.clients, found.audiences, found.bindings) == (1, 1, 1)
    assert (found.messages_in, found.slow_clients_closed) == (2, 1)
    yard.hubs.end(shared, ENOUGH, 50.0)
    assert (shared.reason, exact.reason) == (ENOUGH, ENOUGH)


def test_what_is_of_now_goes_with_its_queue() -> None:
    yard = Yard()
    yard.subscribe(*SET)
    found = yard.hubs.statistics()
    assert (found.clients, found.bindings, found.bindings_waiting) == (1, 2, 2)
    yard.hubs.close()
    assert yard.hubs.statistics() == Statistics()


def test_there_are_no_more_such_queues_than_allowed() -> None:
    yard = Yard(limit=1)
    yard.subscribe(("exact/e", "a"))
    with pytest.raises(LimitReached, match="which is the limit"):
        yard.subscribe(("exact/e", "b"))
    yard.subscribe(("exact/e", "a"))
    yard.hubs.close()
    assert yard.closed == 1
    yard.subscribe(("exact/e", "b"))


def test_sets_that_match_the_same_share_a_queue() -> None:
    yard = Yard()
    yard.subscribe(("exact/e", "a.#.*"), ("exact/e", "a.#.#.*"))
    yard.subscribe(("exact/e", "a.*.#"))
    assert len(yard.brokers) == 1


def test_where_the_broker_alone_matches_a_pattern_has_few_hashes() -> None:
    yard = Yard()
    with pytest.raises(InputError, match=r"'#\.a\.#\.b\.#' has more than 2 '#'.*'exact/e'"):
        yard.subscribe(("exact/e", "#.a.#.b.#"), ("exact/e", "#"))
    assert yard.brokers == []


def test_a_queue_is_charged_to_who_opened_it_until_it_goes() -> None:
    yard = Yard(owner_exact_limit=lambda owner: {"greedy": 1}.get(owner, 100))
    stream = yard.subscribe(("exact/e", "a"), owner="greedy")
    with pytest.raises(AddressLimitReached, match="greedy has 1 sets of bindings with") as found:
        yard.subscribe(("exact/e", "b"), owner="greedy")
    assert found.value.counted_as == "refused_queues_of_address"
    yard.subscribe(("exact/e", "b"), owner="modest")
    yard.subscribe(("exact/e", "b"), owner="greedy")
    yard.hubs.leave(stream, 0.0)
    with pytest.raises(AddressLimitReached):
        yard.subscribe(("exact/e", "c"), owner="greedy")  # those of the linger count
    yard.hubs.tick(11.0)
    yard.subscribe(("exact/e", "c"), owner="greedy")


def test_sets_that_are_equal_for_the_broker_share_a_queue() -> None:
    yard = Yard()
    for pairs in (SET, SET[::-1], (*SET, SET[0])):
        yard.subscribe(*pairs)
    yard.subscribe(*SET, wire=PLAIN_WIRES[-1])
    assert len(yard.exact) == 1


def test_what_comes_for_a_set_that_was_refused_is_not_unrouted() -> None:
    yard = Yard()
    stream = yard.subscribe(*SET)
    yard.exact[0].refused(Binding("exact/e", "a"), BindingRefused("no exact/e"))
    assert stream.reason
    yard.exact[0].publish(Message("plain/e", "a", b"1"))
    found = yard.hubs.statistics()
    assert (found.messages_in, found.unrouted) == (1, 0)


def test_the_work_of_a_stream_is_what_is_to_be_bound() -> None:
    yard = Yard()
    both, shared = BindingSet.of(SET), BindingSet.of([("plain/e", "b"), ("plain/e", "c")])
    assert (yard.hubs.count_new(both), yard.hubs.count_new(shared)) == (2, 2)
    yard.subscribe(*SET, wire=PLAIN_WIRES[-1])
    assert (yard.hubs.count_new(both), yard.hubs.count_new(shared)) == (0, 2)
    yard.subscribe(("plain/e", "b"))
    assert (yard.hubs.has(both), yard.hubs.has(shared), yard.hubs.count_new(shared)) == (1, 0, 1)
