"""The embedded broker's own promises; what it shares with RabbitMQ is in test_broker_contract."""

import asyncio

from pulse_events.bindings import Binding
from pulse_events.brokers.memory import Memory
from pulse_events.hub.ports import Health
from pulse_events.messages import Message
from tests.brokers.listening import Recorder, running

A = Binding("exchange/a", "x.#")
B = Binding("exchange/b", "#")


async def next_turn() -> None:
    await asyncio.sleep(0)


def test_its_name_is_what_the_option_says() -> None:
    assert Memory().name == "memory:"


async def test_it_is_connected_exactly_while_it_runs() -> None:
    broker = Memory()
    stopped = Health(connected=False, reason="the embedded broker does not run")
    assert broker.health == stopped
    async with running(broker, Recorder()):
        await next_turn()
        assert broker.health == Health(connected=True)
    assert broker.health == stopped


async def test_a_binding_is_in_force_at_once_and_answered_in_the_next_turn() -> None:
    broker, recorder = Memory(), Recorder()
    async with running(broker, recorder):
        await next_turn()
        broker.bind(A)
        broker.publish(Message("exchange/a", "x.y", b"{}"))
        assert recorder.messages == [Message("exchange/a", "x.y", b"{}")]
        assert recorder.confirmations == []
        await next_turn()
        assert recorder.confirmations == [A]


async def test_answers_come_in_the_order_of_the_requests() -> None:
    broker, recorder = Memory(), Recorder()
    bindings = [Binding("exchange/a", f"word.{i}") for i in range(50)]
    async with running(broker, recorder):
        await next_turn()
        for binding in bindings:
            broker.bind(binding)
        await next_turn()
        assert recorder.confirmations == bindings


async def test_a_binding_that_came_went_and_came_in_one_turn_is_answered_once() -> None:
    broker, recorder = Memory(), Recorder()
    async with running(broker, recorder):
        await next_turn()
        broker.bind(A)
        broker.unbind(A)
        broker.bind(A)
        await next_turn()
        assert recorder.confirmations == [A]


async def test_unbinding_what_is_not_bound_changes_nothing() -> None:
    broker, recorder = Memory(), Recorder()
    async with running(broker, recorder):
        await next_turn()
        broker.bind(A)
        broker.unbind(B)
        broker.unbind(Binding("exchange/a", "another"))
        broker.publish(Message("exchange/a", "x", b"1"))
        assert len(recorder.messages) == 1


async def test_unbinding_one_pattern_leaves_the_others_of_its_exchange() -> None:
    broker, recorder = Memory(), Recorder()
    async with running(broker, recorder):
        await next_turn()
        broker.bind(A)
        broker.bind(Binding("exchange/a", "y"))
        broker.unbind(A)
        broker.publish(Message("exchange/a", "x", b"{}"))
        broker.publish(Message("exchange/a", "y", b"{}"))
        assert [message.routing_key for message in recorder.messages] == ["y"]


async def test_the_default_exchange_is_refused_and_forgotten() -> None:
    broker, recorder = Memory(), Recorder()
    default = Binding("", "#")
    async with running(broker, recorder):
        await next_turn()
        broker.bind(default)
        broker.publish(Message("", "key", b"{}"))
        await next_turn()
        [(refused, reason)] = recorder.refusals
        assert refused == default
        assert reason.startswith("exchange '': access is refused")
        broker.unbind(default)
    assert recorder.messages == []
    async with running(broker, recorder):
        await next_turn()
    assert len(recorder.refusals) == 1


async def test_the_default_exchange_can_be_unbound_before_it_is_refused() -> None:
    broker, recorder = Memory(), Recorder()
    async with running(broker, recorder):
        await next_turn()
        broker.bind(Binding("", "#"))
        broker.unbind(Binding("", "#"))
        await next_turn()
        assert recorder.refusals == []


async def test_what_is_bound_while_it_stops_is_not_answered() -> None:
    broker, recorder = Memory(), Recorder()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(broker.run(recorder))
        await next_turn()
        task.cancel()
        broker.bind(A)
    assert recorder.confirmations == []


async def test_a_new_run_confirms_all_bindings_anew() -> None:
    broker, first, second = Memory(), Recorder(), Recorder()
    broker.bind(A)
    async with running(broker, first):
        await first.until(lambda: first.confirmations == [A], "the first answer")
    broker.bind(B)
    async with running(broker, second):
        await second.until(lambda: second.confirmations == [A, B], "answers to both")
    assert first.confirmations == [A]


async def test_what_is_published_while_it_does_not_run_is_gone() -> None:
    broker, recorder = Memory(), Recorder()
    broker.bind(A)
    broker.publish(Message("exchange/a", "x", b"early"))
    async with running(broker, recorder):
        await next_turn()
        broker.publish(Message("exchange/a", "x", b"in time"))
    broker.publish(Message("exchange/a", "x", b"late"))
    assert [message.body for message in recorder.messages] == [b"in time"]


async def test_a_failing_listener_costs_that_message_and_who_published_does_not_notice() -> None:
    class Failing(Recorder):
        def publish(self, message: Message) -> None:
            if message.body == b"bad":
                raise RuntimeError(message.routing_key)
            super().publish(message)

    broker, listener = Memory(), Failing()
    async with running(broker, listener):
        await next_turn()
        broker.bind(A)
        for body in (b"1", b"bad", b"2"):
            broker.publish(Message("exchange/a", "x.y", body))
    assert [message.body for message in listener.messages] == [b"1", b"2"]
    [(message, error)] = listener.failures
    assert (message.body, str(error)) == (b"bad", "x.y")


async def test_a_message_with_odd_keys_is_left_to_the_listener_to_match() -> None:
    broker, recorder = Memory(), Recorder()
    async with running(broker, recorder):
        await next_turn()
        broker.bind(A)
        odd = Message("exchange/a", "k", b"{}", ("x." * 60_000,))
        many = Message("exchange/a", "k", b"{}", tuple(f"k.{n}" for n in range(1000)))
        broker.publish(odd)
        broker.publish(many)
        broker.publish(Message("exchange/a", "k", b"{}", ("k", "k.k")))
    assert recorder.messages == [odd, many]


async def test_ten_thousand_bindings_of_one_exchange_still_find_the_right_one() -> None:
    broker, recorder = Memory(), Recorder()
    async with running(broker, recorder):
        await next_turn()
        for i in range(10_000):
            broker.bind(Binding("exchange/a", f"primary.{i}.#"))
        await next_turn()
        broker.publish(Message("exchange/a", "primary.7777.end", b"{}"))
        broker.publish(Message("exchange/a", "primary.10000.end", b"{}"))
        assert len(recorder.confirmations) == 10_000
        assert [message.routing_key for message in recorder.messages] == ["primary.7777.end"]
