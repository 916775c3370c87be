"""The hub on the embedded broker as a state machine: what is due comes, or its loss is told."""

import asyncio
from contextlib import suppress

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pulse_events.brokers.memory import Memory
from pulse_events.errors import MessagesMissed, StreamEnded
from pulse_events.hub.hub import Hub
from pulse_events.messages import Message
from pulse_events.wire.wire import Wire
from tests.hub.test_hub_states import EXCHANGES, KEYS, PAIRS, Client
from tests.support.hub_desk import PLAIN_WIRES, Recorder
from tests.support.thorough import examples


class MemoryMachine(RuleBasedStateMachine):
    """Connects, leaves, messages, slow readers, and a broker that ends and comes back."""

    @initialize(threshold=st.integers(1, 3))
    def start(self, threshold: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.broker = Memory()
        self.hub = Hub(self.broker, self.loop.call_soon, threshold=threshold)
        self.running: asyncio.Task[None] | None = None
        self.now_s = 0.0
        self.clients: list[Client] = []
        self.messages: list[Message] = []
        self.come_back()

    @rule(pairs=st.sets(PAIRS, min_size=1, max_size=3), wire=st.sampled_from(PLAIN_WIRES))
    def connect(self, pairs: set[tuple[str, str]], wire: Wire) -> None:
        client = Client(frozenset(pairs), Recorder(wire))
        self.clients.append(client)
        self.hub.subscribe(client.stream, client.bindings)

    @precondition(lambda self: self.clients)
    @rule(draw=st.data(), slow=st.booleans())
    def leave(self, draw: st.DataObject, slow: bool) -> None:
        client = draw.draw(st.sampled_from(self.clients))
        if slow:
            self.hub.slow(client.stream, StreamEnded("slow"), self.now_s)
        else:
            self.hub.leave(client.stream, self.now_s)
        self.clients.remove(client)

    @rule(exchange=EXCHANGES, key=KEYS, cc=st.lists(KEYS, max_size=2))
    def publish(self, exchange: str, key: str, cc: list[str]) -> None:
        number = len(self.messages)
        message = Message(exchange, key, b"%d" % number, tuple(cc))
        self.messages.append(message)
        for client in self.clients:
            if "ready" in client.stream.kinds and client.asked_for(message):
                client.owed.add(number)
        self.broker.publish(message)

    @precondition(lambda self: self.running)
    @rule()
    def end(self) -> None:
        assert self.running is not None
        self.running.cancel()
        with suppress(asyncio.CancelledError):
            self.loop.run_until_complete(self.running)
        self.running = None
        self.hub.lost()

    @precondition(lambda self: not self.running)
    @rule()
    def come_back(self) -> None:
        """Start the broker; it has kept nothing, so that is told."""
        if self.messages:
            self.hub.missed(MessagesMissed("it was away"))
        self.running = self.loop.create_task(self.broker.run(self.hub))
        self.turn()

    @rule()
    def turn(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0))

    @precondition(lambda self: self.running)
    @rule()
    def settle(self) -> None:
        for _ in range(5):
            self.turn()
        for client in self.clients:
            assert client.stream.kinds[:1] == ["ready"] or client.stream.reason

    @rule(seconds=st.integers(0, 15))
    def tick(self, seconds: int) -> None:
        self.now_s += seconds
        self.hub.tick(self.now_s)

    @invariant()
    def nobody_gets_a_message_twice_or_one_unasked(self) -> None:
        for client in self.clients:
            received = client.stream.bodies
            assert len(set(received)) == len(received)
            assert all(client.asked_for(self.messages[int(str(number))]) for number in received)

    @invariant()
    def nobody_misses_a_message_untold(self) -> None:
        if self.running:
            self.turn()
            for client in self.clients:
                assert client.stream.reason or client.owed <= set(client.stream.bodies)

    def teardown(self) -> None:
        if not hasattr(self, "hub"):
            return
        for client in self.clients:
            self.hub.leave(client.stream, self.now_s)
        self.hub.tick(self.now_s)
        while self.hub.tick(self.now_s + 10.0):
            pass
        assert self.hub.statistics()[:3] == (0, 0, 0)
        assert not self.broker._bound
        if self.running:
            self.end()
        self.loop.close()


TestMemoryMachine = MemoryMachine.TestCase
TestMemoryMachine.settings = settings(
    max_examples=examples(100), stateful_step_count=40, deadline=None
)
