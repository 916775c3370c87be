"""Where in a log a time is: looked for in parts of it, for several streams at once.  Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from math import inf
from operator import itemgetter

from pulse_events.cursors import LogCursors
from pulse_events.hub.parts import Part, Source
from pulse_events.hub.ports import Stream
from pulse_events.hub.turns import Line
from pulse_events.log.entries import check

LOOKED_BEFORE = (timedelta(seconds=2), timedelta(minutes=1), timedelta(hours=1))
"""How long before a time the log is looked into for it; the clocks of recorders and broker differ.
"""
NEAR_MS = 1000
"""Times so near to each other are looked for at once."""
FOUND_WITHIN_S = 5.0
"""How long nothing may be found of a time until it is looked for further back."""


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


class Searches:
    """The streams that wait for a time to be found, and what is looked for now.

    Args:
        wake: Told that there is something to do.
        found: Told the position of a stream's time; see `Search.look`.
    """

    def __init__(self, wake: Callable[[], None], found: Callable[[Stream, int], None]) -> None:
        self._wake = wake
        self._found = found
        self._times = Line()
        self._search: Search | None = None
        self._tries = 0
        self._until_s = 0.0

    def __len__(self) -> int:
        """Number of streams."""
        return len(self._times)

    def add(self, stream: Stream, since_ms: int) -> None:
        """Have it found where in the log what came at ``since_ms`` begins."""
        self._times.add(stream, since_ms)
        self._wake()

    def discard(self, stream: Stream) -> None:
        """Note that a stream has left, if it waits."""
        self._times.discard(stream)
        if self._search is not None and self._search.wanted.pop(stream, None) is not None:
            self._end_if_found(self._search)

    def begin(self, source: Source) -> None:
        """Look for the next times, if there are any and none is looked for."""
        if not self._times or self._search is not None:
            return
        since_ms = self._times.values[self._times.next()]
        times = self._times.values.items()
        wanted = {who: ms for who, ms in times if abs(ms - since_ms) <= NEAR_MS}
        self._look_from(source, wanted, 0, -1)

    def has_more(self, end: int) -> bool:
        """Tell whether there is something to `look` at."""
        return self._search is not None and self._search.has_more(end)

    def look(self, source: Source, end: int) -> None:
        """Look at some of what arrived, up to the offset ``end``."""
        search = self._search
        if search is not None:
            found = tuple(search.look(end))
            if search.is_too_late:
                self._look_further_back(source, search)
            else:
                self._end_if_found(search)
            self._tell(found)

    def tick(self, source: Source, now_s: float) -> None:
        """Look further back for what has not been found for a while."""
        if self._search is None:
            return
        if not self._until_s:
            self._until_s = now_s + FOUND_WITHIN_S
        elif now_s > self._until_s:
            self._look_further_back(source, self._search)

    def end(self) -> None:
        """Look for nothing for now; who waits goes on waiting."""
        if self._search is not None:
            self._search.close()
            self._search = None

    def _look_from(
        self, source: Source, wanted: Mapping[Stream, int], tries: int, before: int
    ) -> None:
        start: int | datetime = 0
        if tries < len(LOOKED_BEFORE):
            earliest_s = min(wanted.values()) // 1000
            start = datetime.fromtimestamp(earliest_s, UTC) - LOOKED_BEFORE[tries]
        self._tries = tries
        self._until_s = 0.0
        self._search = Search(source, start, self._wake, wanted, before)

    def _look_further_back(self, source: Source, search: Search) -> None:
        wanted = search.wanted
        self.end()
        if self._tries == len(LOOKED_BEFORE):
            self._tell([(stream, 0) for stream in wanted])  # a gap, rather than nothing for ever
        else:
            self._look_from(source, wanted, self._tries + 1, search.first)

    def _tell(self, found: Iterable[tuple[Stream, int]]) -> None:
        for stream, position in found:
            self._times.discard(stream)
            self._found(stream, position)

    def _end_if_found(self, search: Search) -> None:
        if not search.wanted:
            self.end()
            self._wake()
