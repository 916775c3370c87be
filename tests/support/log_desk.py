"""A process that reads a log on a desk: entries are read when a test says so, parts of it too."""

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime, timedelta

from pulse_events.bindings import Binding, BindingSet
from pulse_events.history import Room
from pulse_events.hub.log_hub import LogHub
from pulse_events.hub.past import Keeping
from pulse_events.hub.reading import Start
from pulse_events.log.entries import Entry, Recorded, Stamp, encode
from pulse_events.log.tail import Tail
from tests.support.hub_desk import RESUMING, RETRY_MS, Recorder

WRITER, OTHER = "0123abcd", "89abcdef"
TERMS = {WRITER: 1, OTHER: 2}
START_MS = 1_000_000
ALL = BindingSet.of([("e", "#")])
PREFETCH = 40


def recorded(number: int, *, writer: str = WRITER, key: str = "k") -> Recorded:
    """Return a message whose payload is its number, written a millisecond after the one before."""
    line = b'{"payload":%d}' % number
    return Recorded(Stamp(writer, number, START_MS + number, TERMS[writer]), "e", key, (), line)


class Part:
    """A reading; see `pulse_events.hub.parts.Reading`."""

    def __init__(self, log: "StoredLog", at: int, take: Callable[[int, bytes], None]) -> None:
        self.log = log
        self.at = at
        self.take = take
        self.untaken = 0

    def arrive(self) -> None:
        """Have as much arrive as may."""
        while self.untaken < PREFETCH and self.at <= self.log.last:
            self.at = max(self.at, self.log.first)
            self.untaken += 1
            self.at += 1
            self.take(self.at - 1, self.log.bodies[self.at - 1])

    def took(self, count: int) -> None:
        """See `Reading`."""
        self.untaken -= count
        assert self.untaken >= 0

    def close(self) -> None:
        """See `Reading`."""
        self.log.parts.remove(self)


class StoredLog:
    """A log at a broker, whose oldest entries go; a `Source`."""

    def __init__(self) -> None:
        self.first = 0
        self.times: list[int] = []
        self.bodies: list[bytes] = []
        self.parts: list[Part] = []
        self.most_parts = self.readings = 0

    @property
    def last(self) -> int:
        """The newest entry's offset; -1 if there is none."""
        return len(self.bodies) - 1

    def append(self, entry: Entry) -> int:
        """Hold an entry; return its offset."""
        self.times.append(entry.stamp.time_ms)
        self.bodies.append(encode(entry))
        return self.last

    def read(self, start: int | datetime, take: Callable[[int, bytes], None]) -> Part:
        """See `Source`."""
        if isinstance(start, datetime):
            early = start - timedelta(milliseconds=3)
            start = bisect_left(self.times, round(early.timestamp() * 1000), lo=self.first)
        self.readings += 1
        self.parts.append(Part(self, start, take))
        self.most_parts = max(self.most_parts, len(self.parts))
        return self.parts[-1]


class Process:
    """A process that reads a log as told; its clock goes on with what is read."""

    def __init__(self, history_bytes: int = 1 << 20) -> None:
        self.now_ms = START_MS
        self.now_s = 0.0
        """Of the ticks."""
        self.turn: list[Callable[[], None]] = []
        self.steps: list[Callable[[], bool]] = []
        self.log = StoredLog()
        self.asked = 0
        """How often the log's end was asked for."""
        self.tail = Tail(lambda: self.now_ms, Room(history_bytes), 1 << 40)
        keeping = Keeping(self.tail, self._add, lambda: RETRY_MS, 0, holds_all=True)
        recorded = [Binding("e", "#"), Binding("f", "a.*")]
        self.hub = LogHub(recorded, self.tail, keeping, self.turn.append)

    def probe(self) -> int:
        """Ask for the log's end; see `LogHub.attach`."""
        self.asked += 1
        return self.asked

    def _add(self, step: Callable[[], bool]) -> None:
        if step not in self.steps:
            self.steps.append(step)

    def work(self) -> None:
        """Flush, and let streams read the history, and older parts of the log if they can be."""
        for flush in self.turn[:]:
            flush()
        self.turn.clear()
        while self.steps:
            step = self.steps.pop(0)
            if step():
                self._add(step)
            for part in tuple(self.log.parts):
                part.arrive()

    def read(self, offset: int, entry: Entry) -> None:
        """Read what stands at ``offset``."""
        self.now_ms = entry.stamp.time_ms
        self.hub.take(offset, entry)
        self.work()

    def write(self, entry: Entry) -> None:
        """Have an entry in the log, and read it."""
        self.read(self.log.append(entry), entry)

    def connect(
        self,
        cursor: str = "",
        bindings: BindingSet = ALL,
        last: int = 0,
        since_ms: int | None = None,
    ) -> Recorder:
        """Have one more stream."""
        stream = Recorder(RESUMING)
        self.hub.subscribe(stream, bindings, Start(cursor, since_ms, last))
        self.work()
        return stream


def attached(entries: int, history_bytes: int = 1 << 20) -> Process:
    """Return a process that has read so many messages of its log, to the end."""
    process = Process(history_bytes)
    for number in range(entries):
        process.write(recorded(number))
    process.hub.attach(process.probe)
    return process


def gaps(stream: Recorder) -> list[str]:
    """Return the gaps that a stream was told."""
    return [event.data for event in stream.events if event.kind == "gap"]
