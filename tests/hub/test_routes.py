"""Routes lead from a message's keys to audiences, and from what the broker was asked for too."""

import pytest

from pulse_events.bindings import Binding, BindingSet
from pulse_events.hub.audience import Audience
from pulse_events.hub.routes import Routes
from pulse_events.messages import Message
from pulse_events.topics.index import OddKeys
from tests.support.hub_desk import PLAIN

WIDE = ("e", "#.a.#.b.#.c")
ASKED = Binding("e", "#.a.#.c")
"""What the broker is asked for instead of `WIDE`."""


def added(routes: Routes, *pairs: tuple[str, str]) -> Audience:
    audience = Audience(BindingSet.of(pairs), PLAIN)
    routes.add(audience, "")
    return audience


def test_a_message_is_for_who_asked_for_any_of_its_keys_on_its_exchange() -> None:
    routes = Routes()
    one, other = added(routes, ("e", "a.*")), added(routes, ("e", "b"), ("f", "#"))
    assert routes.match(Message("e", "a.b", b"1", ("b",))) == {one, other}
    assert set(routes.match(Message("f", "a.b", b"1"))) == {other}
    assert not routes.match(Message("e", "c", b"1"))
    assert not routes.match(Message("g", "a.b", b"1"))
    assert set(routes.on("e")) == {one, other}


def test_a_key_that_is_odd_is_told_with_who_gets_the_message_nonetheless() -> None:
    routes = Routes()
    everything = added(routes, ("e", "#"))
    added(routes, ("e", "*"))
    with pytest.raises(OddKeys) as odd:
        routes.match(Message("e", "a", b"1", ("x" * 256,)))
    assert everything in odd.value.found


def test_who_asked_for_less_than_the_broker_is_asked_for_is_an_asker_too() -> None:
    routes = Routes()
    exact, less = added(routes, (ASKED.exchange, ASKED.pattern)), added(routes, WIDE)
    assert less.bindings.asked == (ASKED,)
    assert set(routes.askers(ASKED)) == {exact, less}
    assert routes.is_widened("e")
    routes.remove(less)
    assert set(routes.askers(ASKED)) == {exact}
    assert not routes.is_widened("e")


def test_who_is_removed_leaves_nothing() -> None:
    routes = Routes()
    routes.remove(added(routes, WIDE, ("f", "a")))
    assert not routes.on("e")
    assert not routes.askers(ASKED)
    assert (routes._indexes, routes._widened) == ({}, {})
