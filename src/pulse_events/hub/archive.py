"""Older parts of a log than a process holds: read once more, for those who need them.

A few are read at a time, each for all who are near it; who is nowhere near waits in line, with its
position and nothing else.  Pure: what reads the log is a `Source`.
"""

from collections.abc import Callable, Iterator

from pulse_events.cursors import LogCursors
from pulse_events.history import Room
from pulse_events.hub.parts import Source, Stretch
from pulse_events.hub.ports import Stream
from pulse_events.hub.replay import Replays
from pulse_events.hub.searches import Searches
from pulse_events.hub.turns import Line
from pulse_events.log.tail import Tail

READERS = 4
"""Parts that are read at a time, in a process."""
PART_BYTES = 4 << 20
"""What is held of each: who is further behind the first of its readers is put in line again."""
TURN_ENTRIES = 20_000
"""Entries after which a part's readers go to the end of the line, if there is one."""


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
        self._source: Source | None = None
        self._line = Line()
        self.stretches: list[Stretch] = []
        """What is read now."""
        self._searches = Searches(self._wake, found)

    def __len__(self) -> int:
        """Number of streams that wait in line."""
        return len(self._line) + len(self._searches)

    # Where the log is read

    def opened(self, source: Source) -> None:
        """Note that the log can be read."""
        self._source = source
        self._wake()

    def closed(self) -> None:
        """Note that it cannot be read for now; who needs it waits."""
        self._source = None
        self._searches.end()
        for stretch in tuple(self.stretches):
            self._end(stretch)

    def tick(self, now_s: float) -> None:
        """Do what depends on the time."""
        if self._source is not None:
            self._searches.tick(self._source, now_s)
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
        self._searches.add(stream, since_ms)

    def stop_finding(self, stream: Stream) -> None:
        """Note that a stream has left."""
        self._searches.discard(stream)

    # What is read

    def _begin(self) -> None:
        """Begin to read what can be read."""
        if self._source is None:
            return
        self._searches.begin(self._source)
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
        end = self._held.offset
        if self._source is not None and self._searches.has_more(end):
            self._searches.look(self._source, end)
        elif (stretch := next(self._wanted(), None)) is not None:
            self.stretches.remove(stretch)
            self.stretches.append(stretch)  # behind the others
            self._serve(stretch)  # what is taken may displace what somebody has come for
            stretch.take(end)
            self._board(stretch)
            self._serve(stretch)
            self._end_if_done(stretch)
        return self._searches.has_more(end) or next(self._wanted(), None) is not None

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
