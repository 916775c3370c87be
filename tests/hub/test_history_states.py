"""Streams that can be resumed as a state machine: nothing is lost in silence, nothing comes twice.

Time goes on with each thing that happens.  Whatever a client has been told, its cursor says where
it is: what is due after that comes, in order and once, or lies within exactly one gap.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pulse_events.bindings import BindingSet
from pulse_events.errors import MessagesMissed, StreamEnded
from pulse_events.hub.replay import Start
from pulse_events.messages import Message
from pulse_events.wire.sse import Event
from pulse_events.wire.wire import WIRES, Wire
from tests.hub.test_hub_states import EXCHANGES, KEYS, PAIRS
from tests.support.hub_desk import HistoryDesk, Recorder
from tests.support.thorough import examples
from tests.support.topic_reference import reference_match_any

SLOW = StreamEnded("slow")
FORGED = st.sampled_from(["-", "x", "1m", "1mAAAAAAAAAAA5", "1mMTIzNDU2Nzgffffff", "é\r"])


@dataclass
class Said:
    """A message that was published, and when."""

    number: int
    message: Message
    time_ms: int


@dataclass(eq=False)
class Client:
    """A recording stream and what it may expect."""

    pairs: frozenset[tuple[str, str]]
    stream: Recorder
    came_ms: int
    wanted_ms: int | None
    """From when on messages are due; ``None`` for those after its ``ready``."""
    asked: str = ""
    had: set[int] = field(default_factory=set)
    """What those before it, whose cursor it came with, have had."""
    undue: set[int] = field(default_factory=set)
    """What came before the ``ready`` of the first of them, or may be missing as they were told: it
    may come nonetheless."""
    is_ready: bool = False

    @property
    def bindings(self) -> BindingSet:
        return BindingSet.of(self.pairs)

    def matches(self, message: Message) -> bool:
        keys = (message.routing_key, *message.cc)
        return any(
            exchange == message.exchange and reference_match_any(pattern, keys)
            for exchange, pattern in self.pairs
        )


class HistoryMachine(RuleBasedStateMachine):
    """Clients that come, read, stall, drop and come back; messages; losses; forgetting."""

    @initialize(
        history_bytes=st.sampled_from([600, 3000, 100_000]),
        kept_bindings=st.sampled_from([1, 1000]),
        record=st.sets(PAIRS, max_size=1),
    )
    def start(self, history_bytes: int, kept_bindings: int, record: set[tuple[str, str]]) -> None:
        self.desk = HistoryDesk(history_bytes, 60, kept_bindings, threshold=2)
        self.hub, self.broker = self.desk.hub, self.desk.broker
        self.said: list[Said] = []
        self.queue: deque[Said] = deque()
        self.clients: list[Client] = []
        self.seen: list[tuple[Client, str]] = []
        for pair in record:
            self.hub.record(BindingSet.of([pair]).bindings[0])

    def pass_time(self) -> int:
        self.desk.now_ms += 1
        return self.desk.now_ms

    @rule(
        pairs=st.sets(PAIRS, min_size=1, max_size=3),
        wire=st.sampled_from(WIRES),
        back_ms=st.none() | st.integers(0, 100),
        last=st.sampled_from([0, 0, 1, 3]),
        forged=st.none() | FORGED,
    )
    def connect(
        self,
        pairs: set[tuple[str, str]],
        wire: Wire,
        back_ms: int | None,
        last: int,
        forged: str | None,
    ) -> None:
        now_ms = self.pass_time()
        since_ms = None if back_ms is None else now_ms - back_ms
        is_since = since_ms is not None and not forged and wire.resumes
        client = Client(
            frozenset(pairs), Recorder(wire), now_ms, since_ms if is_since else None, forged or ""
        )
        start = Start(forged or "", since_ms, 0 if since_ms else last)
        self._subscribe(client, start)

    @precondition(lambda self: self.seen)
    @rule(draw=st.data(), wire=st.sampled_from([wire for wire in WIRES if wire.resumes]))
    def come_back(self, draw: st.DataObject, wire: Wire) -> None:
        before, cursor = draw.draw(st.sampled_from(self.seen))
        now_ms = self.pass_time()
        client = Client(before.pairs, Recorder(wire), now_ms, 0, cursor)
        client.had, told = self._had_up_to(before, cursor)
        client.undue = before.undue | told
        self._subscribe(client, Start(cursor))

    def _had_up_to(self, client: Client, cursor: str) -> tuple[set[int], set[int]]:
        """Return what a client has had, and what it was told of, when it saw ``cursor``."""
        places = [n for n, e in enumerate(client.stream.events, 1) if e.event_id == cursor]
        events = client.stream.events[: max(places, default=0)]
        return client.had | _numbers(events), self._told(client, events)

    def _subscribe(self, client: Client, start: Start) -> None:
        self.clients.append(client)
        self.hub.subscribe(client.stream, client.bindings, start)

    @precondition(lambda self: self.clients)
    @rule(draw=st.data())
    def drop(self, draw: st.DataObject) -> None:
        client = draw.draw(st.sampled_from(self.clients))
        self.pass_time()
        self.hub.leave(client.stream, self.desk.now_ms / 1000)
        self.clients.remove(client)

    @precondition(lambda self: self.clients)
    @rule(draw=st.data())
    def stall(self, draw: st.DataObject) -> None:
        stream = draw.draw(st.sampled_from(self.clients)).stream
        stream.is_blocked = True
        self.hub.slow(stream, SLOW, self.desk.now_ms / 1000)

    @rule()
    def drain(self) -> None:
        for client in self.clients:
            if client.stream.is_blocked:
                client.stream.is_blocked = False
                self.hub.drained(client.stream)

    @rule(times=st.integers(1, 3))
    def replay(self, times: int) -> None:
        self.desk.work(times)

    @rule(exchange=EXCHANGES, key=KEYS, cc=st.lists(KEYS, max_size=2))
    def publish(self, exchange: str, key: str, cc: list[str]) -> None:
        said = Said(
            len(self.said),
            Message(exchange, key, b"%d" % len(self.said), tuple(cc)),
            self.pass_time(),
        )
        self.said.append(said)
        if self.broker.delivers(exchange, key, *cc):
            self.queue.append(said)

    @precondition(lambda self: self.broker.connected)
    @rule()
    def deliver(self) -> None:
        while self.queue:
            self.pass_time()
            self.hub.publish(self.queue.popleft().message)

    @rule()
    def turn_ends(self) -> None:
        self.desk.end_turn()

    @rule(times=st.integers(1, 4))
    def broker_works(self, times: int) -> None:
        for _ in range(times):
            self.broker.carry_out()
            self.pass_time()
            answer = self.broker.answer()
            if answer is not None:
                self.desk.take(answer)

    @rule()
    def lose(self) -> None:
        self.pass_time()
        self.broker.lose()
        self.hub.lost()

    @rule()
    def lose_the_queue(self) -> None:
        self.pass_time()
        self.broker.lose(queue_kept=False)
        self.queue.clear()
        self.hub.lost()
        self.hub.missed(MessagesMissed("the queue is gone"))

    @precondition(lambda self: self.broker.connected)
    @rule()
    def lose_what_is_queued(self) -> None:
        self.pass_time()
        self.queue.clear()
        self.hub.missed(MessagesMissed("the queue was full"))

    @precondition(lambda self: not self.broker.connected)
    @rule()
    def reconnect(self) -> None:
        self.pass_time()
        self.broker.reconnect()

    @rule(ms=st.integers(0, 80))
    def tick(self, ms: int) -> None:
        self.desk.now_ms += ms
        self.hub.tick(self.desk.now_ms / 1000)

    @precondition(lambda self: self.broker.connected)
    @rule()
    def all_settles(self) -> None:
        self.pass_time()
        self.desk.settle()
        self.deliver()
        self.desk.end_turn()
        self.drain()
        self.desk.work()
        for client in self._live():
            assert client.stream.audience is not None
            assert client.stream in client.stream.audience.streams
            self._note_seen(client)
            if client.stream.wire.resumes:
                self._check_all(client)

    @invariant()
    def what_came_before_is_not_due(self) -> None:
        for client in self.clients:
            if "ready" in client.stream.kinds and not client.is_ready:
                client.is_ready = True
                until_ms = self.desk.now_ms if client.wanted_ms is None else client.wanted_ms
                client.undue |= {s.number for s in self.said if s.time_ms <= until_ms}

    @invariant()
    def nothing_comes_twice_or_out_of_order_or_unasked(self) -> None:
        for client in self.clients:
            numbers = client.stream.bodies
            assert numbers == sorted(set(numbers))  # type: ignore[type-var]
            assert all(client.matches(self.said[int(str(n))].message) for n in numbers)
            assert client.had.isdisjoint(numbers)

    @invariant()
    def cursors_never_fall(self) -> None:
        for client in self.clients:
            if client.stream.wire.resumes:
                places = [self._place(e) for e in client.stream.events]
                assert places == sorted(places)
                of_messages = [self._place(e) for e in client.stream.events if e.kind == "message"]
                assert of_messages == sorted(set(of_messages))
            else:
                assert {event.event_id for event in client.stream.events} <= {"-"}

    @invariant()
    def the_counts_are_right(self) -> None:
        counts = self.hub.statistics()
        assert counts.clients == len(self._live())
        assert counts.history_records == len(self.desk.history)
        held = [*self.desk.history.after(0)]
        assert counts.history_bytes == sum(entry.size_bytes for entry in held)
        behind = sum(len(a.behind) for a in self.hub._audiences)
        assert counts.clients_behind == behind

    def _live(self) -> list[Client]:
        return [client for client in self.clients if client.stream.reason is None]

    def _place(self, event: Event) -> int:
        place = self.desk.cursors.read(event.event_id)
        assert isinstance(place, int)
        return place

    def _note_seen(self, client: Client) -> None:
        if not client.stream.wire.resumes:
            return
        for event in client.stream.events[-3:]:
            self.seen.append((client, event.event_id))
        ping = self.hub.cursor_of(client.stream).decode()
        client.stream.events.append(Event("ping", "{}", ping))
        self.seen.append((client, ping))
        del self.seen[:-30]

    def _check_all(self, client: Client) -> None:
        """Check that all that was due came, or may be missing as it was told."""
        events = client.stream.events
        accounted = client.had | client.undue | _numbers(events) | self._told(client, events)
        for said in self.said:
            if client.matches(said.message) and self._is_due(client, said):
                assert said.number in accounted, (said, events)

    def _is_due(self, client: Client, said: Said) -> bool:
        if client.wanted_ms is not None:
            return said.time_ms > client.wanted_ms
        return False  # by its own ``ready`` others are judged: who comes back with that cursor

    def _told(self, client: Client, events: list[Event]) -> set[int]:
        """Return what lies within the gaps that were told; each of them tells something new."""
        gaps: list[tuple[int, int]] = []
        for event in events:
            if event.kind == "gap":
                start, end = _span(event)
                told_ms = gaps[-1][1] if gaps else 0
                assert end > told_ms, (gaps, event)
                gaps.append((start, end))
        return {
            said.number
            for said in self.said
            if any(start <= said.time_ms < end for start, end in gaps)
        }


def _numbers(events: list[Event]) -> set[int]:
    return {orjson.loads(e.data)["payload"] for e in events if e.kind == "message"}


def _span(event: Event) -> tuple[int, int]:
    data = orjson.loads(event.data)
    return _ms(data["from"]) if data["from"] else 0, _ms(data["to"])


def _ms(text: str) -> int:
    return round(1000 * datetime.fromisoformat(text).timestamp())


TestHistoryMachine = HistoryMachine.TestCase
TestHistoryMachine.settings = settings(
    max_examples=examples(150), stateful_step_count=50, deadline=None
)
