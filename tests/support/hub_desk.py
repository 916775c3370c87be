"""A hub on a desk: with a simulated broker, recording streams, and turns that end when told."""

import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from pulse_events.bindings import BindingSet
from pulse_events.cursors import NONE, Cursors
from pulse_events.errors import BindingRefused, PulseEventsError
from pulse_events.history import BLOCK_ENTRIES, History, Room
from pulse_events.hub.hub import Hub
from pulse_events.hub.past import Keeping
from pulse_events.hub.reading import NOW, Start
from pulse_events.messages import Message
from pulse_events.wire.compression import GZIP
from pulse_events.wire.sse import Decoder, Event
from pulse_events.wire.wire import WIRES, Wire, wire_of
from tests.support.chunked import Chunks
from tests.support.simulated_broker import Answer, SimulatedBroker

if TYPE_CHECKING:
    from pulse_events.hub.audience import Audience


PLAIN = wire_of(is_chunked=True, is_gzip=False)
PACKED = wire_of(is_chunked=True, is_gzip=True)
PLAIN_WIRES = [wire for wire in WIRES if not wire.resumes]
RESUMING = wire_of(is_chunked=True, is_gzip=False, resumes=True)
PACKED_RESUMING = wire_of(is_chunked=True, is_gzip=True, resumes=True)
FOREVER_MS = 1 << 40
HISTORY_ID = b"12345678"
RETRY_MS = 1234


class Recorder:
    """A stream that keeps what it is sent: chunks as they came, events decoded."""

    def __init__(self, wire: Wire = PLAIN) -> None:
        self.audience: Audience | None = None
        self.wire = wire
        self.owner = ""
        self.chunks: list[bytes] = []
        self.events: list[Event] = []
        self.reason: PulseEventsError | None = None
        self.last_cursor = ""
        self.is_blocked = False
        """Set by tests: its client does not read."""
        self._framing = Chunks()
        self._decoder = Decoder()
        self._inflater = zlib.decompressobj(wbits=-15)  # blocks only: the header is not the hub's

    def write(self, chunk: bytes) -> None:
        """Keep the chunk and its events."""
        assert self.reason is None, "written to after its end"
        assert self.audience is not None, "written to after it left"
        self.chunks.append(chunk)
        if self.wire.is_chunked:
            chunk = b"".join(self._framing.feed(chunk))
        plain = self._inflater.decompress(chunk) if self.wire.coding is GZIP else chunk
        assert plain.endswith(b"\n\n"), "written in the middle of an event"
        self.events.extend(self._decoder.feed(plain))

    def end(self, reason: PulseEventsError, cursor: bytes = NONE) -> None:
        """Keep the reason."""
        assert self.reason is None, "ended twice"
        self.reason = reason
        self.last_cursor = cursor.decode()

    @property
    def kinds(self) -> list[str]:
        """The kinds of the events so far."""
        return [event.kind for event in self.events]

    @property
    def bodies(self) -> list[object]:
        """The payloads of the messages so far."""
        return [orjson.loads(e.data)["payload"] for e in self.events if e.kind == "message"]


class Desk:
    """A hub with a simulated broker and a loop turn that ends when a test says so."""

    def __init__(self, threshold: int = 100, linger_s: float = 10.0, **others: Any) -> None:
        self.broker = SimulatedBroker()
        self.turn: list[Callable[[], None]] = []
        self.hub = Hub(
            self.broker,
            self.turn.append,
            threshold=threshold,
            linger_s=linger_s,
            **others,
        )

    def subscribe(
        self,
        *pairs: tuple[str, str],
        wire: Wire = PLAIN,
        owner: str = "",
        start: Start = NOW,
    ) -> Recorder:
        """Add a stream."""
        stream = Recorder(wire)
        stream.owner = owner
        self.hub.subscribe(stream, BindingSet.of(pairs), start)
        return stream

    def ready(self, *pairs: tuple[str, str], wire: Wire = PLAIN) -> Recorder:
        """Add a stream and let the broker bind what it wants."""
        stream = self.subscribe(*pairs, wire=wire)
        self.settle()
        assert stream.kinds == ["ready"]
        return stream

    def publish(self, key: str, *, body: bytes = b"1", cc: Sequence[str] = ()) -> None:
        """Deliver a message on the exchange ``e``."""
        self.hub.publish(Message("e", key, body, tuple(cc)))

    def settle(self) -> None:
        """Let the broker do everything that was ordered."""
        self.broker.settle(self.take)

    def take(self, answer: Answer) -> None:
        """Hand the hub an answer."""
        if answer.bound:
            self.hub.confirmed(answer.binding)
        else:
            self.hub.refused(answer.binding, BindingRefused(f"no {answer.binding.exchange}"))

    def end_turn(self) -> int:
        """Flush as the loop would; return how often it was asked to."""
        calls, self.turn[:] = list(self.turn), []
        for flush in calls:
            flush()
        return len(calls)


class HistoryDesk(Desk):
    """A desk whose hub has a history; its clock goes on when told, replays when they are worked."""

    def __init__(
        self,
        history_bytes: int = 1 << 20,
        age_ms: int = FOREVER_MS,
        kept_bindings: int = 1000,
        block_entries: int = BLOCK_ENTRIES,
        **others: Any,
    ) -> None:
        self.now_ms = 1_000_000
        self.steps: list[Callable[[], bool]] = []
        self.cursors = Cursors(HISTORY_ID)
        room = Room(history_bytes)
        self.history = History(
            self.cursors, lambda: self.now_ms, room, age_ms, block_entries=block_entries
        )
        keeping = Keeping(self.history, self._add, lambda: RETRY_MS, kept_bindings)
        super().__init__(keeping=keeping, **others)

    def _add(self, step: Callable[[], bool]) -> None:
        if step not in self.steps:
            self.steps.append(step)

    def work(self, times: int = 1_000_000) -> None:
        """Let streams read the history, so many steps at most."""
        for _ in range(times):
            if not self.steps:
                break
            if not self.steps[0]():
                del self.steps[0]

    def settle(self) -> None:
        """Let the broker and the replays do everything."""
        super().settle()
        self.work()
