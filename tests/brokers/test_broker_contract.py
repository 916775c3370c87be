"""One suite for every broker: what the hub relies on, whichever broker it has."""

import asyncio
import uuid
from collections.abc import Iterator

import pytest

from pulse_events.bindings import Binding
from pulse_events.hub.ports import Health
from pulse_events.messages import Message
from tests.brokers.places import MemoryPlace, Place, RabbitPlace, linked
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit

MIB = 2**20


class Contract:
    """Every test runs against every broker; a subclass says which."""

    async def test_it_is_connected_as_soon_as_it_answers(self, place: Place) -> None:
        assert place.broker.health != Health(connected=True)
        async with linked(place):
            assert place.broker.health == Health(connected=True)

    async def test_what_is_bound_before_it_runs_is_confirmed_when_it_runs(
        self, place: Place
    ) -> None:
        early = Binding(place.exchange(), "#")
        place.broker.bind(early)
        async with linked(place) as link:
            await link.recorder.until(lambda: early in link.recorder.confirmations, "an answer")
            message = Message(early.exchange, "key", b"{}")
            assert await link.delivered(message) == [message]

    async def test_a_message_published_after_the_confirmation_is_delivered_whole(
        self, place: Place
    ) -> None:
        async with linked(place) as link:
            exchange = place.exchange()
            await link.bind(Binding(exchange, "primary.*.#"))
            message = Message(exchange, "primary.é.ü", b'{"a": 1}', ("one", "route.two"))
            assert await link.delivered(message) == [message]

    async def test_a_message_arrives_once_however_many_bindings_match(self, place: Place) -> None:
        async with linked(place) as link:
            exchange = place.exchange()
            patterns = ("#", "a.*", "*.b", "a.b", "a.#", "cc.key")
            await link.bind(*(Binding(exchange, pattern) for pattern in patterns))
            message = Message(exchange, "a.b", b"{}", ("cc.key", "a.c"))
            assert await link.delivered(message) == [message]

    async def test_each_cc_key_counts_like_the_routing_key(self, place: Place) -> None:
        async with linked(place) as link:
            exchange = place.exchange()
            await link.bind(Binding(exchange, "route.index.#"))
            matching = Message(exchange, "primary", b"1", ("other", "route.index.gecko"))
            missing = Message(exchange, "primary", b"2", ("other", "route.checks"))
            assert await link.delivered(matching, missing) == [matching]

    async def test_an_unbound_pattern_delivers_no_more_and_its_neighbour_goes_on(
        self, place: Place
    ) -> None:
        async with linked(place) as link:
            exchange = place.exchange()
            await link.bind(Binding(exchange, "old.#"), Binding(exchange, "new.#"))
            old, new = Message(exchange, "old.1", b"{}"), Message(exchange, "new.1", b"{}")
            assert await link.delivered(old, new) == [old, new]
            place.broker.unbind(Binding(exchange, "old.#"))
            async with asyncio.timeout(10):  # unbinding is not answered
                while await link.delivered(old):
                    pass
            assert await link.delivered(old, new, old) == [new]

    async def test_what_was_unbound_can_be_bound_again(self, place: Place) -> None:
        async with linked(place) as link:
            binding = Binding(place.exchange(), "#")
            message = Message(binding.exchange, "key", b"{}")
            for _ in range(3):
                await link.bind(binding)
                assert await link.delivered(message) == [message]
                place.broker.unbind(binding)

    async def test_a_binding_that_goes_before_it_is_answered_is_not_confirmed(
        self, place: Place
    ) -> None:
        async with linked(place) as link:
            short, stays = Binding(place.exchange(), "#"), Binding(place.exchange(), "#")
            place.broker.bind(short)
            place.broker.unbind(short)
            await link.bind(stays)
            assert short not in link.recorder.confirmations
            assert await link.delivered(Message(short.exchange, "key", b"{}")) == []

    async def test_binding_twice_is_confirmed_again_and_delivers_once(self, place: Place) -> None:
        async with linked(place) as link:
            binding = Binding(place.exchange(), "#")
            message = Message(binding.exchange, "key", b"{}")
            await link.bind(binding)
            await link.bind(binding)
            assert await link.delivered(message) == [message]

    async def test_exchanges_are_apart_though_their_patterns_are_equal(self, place: Place) -> None:
        async with linked(place) as link:
            here, there = place.exchange(), place.exchange()
            await link.bind(Binding(here, "same.key"))
            messages = [Message(here, "same.key", b"1"), Message(there, "same.key", b"2")]
            assert await link.delivered(*messages) == messages[:1]
            await link.bind(Binding(there, "same.key"))
            assert await link.delivered(*messages) == messages

    @pytest.mark.parametrize(
        ("pattern", "matching", "missing"),
        [
            ("#", ["", ".", "a", "a.b.c"], []),
            ("*", ["a", "é"], ["", ".", "a.b"]),
            ("", [""], ["a", "."]),
            ("a.#.b", ["a.b", "a.x.b", "a.b.b", "a..b"], ["a", "b", "a.b.c"]),
            ("a*", ["a*"], ["ab", "a"]),
            ("*.*", [".", "a.b"], ["a", "a.b.c"]),
            ("#.*", ["a", "a.b"], [""]),
            ("a.#", ["a", "a.", "a.b.c"], ["", "b.a", "aa"]),
            ("#.b.#", ["b", "a.b.c", "a.b"], ["a", ""]),
        ],
    )
    async def test_patterns_match_as_amqp_topics_do(
        self, place: Place, pattern: str, matching: list[str], missing: list[str]
    ) -> None:
        async with linked(place) as link:
            exchange = place.exchange()
            await link.bind(Binding(exchange, pattern))
            messages = [Message(exchange, key, b"{}") for key in (*matching, *missing)]
            arrived = await link.delivered(*messages)
            assert [message.routing_key for message in arrived] == matching

    async def test_names_may_be_as_long_as_amqp_allows(self, place: Place) -> None:
        async with linked(place) as link:
            key = "é" * 127 + "x"
            assert len(key.encode()) == 255
            exchange = place.exchange()
            await link.bind(Binding(exchange, key))
            message = Message(exchange, key, b"{}", (key,))
            assert await link.delivered(message) == [message]

    async def test_bodies_of_any_bytes_and_of_one_mebibyte_arrive_as_they_are(
        self, place: Place
    ) -> None:
        async with linked(place) as link:
            exchange = place.exchange()
            await link.bind(Binding(exchange, "#"))
            bodies = [b"", bytes(range(256)), b'"' + b"x" * (MIB - 2) + b'"']
            arrived = await link.delivered(*(Message(exchange, "key", body) for body in bodies))
            assert [message.body for message in arrived] == bodies

    async def test_a_thousand_messages_keep_their_order(self, place: Place) -> None:
        async with linked(place) as link:
            exchange = place.exchange()
            await link.bind(Binding(exchange, "even.#"), Binding(exchange, "odd.#"))
            pairs = [(f"{('even', 'odd')[i % 2]}.{i}", b"%d" % i) for i in range(1000)]
            place.publish_many(exchange, pairs)
            arrived = await link.delivered()
            assert [(message.routing_key, message.body) for message in arrived] == pairs

    async def test_five_hundred_bindings_asked_for_at_once_are_all_confirmed(
        self, place: Place
    ) -> None:
        async with linked(place) as link:
            exchange = place.exchange()
            await link.bind(*(Binding(exchange, f"task.{i}.#") for i in range(500)))
            messages = [Message(exchange, f"task.{i}.end", b"{}") for i in (0, 250, 499, 500)]
            assert await link.delivered(*messages) == messages[:3]

    async def test_the_default_exchange_is_refused_each_time_and_nobody_else_notices(
        self, place: Place
    ) -> None:
        async with linked(place) as link:
            good = Binding(place.exchange(), "#")
            await link.bind(good)
            for _ in range(2):
                reason = await link.refusal(Binding("", "#"))
                assert reason.startswith("exchange '': access is refused")
            message = Message(good.exchange, "key", b"{}")
            assert await link.delivered(message) == [message]
            assert link.recorder.losses == 0

    async def test_stopping_takes_a_bounded_time(self, place: Place) -> None:
        async with asyncio.timeout(10):
            async with linked(place) as link:
                await link.bind(Binding(place.exchange(), "#"))


class TestMemory(Contract):
    @pytest.fixture
    def place(self) -> Place:
        return MemoryPlace()


class TestRabbitMQ(Contract):
    @pytest.fixture
    def place(self, rabbit: Rabbit, amqp: Amqp) -> Iterator[Place]:
        place = RabbitPlace(rabbit.amqp_url, amqp)
        yield place
        place.clean()

    async def test_a_missing_exchange_is_refused_by_name_and_nobody_else_notices(
        self, place: Place
    ) -> None:
        async with linked(place) as link:
            before, after = Binding(place.exchange(), "#"), Binding(place.exchange(), "#")
            missing = Binding("exchange/test/nowhere", "#")
            for binding in (before, missing, after):
                place.broker.bind(binding)
            await link.recorder.until(
                lambda: {before, after} <= set(link.recorder.confirmations), "both good bindings"
            )
            await link.recorder.until(lambda: link.recorder.refusals, "the refusal")
            [(refused, reason)] = link.recorder.refusals
            assert refused == missing
            assert reason.startswith("exchange 'exchange/test/nowhere': it does not exist")
            messages = [Message(b.exchange, "key", b"{}") for b in (before, after)]
            assert await link.delivered(*messages) == messages
            assert link.recorder.losses == 0

    async def test_a_missing_exchange_with_the_longest_name_is_refused_and_nobody_else_notices(
        self, place: Place, rabbit: Rabbit
    ) -> None:
        # RabbitMQ 4 means to cut the name in its answer, and fails at that.
        why = "it does not exist (" if rabbit.major < 4 else "it cannot be bound"
        async with linked(place) as link:
            reason = await link.refusal(Binding("é" * 127, "è" * 127))
            assert reason.startswith("exchange 'ééé")
            assert f"': {why}" in reason
            assert link.recorder.losses == 0

    async def test_a_missing_exchange_can_be_bound_soon_after_it_exists(
        self, place: Place, amqp: Amqp
    ) -> None:
        async with linked(place) as link:
            binding = Binding(f"exchange/test/{uuid.uuid4().hex}", "#")
            await link.refusal(binding)
            amqp.declare_exchange(binding.exchange)
            await link.bind_at_last(binding)
            message = Message(binding.exchange, "key", b"{}")
            assert await link.delivered(message) == [message]
            amqp.delete_exchange(binding.exchange)
