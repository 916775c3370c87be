"""Older parts of a log than a process holds: read once more, for those who need them.

A few are read at a time, each for all who are near it; who is nowhere near waits in line, with its
position and nothing else.  Pure: what reads the log is a `Source`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from math import inf
from operator import itemgetter
from typing import Protocol

from pulse_events.cursors import LogCursors
from pulse_events.history import Room
from pulse_events.hub.ports import Stream
from pulse_events.hub.replay import Replays
from pulse_events.hub.turns import Turns
from pulse_events.log.entries import Entry, NotAnEntry, check, decode
from pulse_events.log.intake import Intake
from pulse_events.log.tail import Tail

READERS = 4
"""Parts that are read at a time, in a process."""
PART_BYTES = 4 << 20
"""What is held of each: who is further behind the first of its readers is put in line again."""
AHEAD = 10_000
"""Entries behind a part at which one joins it, though it could have a part of its own."""
TURN_ENTRIES = 20_000
"""Entries after which a part's readers go to the end of the line, if there is one."""
SLICE_ENTRIES = 64
SLICE_BYTES = 256 << 10
"""Taken in one step, and so between two looks at who else has work to do."""
LOOKED_BEFORE = (timedelta(seconds=2), timedelta(minutes=1), timedelta(hours=1))
"""How long before a time the log is looked into for it; the clocks of recorders and broker differ.
"""
NEAR_MS = 1000
"""Times so near to each other are looked for at once."""
FOUND_WITHIN_S = 5.0
"""How long nothing may be found of a time until it is looked for further back."""


class Reading(Protocol):
    """What reads a log from some place on."""

    def took(self, count: int) -> None:
        """Note that so many more entries were taken: as many more may come."""

    def close(self) -> None:
        """Read no more."""


class Source(Protocol):
    """Where a log is read."""

    def read(self, start: int | datetime, take: Callable[[int, bytes], None]) -> Reading:
        """Read from an offset on, or from shortly before a time; never later.

        Args:
            start: Where; if it is not there any more, what is read first follows it.
            take: Called with the offset and the bytes of each entry, a bounded number of times
                beyond what was taken, and not before this returns.
        """


class Part:
    """A part of the log that is being read.

    Args:
        source: Where.
        start: See `Source.read`.
        wake: Told that something arrived.
    """

    def __init__(self, source: Source, start: int | datetime, wake: Callable[[], None]) -> None:
        self._wake = wake
        self.arrived: deque[tuple[int, bytes]] = deque()
        self._reading = source.read(start, self._arrive)

    def _arrive(self, offset: int, body: bytes) -> None:
        self.arrived.append((offset, body))
        self._wake()

    def slice(self, end: int) -> Iterator[tuple[int, Entry | None]]:
        """Take what arrived, a bounded part of it, up to the offset ``end``.

        Yields:
            Offset and entry, ``None`` for what is none.
        """
        count = size = 0
        while self.arrived and count < SLICE_ENTRIES and size < SLICE_BYTES:
            offset, body = self.arrived[0]
            if offset > end:
                break
            self.arrived.popleft()
            count += 1
            size += len(body)
            try:
                yield offset, decode(body)
            except NotAnEntry:
                yield offset, None
        if count:
            self._reading.took(count)

    def has_more(self, end: int) -> bool:
        """Tell whether `slice` would yield something."""
        return bool(self.arrived) and self.arrived[0][0] <= end

    def close(self) -> None:
        """Read no more."""
        self.arrived.clear()
        self._reading.close()


class Stretch(Part):
    """A part of the log, and who reads it."""

    def __init__(self, source: Source, start: int, wake: Callable[[], None], tail: Tail) -> None:
        super().__init__(source, start, wake)
        self.start = self.offset = start
        self.tail = tail
        self.intake = Intake(tail)
        self.taken = 0
        self.readers: set[Stream] = set()
        """Those that have something to read here."""
        self.waiting: dict[Stream, int] = {}
        """Those that wait for what follows a position."""

    def is_near(self, position: int) -> bool:
        """Tell whether what follows ``position`` is here, or will be soon."""
        offset = LogCursors.offset(position)
        is_behind = (
            position < self.tail.forgotten.position if self.tail.last else offset < self.start
        )
        return not is_behind and offset <= self.offset + AHEAD

    def is_idle(self) -> bool:
        """Tell whether nobody here reads on."""
        return not self.waiting and all(stream.is_blocked for stream in self.readers)

    def take(self, end: int) -> None:
        """Take some of what arrived."""
        for offset, entry in self.slice(end):
            self.taken += 1
            self.offset = offset
            try:
                if entry is None:
                    self.intake.fail(offset)
                else:
                    deque(self.intake.take(offset, entry), maxlen=0)  # it is in the tail
            except Exception:  # a fault of ours: it costs this entry alone, which is told as a gap
                self.intake.fail(offset)


class Search(Part):
    """Looks for the first entry that was written at a time, or later: for several at once.

    Args:
        source: Where.
        start: See `Source.read`.
        wake: See `Part`.
        wanted: The times, by who wants to know.
        before: The offset of the first entry when it was begun less far back; -1 if it was not.  If
            that comes again, it is the log's first.
    """

    def __init__(
        self,
        source: Source,
        start: int | datetime,
        wake: Callable[[], None],
        wanted: Mapping[Stream, int],
        before: int,
    ) -> None:
        super().__init__(source, start, wake)
        self.wanted = dict(sorted(wanted.items(), key=itemgetter(1)))
        self.is_too_late = False
        """Whether it began behind what is looked for."""
        self.first = -1
        """The offset of its first entry."""
        self._before = inf if start == 0 else before
        self._first_ms = 0

    def look(self, end: int) -> Iterator[tuple[Stream, int]]:
        """Look at some of what arrived.

        Yields:
            Who wanted to know, and the position before that entry; 0 if it is the log's first.
        """
        for offset, entry in self.slice(end):
            if entry is None or not self.wanted:
                continue
            time_ms = entry.stamp.time_ms
            if self.first < 0:
                self.first, self._first_ms = offset, time_ms
                is_earlier = time_ms < next(iter(self.wanted.values()))
                self.is_too_late = not is_earlier and offset > self._before
            if not self.is_too_late:
                position = LogCursors.position(offset, check(entry.stamp)) - 1
                yield from self._found(time_ms, position)

    def _found(self, time_ms: int, position: int) -> Iterator[tuple[Stream, int]]:
        for stream, since_ms in tuple(self.wanted.items()):
            if since_ms > time_ms:
                break
            del self.wanted[stream]
            yield stream, position if self._first_ms < since_ms else 0


class Line:
    """Streams that wait, with what they wait for: one owner after the other has its turn."""

    def __init__(self) -> None:
        self.values: dict[Stream, int] = {}
        self._turns = Turns()

    def __len__(self) -> int:
        """Number of streams."""
        return len(self.values)

    def add(self, stream: Stream, value: int) -> None:
        """Put ``stream`` at its owner's end."""
        self.values[stream] = value
        self._turns.add(stream)

    def discard(self, stream: Stream) -> None:
        """Take ``stream`` out, if it waits."""
        self.values.pop(stream, None)
        self._turns.discard(stream)

    def next(self) -> Stream:
        """Return whose turn it is, of which there must be one; it waits on."""
        stream = self._turns.take()
        self._turns.add(stream)
        return stream


class Archive:
    """Who reads which part, and who waits.

    Args:
        tail: What is held: parts end where it begins.
        replays: Who lets streams read.
        pace: See `Replays`.
        found: Told the position of a time that was looked for; see `Search.look`.
    """

    def __init__(
        self,
        tail: Tail,
        replays: Replays,
        pace: Callable[[Callable[[], bool]], None],
        found: Callable[[Stream, int], None],
    ) -> None:
        self._held = tail
        self._replays = replays
        self._pace = pace
        self._found = found
        self._source: Source | None = None
        self._line = Line()
        self.stretches: list[Stretch] = []
        """What is read now."""
        self._times = Line()
        self._search: Search | None = None
        self._tries = 0
        self._search_until_s = 0.0

    def __len__(self) -> int:
        """Number of streams that wait in line."""
        return len(self._line) + len(self._times)

    # Where the log is read

    def opened(self, source: Source) -> None:
        """Note that the log can be read."""
        self._source = source
        self._wake()

    def closed(self) -> None:
        """Note that it cannot be read for now; who needs it waits."""
        self._source = None
        self._end_search()
        for stretch in tuple(self.stretches):
            self._end(stretch)

    def tick(self, now_s: float) -> None:
        """Do what depends on the time."""
        if self._search is not None and self._search_until_s == 0.0:
            self._search_until_s = now_s + FOUND_WITHIN_S
        elif self._search is not None and now_s > self._search_until_s:
            self._look_further_back(self._search)
        self._wake()  # what somebody waits for may be held by now

    # Who needs something

    def ask(self, stream: Stream, position: int) -> None:
        """See `Older`."""
        near = next((stretch for stretch in self.stretches if stretch.is_near(position)), None)
        if near is None:
            self.leave(stream)
            self._line.add(stream, position)
        else:
            self._leave_others(stream, near)
            near.waiting[stream] = position
        self._wake()

    def leave(self, stream: Stream) -> None:
        """See `Older`."""
        self._line.discard(stream)
        self._leave_others(stream)

    def _leave_others(self, stream: Stream, near: Stretch | None = None) -> None:
        for stretch in tuple(self.stretches):
            stretch.readers.discard(stream)
            if stretch is not near:
                stretch.waiting.pop(stream, None)
                if not stretch.readers and not stretch.waiting:
                    self._end(stretch)

    def find(self, stream: Stream, since_ms: int) -> None:
        """Have ``found`` called with where it is that what came at ``since_ms`` begins."""
        self._times.add(stream, since_ms)
        self._wake()

    def stop_finding(self, stream: Stream) -> None:
        """Note that a stream has left."""
        self._times.discard(stream)
        if self._search is not None and self._search.wanted.pop(stream, None) is not None:
            self._end_if_found(self._search)

    # What is read

    def _begin(self) -> None:
        """Begin to read what can be read."""
        if self._source is None:
            return
        if self._times and self._search is None:
            self._begin_search(self._source)
        while self._line and self._has_room():
            position = self._line.values[self._line.next()]
            start = LogCursors.offset(position)
            tail = Tail(self._held.now_ms, Room(PART_BYTES), self._held.age_ms)
            stretch = Stretch(self._source, start, self._wake, tail)
            self.stretches.append(stretch)
            self._board(stretch)

    def _has_room(self) -> bool:
        if len(self.stretches) < READERS:
            return True
        idle = next((stretch for stretch in self.stretches if stretch.is_idle()), None)
        if idle is not None:
            self._end(idle)
        return idle is not None

    def _board(self, stretch: Stretch) -> None:
        """Let those in line wait for a stretch that is near them."""
        for stream, position in tuple(self._line.values.items()):
            if stretch.is_near(position):
                self._line.discard(stream)
                stretch.waiting[stream] = position

    def _wake(self) -> None:
        self._pace(self._step)

    def _step(self) -> bool:
        """Take a slice of one part that somebody waits for; return whether there is more."""
        self._begin()
        if self._search is not None and self._search.has_more(self._held.offset):
            self._look(self._search)
        elif (stretch := next(self._wanted(), None)) is not None:
            self.stretches.remove(stretch)
            self.stretches.append(stretch)  # behind the others
            self._serve(stretch)  # what is taken may displace what somebody has come for
            stretch.take(self._held.offset)
            self._board(stretch)
            self._serve(stretch)
            self._end_if_done(stretch)
        is_looking = self._search is not None and self._search.has_more(self._held.offset)
        return is_looking or next(self._wanted(), None) is not None

    def _wanted(self) -> Iterator[Stretch]:
        """Yield those of which more can be taken, or read, by who waits for it."""
        end, held = self._held.offset, self._held.forgotten.position
        for stretch in self.stretches:
            last = stretch.tail.last
            if any(
                position < last or held <= position for position in stretch.waiting.values()
            ) or (stretch.waiting and stretch.has_more(end)):
                yield stretch

    def _serve(self, stretch: Stretch) -> None:
        """Let those read that wait for what has come."""
        tail = stretch.tail
        for stream, position in tuple(stretch.waiting.items()):
            if position >= tail.last:
                continue
            del stretch.waiting[stream]
            # The position before the first entry, or of one that is not held any more.
            first = LogCursors.offset(tail.forgotten.position)
            if tail.has(position):
                stretch.readers.add(stream)
                self._replays.read(stream, tail)
            elif not position or LogCursors.offset(position) < first:
                stretch.readers.add(stream)
                self._replays.skip(stream, tail)
            else:
                self._replays.refuse(stream)

    def _end_if_done(self, stretch: Stretch) -> None:
        """End a part that has come to what is held, or has had its turn."""
        for stream, position in tuple(stretch.waiting.items()):
            if position >= self._held.forgotten.position:
                del stretch.waiting[stream]
                if self._held.has(position):
                    self._replays.read_what_is_held(stream)
                else:
                    self._replays.refuse(stream)
        if not stretch.readers and not stretch.waiting:
            self._end(stretch)
        elif stretch.taken >= TURN_ENTRIES and self._line:
            self._end(stretch)

    def _end(self, stretch: Stretch) -> None:
        """Read a part no more; who still needs it goes to the end of the line."""
        self.stretches.remove(stretch)
        stretch.close()
        for stream, position in stretch.waiting.items():
            self._line.add(stream, position)
        for stream in stretch.readers:
            self._replays.read_what_is_held(stream)
        self._wake()

    # What is looked for

    def _begin_search(self, source: Source) -> None:
        since_ms = self._times.values[self._times.next()]
        times = self._times.values.items()
        wanted = {who: ms for who, ms in times if abs(ms - since_ms) <= NEAR_MS}
        self._look_from(source, wanted, 0, -1)

    def _look_from(
        self, source: Source, wanted: Mapping[Stream, int], tries: int, before: int
    ) -> None:
        start: int | datetime = 0
        if tries < len(LOOKED_BEFORE):
            earliest_s = min(wanted.values()) // 1000
            start = datetime.fromtimestamp(earliest_s, UTC) - LOOKED_BEFORE[tries]
        self._tries = tries
        self._search_until_s = 0.0
        self._search = Search(source, start, self._wake, wanted, before)

    def _look(self, search: Search) -> None:
        found = tuple(search.look(self._held.offset))
        if search.is_too_late:
            self._look_further_back(search)
        else:
            self._end_if_found(search)
        self._tell(found)

    def _look_further_back(self, search: Search) -> None:
        wanted = search.wanted
        self._end_search()
        if self._tries == len(LOOKED_BEFORE):
            self._tell([(stream, 0) for stream in wanted])  # a gap, rather than nothing for ever
        elif self._source is not None:
            self._look_from(self._source, wanted, self._tries + 1, search.first)

    def _tell(self, found: Iterable[tuple[Stream, int]]) -> None:
        for stream, position in found:
            self._times.discard(stream)
            self._found(stream, position)

    def _end_if_found(self, search: Search) -> None:
        if not search.wanted:
            self._end_search()
            self._wake()

    def _end_search(self) -> None:
        if self._search is not None:
            self._search.close()
            self._search = None
