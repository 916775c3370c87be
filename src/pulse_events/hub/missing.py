"""What is missing to a stream that reads the history, and which gap it is owed for that."""

from itertools import islice

from pulse_events.history import BLOCK_ENTRIES, History, Hole, Mark, Record
from pulse_events.hub.builder import concerns
from pulse_events.hub.coverage import Coverage
from pulse_events.hub.losses import UNKNOWN_MS, Losses
from pulse_events.hub.ports import Stream
from pulse_events.hub.reading import OwedGap, ReadingPlace
from pulse_events.wire.wire import Gap

FORGOTTEN = "older messages are no longer held"
NOT_IN_FORCE = "these bindings were not all in force before"


class Missing:
    """Says from where to where messages are missing, and why.

    Args:
        history: All that is held here.
        coverage: Since when bindings have been in force.
        losses: What not everybody has been told of.
    """

    def __init__(self, history: History, coverage: Coverage, losses: Losses) -> None:
        self._history = history
        self._coverage = coverage
        self._losses = losses

    def in_force_since(self, stream: Stream) -> Mark:
        """Return since when all bindings of a stream have been in force."""
        assert stream.audience is not None
        return self._coverage.since(stream.audience.bindings)

    def owe(self, stream: Stream, place: ReadingPlace) -> None:
        """Note that its bindings were not in force all the time, if it is not told or owed that.

        Who cannot be resumed ends at the loss that was the reason.
        """
        covered, owed, told = self.in_force_since(stream), place.owed, place.told
        known = max(place.position, told.position, owed.until.position if owed else 0)
        if covered.position <= known or covered.time_ms <= told.time_ms or not stream.wire.resumes:
            return
        if owed is not None:
            at, from_ms = owed.position, owed.gap.from_ms
        else:
            at, from_ms = self._begins(stream, place)
        gap = Gap(self._why(stream, at, covered), from_ms, covered.time_ms)
        place.owed = OwedGap(gap, at, covered)

    def skip_forgotten(self, place: ReadingPlace, history: History) -> Gap | None:
        """Go on at the oldest entry of a history; return the gap, unless one behind it says so."""
        forgotten, owed, from_ms = _behind_holes(history), place.owed, self._from_ms(place)
        if owed is not None and owed.position < forgotten.position:
            from_ms = min(from_ms or UNKNOWN_MS, owed.gap.from_ms or UNKNOWN_MS) or None
            if forgotten.position < owed.until.position:
                gap = owed.gap._replace(from_ms=from_ms)
                place.owed = OwedGap(gap, place.sure, owed.until)
                place.position = history.forgotten.position
                return None
            place.owed = None
        place.told, place.passed_ms = forgotten, forgotten.time_ms
        place.position = forgotten.position
        return Gap(FORGOTTEN, from_ms, forgotten.time_ms)

    def _begins(self, stream: Stream, place: ReadingPlace) -> tuple[int, int | None]:
        """Return behind which position messages may be missing, and from when on."""
        assert stream.audience is not None
        if self._coverage.was_in_force(stream.audience.bindings, place.position):
            at, from_ms = self._losses.next_after(place.position)
            return at, from_ms or None
        return place.position, self._from_ms(place)

    def _from_ms(self, place: ReadingPlace) -> int | None:
        """Return from when on messages may be missing that a stream was not told of.

        That is before its place where this is between a loss and when it is told.
        """
        from_ms, lost_ms = place.passed_ms, self._losses.from_ms(place.position)
        if lost_ms is not None and from_ms is not None:
            from_ms = min(from_ms, lost_ms)
        return from_ms or None

    def _why(self, stream: Stream, position: int, covered: Mark) -> str:
        """Return why bindings were not in force before: the broker's words, if it has lost them."""
        assert stream.audience is not None
        for entry in islice(self._history.before(covered.position), BLOCK_ENTRIES):
            if isinstance(entry, Hole) and entry.position > position:
                if concerns(entry, stream.audience):
                    return entry.reason
        return NOT_IN_FORCE


def _behind_holes(history: History) -> Mark:
    """Return the moment behind the holes with which it begins: they are part of the same gap."""
    mark = history.forgotten
    for entry in history.after(mark.position):
        if isinstance(entry, Record):
            break
        mark = Mark(entry.position, entry.time_ms)
    return mark
