"""Streams that are not live: each reads the history from its place on, at its own pace.

A stream comes here when it begins at a cursor or a time, and when it leaves too much unread.  In
each turn one stream gets one block.  At the history's end it is live again, in the same call.  What
it holds meanwhile is its place.
"""

from collections.abc import Callable, Collection
from typing import Protocol

from pulse_events.cursors import Foreign
from pulse_events.errors import MessagesMissed, PulseEventsError, StreamEnded
from pulse_events.history import History, Hole, Mark, Record
from pulse_events.hub.audience import Audience
from pulse_events.hub.builder import Builder, concerns
from pulse_events.hub.losses import UNKNOWN_MS
from pulse_events.hub.missing import Missing
from pulse_events.hub.ports import Stream
from pulse_events.hub.reading import NOW, ReadingPlace, Start
from pulse_events.hub.turns import StreamTurns
from pulse_events.times import iso_time
from pulse_events.topics.index import OddKeys
from pulse_events.wire.wire import Gap, gap_event, ready_event

LOOKED_BACK_AT = 256
"""Entries that are looked at in a turn for the newest messages."""

FORGED = "the cursor is not of this server's history"
OF_ANOTHER = "the history was another process'"
_FOREIGN = {Foreign.FORGED: FORGED, Foreign.OF_ANOTHER: OF_ANOTHER}
_TOO_SLOW = (
    "slow reader: more was unread than this server's history holds; messages are missing; connect "
    "again and read faster, or ask for fewer"
)
_FAILED = "messages may be missing: the server failed at reading its history"


class Older(Protocol):
    """Who has parts of a history that are forgotten here."""

    def ask(self, stream: Stream, position: int) -> None:
        """Have `Replays.read` called, or another of its answers, when there is what follows.

        What it was called with before is no longer read.
        """

    def leave(self, stream: Stream) -> None:
        """Note that a stream needs nothing more of them."""


class Replays:
    """The streams that read the history, and whose turn it is.

    Args:
        history: What is read.
        match: Returns who gets a message; see `Routes.match`.
        missing: Says what is missing to a stream.
        pace: Told to call a step over and over, a share of the time, until it returns ``False``.
        retry_ms: Returns after how long a client is to come back.
        arrive: Makes a stream live: it has had all there is.
        end: Ends a stream.
    """

    def __init__(
        self,
        history: History,
        match: Callable[[Record], Collection[Audience]],
        missing: Missing,
        pace: Callable[[Callable[[], bool]], None],
        retry_ms: Callable[[], int],
        arrive: Callable[[Stream], None],
        end: Callable[[Stream, PulseEventsError], None],
    ) -> None:
        self.gaps = self.messages_out = self.bytes_out = 0
        self.older: Older | None = None
        """Who is asked for what is forgotten, if anybody has it."""
        self._history = history
        self._match = match
        self._missing = missing
        self._pace = pace
        self._retry_ms = retry_ms
        self._arrive = arrive
        self._end = end
        self._builder = Builder(match)
        self._places: dict[Stream, ReadingPlace] = {}
        self._turns = StreamTurns()

    def __len__(self) -> int:
        """Number of streams that read the history."""
        return len(self._places)

    def begin(self, stream: Stream, start: Start) -> None:
        """Let a stream have ``ready``, then what follows its start: its bindings are in force."""
        if start.last and not start.cursor and start.since_ms is None:
            self._begin_last(stream, start.last)
            return
        position, passed_ms, foreign = self._resolve(stream, start)
        at = self._history.cursors.at(position)
        events = ready_event(at, self._retry_ms())
        if foreign is not None:
            self.gaps += 1
            events += gap_event(Gap(_FOREIGN[foreign], None, self._history.now_ms()), at)
        stream.write(stream.wire.encode(events))
        place = ReadingPlace(self._history, position, passed_ms)
        place.is_awaited = start != NOW
        if position == self._history.last:
            self._go_live(stream, place)
        else:
            self._place(stream, place)

    def _resolve(self, stream: Stream, start: Start) -> tuple[int, int | None, Foreign | None]:
        """Return the position of a start, what was when it began, and why that is not its own."""
        history = self._history
        if start.found is not None:
            return start.found, start.since_ms, None
        if start.cursor:
            position = history.place_of(start.cursor)
            if isinstance(position, Foreign):
                return history.last, None, position
            return position, history.time_of(position), None
        if start.since_ms is None:
            return history.last, None, None
        position = history.position_at(start.since_ms)
        covered = self._missing.in_force_since(stream)
        if start.since_ms >= covered.time_ms:
            position = max(position, covered.position)
        return position, start.since_ms, None

    def _begin_last(self, stream: Stream, last: int) -> None:
        # Its first ``ready`` says where the messages begin, so that none is lost if it breaks off.
        place = ReadingPlace(self._history, self._history.forgotten.position, None, last=last)
        place.looked = place.found = self._history.last
        place.told = Mark(self._missing.in_force_since(stream).position, UNKNOWN_MS)
        self._place(stream, place)

    def fall_behind(self, stream: Stream, position: int) -> None:
        """Let a stream that was live go on from ``position`` when it has read what it has."""
        history = self._history
        time_ms = history.entered_ms if position == history.last else history.time_of(position)
        self._place(stream, ReadingPlace(history, position, time_ms))

    def _place(self, stream: Stream, place: ReadingPlace) -> None:
        self._places[stream] = place
        self._missing.owe(stream, place)
        assert stream.audience is not None
        stream.audience.fall_behind(stream)
        self.drained(stream)

    def leave(self, stream: Stream) -> None:
        """Forget a stream, if it is here."""
        if self._places.pop(stream, None) is not None:
            self._turns.discard(stream)
            if self.older is not None:
                self.older.leave(stream)

    def forget(self, audience: Audience) -> None:
        """Note that ``audience`` is gone."""
        self._builder.forget(audience)

    def position_of(self, stream: Stream) -> int | None:
        """Return what a stream has had up to, and was told of, if it is here."""
        place = self._places.get(stream)
        return place.sure if place else None

    def drained(self, stream: Stream) -> None:
        """Note that a stream can be written to again: if it is here, it gets more in its turn."""
        place = self._places.get(stream)
        if place is not None and not (place.is_in_line or stream.is_blocked):
            is_waking = bool(self._turns)
            self._turns.add(stream)
            if not is_waking:
                self._pace(self._step)

    # What older parts there are

    def read(self, stream: Stream, history: History) -> None:
        """Let a stream that asked for an older part read it in ``history``, as far as that goes."""
        place = self._places[stream]
        place.history = history
        place.is_in_line = False
        self.drained(stream)

    def read_what_is_held(self, stream: Stream) -> None:
        """Let a stream read here again; it asks once more if what it needs is not held."""
        self.read(stream, self._history)

    def skip(self, stream: Stream, history: History) -> None:
        """Let a stream read ``history``, an older part which begins behind what it asked for."""
        self._skip_forgotten(stream, self._places[stream], history)
        self.read(stream, history)

    def refuse(self, stream: Stream) -> None:
        """Note that what a stream came with is not a place in this history: it goes on live."""
        place, history = self._places[stream], self._history
        self._tell(stream, Gap(_FOREIGN[Foreign.OF_ANOTHER], None, history.now_ms()), history.last)
        place.position = history.last
        self.read(stream, history)

    # One turn

    def _step(self) -> bool:
        """Let one stream have a block; return whether others wait."""
        if self._turns:
            stream = self._turns.take()
            try:
                self._advance(stream)
            except Exception:
                self._end(stream, told_by_an_end(_FAILED))  # rather than silence
                raise
            place = self._places.get(stream)
            if place is not None and not (place.is_in_line or stream.is_blocked):
                self._turns.add(stream)
        return bool(self._turns)

    def _advance(self, stream: Stream) -> None:
        place, audience = self._places[stream], stream.audience
        assert audience is not None
        if place.history is not self._history:
            self._leave_older(stream, place)
        if place.left:
            self._look_back(stream, place, audience)
            return
        self._missing.owe(stream, place)  # not before: its place is only known when they are found
        if self._has(place):
            self._read_block(stream, place, audience)
        elif not audience.wire.resumes:
            self._end(stream, StreamEnded(_TOO_SLOW))
        elif self.older is None:
            self._skip_forgotten(stream, place, self._history)
        else:
            place.is_in_line = True
            self.older.ask(stream, place.position)

    def _has(self, place: ReadingPlace) -> bool:
        """Tell whether it can go on in the history that it reads."""
        history = place.history
        is_at_an_end = history is not self._history and place.position >= history.last
        return place.position >= history.forgotten.position and not is_at_an_end

    def _leave_older(self, stream: Stream, place: ReadingPlace) -> None:
        """Let a stream go on in what is held, as soon as that has what it needs."""
        if place.position >= self._history.forgotten.position:
            assert self.older is not None
            self.older.leave(stream)
            place.history = self._history

    def _look_back(self, stream: Stream, place: ReadingPlace, audience: Audience) -> None:
        """Look for the newest messages that it asked for; it is ready when they are found."""
        looked = 0
        for entry in self._history.before(place.looked):
            place.looked = entry.position - 1
            if isinstance(entry, Hole):
                is_found = concerns(entry, audience)
            elif is_found := self._is_for(audience, entry):
                place.left -= 1
            if is_found:
                place.found = place.looked
            looked += 1
            if not place.left or looked == LOOKED_BACK_AT:
                break
        else:
            # There are not so many.  It begins at the oldest nevertheless: from before that, its
            # bindings need not have been in force, and who came back there would be told so.
            place.left = 0
        if not place.left:
            place.position = place.found
            ready = ready_event(self._history.cursors.at(place.position), self._retry_ms())
            stream.write(stream.wire.encode(ready))

    def _is_for(self, audience: Audience, record: Record) -> bool:
        try:
            return audience in self._match(record)
        except OddKeys as odd:
            return audience in odd.found

    def _skip_forgotten(self, stream: Stream, place: ReadingPlace, history: History) -> None:
        gap = self._missing.skip_forgotten(place, history)
        if gap is not None:
            self._tell(stream, gap, place.position)

    def _read_block(self, stream: Stream, place: ReadingPlace, audience: Audience) -> None:
        """Send what follows the stream's place; if that was all, it is live."""
        owed, told, limit = place.owed, place.told.position, 0
        if owed is not None and place.position < owed.position:
            limit = owed.position
        elif owed is not None:
            told = owed.until.position
        block = self._builder.block(place.history, audience, place.position, told, limit)
        if owed is not None and not limit and (block.chunk or block.stop >= told):
            # Before all that comes: who has seen the id of a message was told what is before it.
            self._tell(stream, owed.gap, place.sure if block.chunk else told)
            place.owed, place.told = None, owed.until
        if block.chunk:
            self.messages_out += block.messages
            self.gaps += block.gaps
            self.bytes_out += len(block.chunk)
            stream.write(block.chunk)
        place.position = block.stop
        place.passed_ms = block.time_ms or place.passed_ms
        if block.loss:
            self._end(stream, told_by_an_end(block.loss))
        elif place.position >= self._history.last and not stream.is_blocked:
            # In this very call: nothing can come in between.
            self.leave(stream)
            self._go_live(stream, place)

    def _go_live(self, stream: Stream, place: ReadingPlace) -> None:
        self._arrive(stream)
        if place.is_awaited:
            now = iso_time(self._history.now_ms())
            stream.write(stream.wire.ping(now, self._history.cursors.at(self._history.last)))

    def _tell(self, stream: Stream, gap: Gap, position: int) -> None:
        self.gaps += 1
        stream.write(stream.wire.encode(gap_event(gap, self._history.cursors.at(position))))


def told_by_an_end(loss: str) -> MessagesMissed:
    """Return why a stream ends that cannot be resumed: it is all that it can be told of a loss."""
    return MessagesMissed(f"{loss}; connect again")
