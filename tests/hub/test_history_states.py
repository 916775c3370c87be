"""Streams that can be resumed as a state machine: nothing is lost in silence, nothing comes twice.

Time goes on with each thing that happens.  Whatever a client has been told, its cursor says where
it is: what is due after that comes, in order and once, or lies within exactly one gap.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pulse_events.bindings import BindingSet
from pulse_events.errors import MessagesMissed, StreamEnded
from pulse_events.hub.reading import Start
from pulse_events.messages import Message
from pulse_events.wire.sse import Event
from pulse_events.wire.wire import WIRES, Wire
from tests.support.hub_desk import HistoryDesk, Recorder
from tests.support.thorough import examples
from tests.support.topic_reference import reference_match_any

SLOW = StreamEnded("slow")
FORGED = ["-", "x", "1m", "1mAAAAAAAAAAA5", "1mMTIzNDU2Nzgffffff", "é\r"]
RESUMING_WIRES = [wire for wire in WIRES if wire.resumes]
# Few, so that messages and bindings meet: how they match is the matter of other tests.
KEYS = st.sampled_from(["a", "b", "a.b"])
EXCHANGES = st.sampled_from(["e", "e", "f"])
PAIRS = st.tuples(EXCHANGES, st.sampled_from(["#", "a.#", "a", "b"]))
MESSAGES = st.tuples(EXCHANGES, KEYS, st.lists(KEYS, max_size=1))


@dataclass
class Said:
    """A message that was published."""

    number: int
    message: Message
    time_ms: int
    """When it came to the hub; when it was published, if it never did."""
    place: float
    """Its position in the history, or between which two it is missing; infinite in the queue."""


class Reader(Recorder):
    """A stream whose client reads so many bytes, then no more; all if nothing is said."""

    room_bytes: int | None = None

    def write(self, chunk: bytes) -> None:
        super().write(chunk)
        if self.room_bytes is not None:
            self.room_bytes -= len(chunk)
            self.is_blocked |= self.room_bytes < 0


@dataclass(eq=False)
class Client:
    """A recording stream and what it may expect."""

    pairs: frozenset[tuple[str, str]]
    stream: Reader
    start: Start
    is_forged: bool = False
    ready_place: int | None = None
    """What is after it is due; ``None`` as long as there was no ``ready``."""
    origin: "Client | None" = None
    """Who came first, of those that this one goes on for."""
    had: tuple[Event, ...] = ()
    """What these have seen, up to the cursor with which it comes."""

    @property
    def bindings(self) -> BindingSet:
        return BindingSet.of(self.pairs)

    @property
    def events(self) -> list[Event]:
        return self.stream.events

    def is_due(self, said: Said) -> bool:
        """Tell whether it is to get a message, or to be told that it is missing."""
        if self.origin is not None:
            return self.origin.is_due(said)
        if self.ready_place is None or not self.matches(said.message):
            return False
        if self.start.since_ms is not None:
            return said.time_ms >= self.start.since_ms
        return said.place > self.ready_place

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
        # Blocks of two entries: so a few messages take several, and something comes in between.
        self.desk = HistoryDesk(history_bytes, 200, kept_bindings, block_entries=2, threshold=2)
        self.hub, self.broker = self.desk.hub, self.desk.broker
        self.said: list[Said] = []
        self.queue: deque[Said] = deque()
        self.clients: list[Client] = []
        self.gone: deque[Client] = deque(maxlen=5)
        self.unnoticed_ms = 0
        for pair in record:
            self.hub.record(BindingSet.of([pair]).bindings[0])

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            self.all_settles()

    def pass_time(self) -> int:
        self.desk.now_ms += 1
        return self.desk.now_ms

    # Clients

    @rule(
        pairs=st.sets(PAIRS, min_size=1, max_size=2),
        wire=st.sampled_from(WIRES),
        back_ms=st.none() | st.integers(0, 100),
        forged=st.none() | st.sampled_from(FORGED),
        is_bound=st.booleans(),
    )
    def connect(
        self,
        pairs: set[tuple[str, str]],
        wire: Wire,
        back_ms: int | None,
        forged: str | None,
        is_bound: bool,
    ) -> None:
        now_ms = self.pass_time()
        is_since = back_ms is not None and not forged and wire.resumes
        start = Start(forged or "", now_ms - (back_ms or 0) if is_since else None)
        is_forged = forged is not None and wire.resumes
        self._subscribe(Client(frozenset(pairs), Reader(wire), start, is_forged), is_bound)

    @precondition(lambda self: self._resumable())
    @rule(draw=st.data(), wire=st.sampled_from(RESUMING_WIRES), is_bound=st.booleans())
    def come_back(self, draw: st.DataObject, wire: Wire, is_bound: bool) -> None:
        """Come with a cursor that a client has seen: what is held from before it, it has had.

        What is not held may be told later: with what was missed until the bindings were in force.
        That all is had or told in the end, by all clients that went on for one, is checked then.
        """
        before = draw.draw(st.sampled_from(self._resumable()))
        seen = draw.draw(st.integers(1, len(before.events)))
        cursor = before.events[seen - 1].event_id
        had = (*before.had, *before.events[:seen])
        held = {entry.position for entry in self.desk.history.before(self._place(cursor))}
        self._check(before, had, [said for said in self.said if said.place in held])
        self.pass_time()
        client = Client(before.pairs, Reader(wire), Start(cursor))
        client.origin, client.had = before.origin or before, had
        self._subscribe(client, is_bound)

    def _resumable(self) -> list[Client]:
        both = (*self.clients, *self.gone)
        return [client for client in both if client.stream.wire.resumes and client.events]

    def _subscribe(self, client: Client, is_bound: bool) -> None:
        self.clients.append(client)
        self.hub.subscribe(client.stream, client.bindings, client.start)
        if is_bound and self.broker.connected:
            self.pass_time()
            self.desk.settle()

    @precondition(lambda self: self.broker.connected)
    @rule(
        pairs=st.sets(PAIRS, min_size=1, max_size=2),
        wire=st.sampled_from(RESUMING_WIRES),
        last=st.integers(1, 4),
        room_bytes=st.none() | st.integers(0, 1000),
    )
    def ask_for_the_last(
        self, pairs: set[tuple[str, str]], wire: Wire, last: int, room_bytes: int | None
    ) -> None:
        self.deliver()
        client = Client(frozenset(pairs), Reader(wire), Start(last=last))
        client.stream.room_bytes = room_bytes
        self._subscribe(client, is_bound=True)
        if room_bytes is not None:
            return
        held = {entry.position for entry in self.desk.history.after(0)}
        due = [s.number for s in self.said if s.place in held and client.matches(s.message)]
        assert client.stream.bodies == due[-last:]

    @precondition(lambda self: self.clients)
    @rule(draw=st.data())
    def drop(self, draw: st.DataObject) -> None:
        self._drop(draw.draw(st.sampled_from(self.clients)))

    def _drop(self, client: Client) -> None:
        self.pass_time()
        self._ping(client)
        self.hub.leave(client.stream, self.desk.now_ms / 1000)
        self.clients.remove(client)
        self.gone.append(client)

    def _ping(self, client: Client) -> None:
        """Let a client see where it is, as the pings of the server say."""
        stream = client.stream
        if stream.wire.resumes and stream.events and stream.reason is None:
            stream.events.append(Event("ping", "{}", self.hub.cursor_of(stream).decode()))

    @precondition(lambda self: self.clients)
    @rule(draw=st.data(), messages=st.lists(MESSAGES, max_size=3))
    def stall(self, draw: st.DataObject, messages: list[tuple[str, str, list[str]]]) -> None:
        """Stop reading, in the middle of a turn in which messages come."""
        stream = draw.draw(st.sampled_from(self.clients)).stream
        self.pass_time()
        self.publish(messages, ends_turn=False)
        stream.is_blocked, stream.room_bytes = True, -1
        self._note_slow()

    def _note_slow(self) -> None:
        for client in self.clients:
            if client.stream.is_blocked:
                self.hub.slow(client.stream, SLOW, self.desk.now_ms / 1000)

    @rule(size_bytes=st.sampled_from([100, 300, 1000, 10_000]))
    def drain(self, size_bytes: int) -> None:
        for stream in (client.stream for client in self.clients):
            if stream.room_bytes is not None:
                stream.room_bytes += size_bytes
                self._go_on(stream, stream.room_bytes >= 0)

    def _go_on(self, stream: Reader, has_room: bool) -> None:
        if stream.is_blocked and has_room:
            stream.is_blocked = False
            self.hub.drained(stream)

    @rule(times=st.integers(1, 3))
    def replay(self, times: int) -> None:
        self.desk.work(times)

    # Messages

    @rule(messages=st.lists(MESSAGES, min_size=1, max_size=4), ends_turn=st.booleans())
    def publish(self, messages: list[tuple[str, str, list[str]]], ends_turn: bool) -> None:
        """Publish, and deliver at once if there is a connection."""
        self.publish_only(messages)
        if self.broker.connected:
            self.deliver()
        if ends_turn:
            self.desk.end_turn()

    @rule(messages=st.lists(MESSAGES, min_size=1, max_size=2))
    def publish_only(self, messages: list[tuple[str, str, list[str]]]) -> None:
        for exchange, key, cc in messages:
            number = len(self.said)
            message = Message(exchange, key, b"%d" % number, tuple(cc))
            is_queued = self.broker.delivers(exchange, key, *cc)
            place = float("inf") if is_queued else self.desk.history.last + 0.5
            said = Said(number, message, self.pass_time(), place)
            self.said.append(said)
            if is_queued:
                self.queue.append(said)

    @precondition(lambda self: self.broker.connected)
    @rule()
    def deliver(self) -> None:
        while self.queue:
            said = self.queue.popleft()
            said.time_ms = self.pass_time()
            before = self.desk.history.last
            self.hub.publish(said.message)
            after = self.desk.history.last
            said.place = after if after > before else after + 0.5  # nobody wants it any more
        self._note_slow()

    @rule()
    def turn_ends(self) -> None:
        self.desk.end_turn()

    # The broker

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
        self.hub.lost()
        self._miss("the queue is gone")

    @precondition(lambda self: self.broker.connected)
    @rule(messages=st.lists(MESSAGES, max_size=2))
    def lose_what_is_queued(self, messages: list[tuple[str, str, list[str]]]) -> None:
        self.publish_only(messages)
        self.pass_time()
        self._miss("the queue was full")

    @precondition(lambda self: self.broker.connected)
    @rule(messages=st.lists(MESSAGES, min_size=1, max_size=2))
    def drop_what_does_not_fit(self, messages: list[tuple[str, str, list[str]]]) -> None:
        """Lose messages of a queue that is full, though others come: it is noticed later."""
        waiting = [*self.queue]
        self.queue.clear()
        self.publish_only(messages)
        self.unnoticed_ms = self.unnoticed_ms or self.desk.now_ms - len(messages)
        for said in self.queue:
            said.place = self.desk.history.last + 0.5
        self.queue = deque(waiting)

    @rule()
    def notice(self) -> None:
        if self.unnoticed_ms:
            self.pass_time()
            back_ms = self.desk.now_ms - self.unnoticed_ms
            self.unnoticed_ms = 0
            self.hub.missed(MessagesMissed("the queue was full for a while", back_ms))

    def _miss(self, reason: str) -> None:
        for said in self.queue:
            said.place = self.desk.history.last + 0.5
        self.queue.clear()
        self.hub.missed(MessagesMissed(reason))

    @precondition(lambda self: not self.broker.connected)
    @rule()
    def reconnect(self) -> None:
        self.pass_time()
        self.broker.reconnect()

    @rule(ms=st.integers(0, 250))
    def tick(self, ms: int) -> None:
        self.desk.now_ms += ms
        self.hub.tick(self.desk.now_ms / 1000)

    # What holds

    @rule()
    def all_settles(self) -> None:
        if not self.broker.connected:
            self.reconnect()
        self.pass_time()
        self.desk.settle()
        self.deliver()
        self.notice()
        self.desk.end_turn()
        for client in self.clients:
            client.stream.room_bytes = None
            self._go_on(client.stream, has_room=True)
        self.desk.work()
        self.note_who_is_ready()
        for client in self._live():
            assert client.stream.audience is not None
            assert client.stream in client.stream.audience.streams
            self._ping(client)
            self._check(client, (*client.had, *client.events), self.said)

    @precondition(lambda self: any(client.stream.wire.resumes for client in self._live()))
    @rule(draw=st.data())
    def blink(self, draw: st.DataObject) -> None:
        """Come back where nothing has happened: nothing comes."""
        self.all_settles()
        resumable = [client for client in self._live() if client.stream.wire.resumes]
        if resumable:
            client = draw.draw(st.sampled_from(resumable))
            self._drop(client)
            cursor = client.events[-1].event_id
            back = Client(client.pairs, Reader(client.stream.wire), Start(cursor))
            back.origin, back.had = client.origin or client, (*client.had, *client.events)
            self._subscribe(back, is_bound=True)
            assert back.stream.kinds == ["ready", "ping"]

    @invariant()
    def note_who_is_ready(self) -> None:
        for client in self.clients:
            if client.events and client.ready_place is None:
                ready = client.events[0]
                assert ready.kind == "ready"
                client.ready_place = self.desk.history.last
                if client.stream.wire.resumes and not client.start.last:
                    client.ready_place = self._place(ready.event_id)
                if client.is_forged:
                    assert client.stream.kinds[:2] == ["ready", "gap"]
                    assert _data(client.events[1])["from"] is None
                elif client.start.cursor and client.stream.wire.resumes:
                    assert ready.event_id == client.start.cursor

    @invariant()
    def nothing_comes_twice_or_out_of_order_or_unasked(self) -> None:
        self.note_who_is_ready()
        for client in self.clients:
            numbers = client.stream.bodies
            assert numbers == sorted(set(numbers))  # type: ignore[type-var]
            assert all(client.matches(self.said[int(str(n))].message) for n in numbers)
            if client.stream.wire.resumes and client.start.cursor and client.events:
                assert client.ready_place is not None
                assert all(self.said[int(str(n))].place > client.ready_place for n in numbers)

    @invariant()
    def cursors_never_fall(self) -> None:
        for client in self.clients:
            if client.stream.wire.resumes:
                places = [self._place(e.event_id) for e in client.events]
                assert places == sorted(places)
                of_messages = [
                    self._place(e.event_id) for e in client.events if e.kind == "message"
                ]
                assert of_messages == sorted(set(of_messages))
            else:
                assert {event.event_id for event in client.events} <= {"-"}

    @invariant()
    def each_gap_tells_something_new(self) -> None:
        for client in self.clients:
            ends_ms = [end_ms for _, end_ms in _gaps(client.events)]
            assert ends_ms == sorted(set(ends_ms)), client.events

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

    def _place(self, cursor: str) -> int:
        place = self.desk.cursors.read(cursor)
        assert isinstance(place, int)
        return place

    def _check(self, client: Client, events: Sequence[Event], said: Sequence[Said]) -> None:
        """Check that the events bring what of this was due, or tell of it."""
        numbers = {_data(event)["payload"] for event in events if event.kind == "message"}
        gaps = _gaps(events)
        for one in said:
            if client.is_due(one) and one.number not in numbers:
                assert any(start <= one.time_ms < end for start, end in gaps), (one, events)


def _gaps(events: Sequence[Event]) -> list[tuple[int, int]]:
    gaps = [_data(event) for event in events if event.kind == "gap"]
    return [(_ms(gap["from"]) if gap["from"] else 0, _ms(gap["to"])) for gap in gaps]


def _data(event: Event) -> dict[str, Any]:
    data: dict[str, Any] = orjson.loads(event.data)
    return data


def _ms(text: str) -> int:
    return round(1000 * datetime.fromisoformat(text).timestamp())


TestHistoryMachine = HistoryMachine.TestCase
TestHistoryMachine.settings = settings(
    max_examples=examples(200), stateful_step_count=50, deadline=None
)
