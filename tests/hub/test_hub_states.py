"""The hub as a state machine: whatever happens in whatever order, nobody misses what is due."""

from collections import deque
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pulse_events.bindings import BindingSet
from pulse_events.errors import MessagesMissed, StreamEnded
from pulse_events.messages import Message
from pulse_events.wire.wire import Wire
from tests.support.hub_desk import PLAIN_WIRES, Desk, Recorder
from tests.support.thorough import examples
from tests.support.topic_reference import reference_match_any

ENOUGH = StreamEnded("enough")
KEYS = st.sampled_from(["", "a", "b", "a.b", "b.a", "a.b.c", "*", "a..b"])
PATTERNS = ["", "a", "a.b", "*", "#", "a.*", "*.b", "a.#", "#.b", "b.#", "a.*.#"]
PATTERNS += ["#.*", "#.a.#.b.#", "#.a.#.c.#", "#.a.#", "#.#.b.#.#.c.*.#"]
EXCHANGES = st.sampled_from(["e", "f"])
PAIRS = st.tuples(EXCHANGES, st.sampled_from(PATTERNS))


@dataclass(eq=False)
class Client:
    """A recording stream, what it asked for, and which messages it must get."""

    pairs: frozenset[tuple[str, str]]
    stream: Recorder
    owed: set[int] = field(default_factory=set)
    due: set[int] = field(default_factory=set)
    """Those of the owed that the hub was given before it ended the stream."""
    is_ready: bool = False

    def asked_for(self, message: Message) -> bool:
        """Tell by the reference whether any binding matches."""
        keys = (message.routing_key, *message.cc)
        return any(
            exchange == message.exchange and reference_match_any(pattern, keys)
            for exchange, pattern in self.pairs
        )

    @property
    def bindings(self) -> BindingSet:
        """What it asked for, as the hub is told."""
        return BindingSet.of(self.pairs)


class HubMachine(RuleBasedStateMachine):
    """Clients, messages, the broker's answers and losses, loop turns, time: in any order."""

    @initialize(threshold=st.integers(1, 3))
    def start(self, threshold: int) -> None:
        self.desk = Desk(threshold)
        self.hub, self.broker = self.desk.hub, self.desk.broker
        self.now_s = 0.0
        self.clients: list[Client] = []
        self.messages: list[Message] = []
        self.queue: deque[int] = deque()
        self.delivered = 0
        self.torn: set[str] = set()

    @rule(
        pairs=st.sets(PAIRS, min_size=1, max_size=3),
        wires=st.lists(st.sampled_from(PLAIN_WIRES), min_size=1, max_size=2),
        owner=st.sampled_from(["one", "other"]),
    )
    def subscribe(self, pairs: set[tuple[str, str]], wires: list[Wire], owner: str) -> None:
        for wire in wires:
            client = Client(frozenset(pairs), Recorder(wire))
            client.stream.owner = owner
            self.clients.append(client)
            self.hub.subscribe(client.stream, client.bindings)

    @precondition(lambda self: self.clients)
    @rule(draw=st.data(), slow=st.booleans())
    def leave(self, draw: st.DataObject, slow: bool) -> None:
        client = draw.draw(st.sampled_from(self.clients))
        if slow:
            self.hub.slow(client.stream, ENOUGH, self.now_s)
        else:
            self.hub.leave(client.stream, self.now_s)
        self.clients.remove(client)

    @rule(exchange=EXCHANGES, key=KEYS, cc=st.lists(KEYS, max_size=2))
    def publish(self, exchange: str, key: str, cc: list[str]) -> None:
        number = len(self.messages)
        message = Message(exchange, key, b"%d" % number, tuple(cc))
        self.messages.append(message)
        for client in self.clients:
            if client.is_ready and exchange not in self.torn and client.asked_for(message):
                client.owed.add(number)
        if self.broker.delivers(exchange, key, *cc):
            self.queue.append(number)

    @precondition(lambda self: self.broker.connected)
    @rule(count=st.integers(1, 4))
    def deliver(self, count: int) -> None:
        for _ in range(min(count, len(self.queue))):
            number = self.queue.popleft()
            self.delivered += 1
            for client in self._live():
                client.due.update({number}.intersection(client.owed))
            self.hub.publish(self.messages[number])

    @precondition(lambda self: self.broker.connected)
    @rule(exchange=EXCHANGES, key=KEYS)
    def deliver_what_cannot_be_read(self, exchange: str, key: str) -> None:
        self.deliver(len(self.queue))
        message = Message(exchange, key, b"%d" % len(self.messages), malformed="its keys break off")
        self.messages.append(message)
        self.delivered += 1
        ready = [client for client in self._live() if "ready" in client.stream.kinds]
        there = [c for c in ready if any(b.exchange == exchange for b in c.bindings.bindings)]
        self.hub.publish(message)
        while self.desk.end_turn():
            pass  # so many are told in each turn
        told = [client for client in ready if client.stream.reason]
        assert told == ([] if any(client.asked_for(message) for client in there) else there)

    @rule()
    def turn_ends(self) -> None:
        self.desk.end_turn()

    @rule(times=st.integers(1, 4))
    def broker_works(self, times: int) -> None:
        for _ in range(times):
            self.broker.carry_out()

    @rule(times=st.integers(1, 4))
    def broker_answers(self, times: int) -> None:
        for _ in range(times):
            answer = self.broker.answer()
            if answer is not None:
                self.desk.take(answer)

    @precondition(lambda self: self.broker.connected)
    @rule()
    def all_settles(self) -> None:
        self.desk.settle()
        self.torn.clear()
        self.deliver(len(self.queue))
        self.desk.end_turn()
        for client in self._live():
            assert client.stream.kinds[:1] == ["ready"]
            assert client.owed <= set(self._received(client))

    @rule()
    def lose(self) -> None:
        self.broker.lose()
        self.hub.lost()

    @rule()
    def lose_the_queue(self) -> None:
        self.broker.lose(queue_kept=False)
        self.queue.clear()
        self.hub.lost()
        self.hub.missed(MessagesMissed("the queue is gone"))
        assert not [client for client in self._live() if client.is_ready]

    @precondition(lambda self: not self.broker.connected)
    @rule()
    def reconnect(self) -> None:
        self.broker.reconnect()

    @precondition(lambda self: not self.broker.connected)
    @rule(exchange=EXCHANGES)
    def delete_or_make_exchange(self, exchange: str) -> None:
        self.broker.gone ^= {exchange}
        self.torn.add(exchange)  # its messages reach nobody until all is bound again
        self.broker.bound -= {b for b in self.broker.bound if b.exchange == exchange}

    @rule(seconds=st.integers(0, 15))
    def tick(self, seconds: int) -> None:
        self.now_s += seconds
        self.hub.tick(self.now_s)

    @invariant()
    def ready_comes_once_and_first_and_when_all_is_in_force(self) -> None:
        for client in self.clients:
            if client.stream.kinds and not client.is_ready:
                client.is_ready = True
                assert all(map(self.broker.covers, client.bindings.asked))
            assert client.stream.kinds.count("ready") <= 1
            assert client.stream.kinds[:1] in ([], ["ready"])

    @invariant()
    def nobody_gets_a_message_twice_out_of_order_or_unasked(self) -> None:
        for client in self.clients:
            received = self._received(client)
            assert received == sorted(set(received))
            assert all(client.asked_for(self.messages[number]) for number in received)

    @invariant()
    def who_is_ended_has_had_all_that_was_delivered(self) -> None:
        for client in self.clients:
            if client.stream.reason is not None:
                assert client.due <= set(self._received(client))

    @invariant()
    def each_audience_keeps_its_order(self) -> None:
        for client in self._live():
            audience = client.stream.audience
            assert audience is not None
            assert (client.stream in audience.streams) != (client.stream in audience.waiting)
        for audience in self.hub._audiences:
            assert audience.streams or not audience.pending
            assert audience.missing or not audience.waiting
            awaited = {
                b for b, waiting in self.hub._audiences._awaited.items() if audience in waiting
            }
            assert audience.missing == awaited

    @invariant()
    def the_counts_are_right(self) -> None:
        found = self.hub.statistics()
        assert found.clients == len(self._live())
        assert found.bindings == len(self.broker.wanted)
        assert found.messages_in == self.delivered

    def teardown(self) -> None:
        if not hasattr(self, "desk"):
            return
        for client in self.clients:
            self.hub.leave(client.stream, self.now_s)
        self.hub.tick(self.now_s)
        while self.hub.tick(self.now_s + 10.0):
            pass
        assert self.hub.statistics()[:3] == (0, 0, 0)
        self.broker.reconnect()
        self.desk.settle()
        assert not self.broker.bound

    def _live(self) -> list[Client]:
        return [client for client in self.clients if client.stream.reason is None]

    def _received(self, client: Client) -> list[int]:
        return [number for number in client.stream.bodies if isinstance(number, int)]


TestHubMachine = HubMachine.TestCase
TestHubMachine.settings = settings(
    max_examples=examples(150), stateful_step_count=50, deadline=None
)
