"""What is bound to be recorded, and what the log says of that: entries that tell the difference.

The broker does not say since when something is bound, to bind it again looks the same.  So the log
says what is recorded (`Holds`), and a process that binds something else tells it there.  Pure.
"""

from collections.abc import Callable, Collection, Iterable

from pulse_events.bindings import Binding
from pulse_events.log.entries import UNKNOWN_MS, Entry, Holds, Lost, Stamp, holds, mark_of
from pulse_events.log.intake import Intake

SAY_AGAIN_EVERY = 1000
"""Entries after which the log says again what is recorded; fewer than `LOOK_BACK` by far, since the
recorder may write thousands until this is looked at."""
GONE = "messages may be missing: exchange {!r} was deleted, or may not be read any more"
NEW = "messages may be missing: exchange {!r} was not recorded before as it is from here on"


class Register:
    """What one process binds.

    Args:
        recorded: What it is to record.
        intake: Where the log is read; what that says is known when it has read the log's end.
        stamp: Returns the stamp of an entry that no recorder writes.
    """

    def __init__(
        self, recorded: Iterable[Binding], intake: Intake, stamp: Callable[[], Stamp]
    ) -> None:
        self._recorded = tuple(recorded)
        self._intake = intake
        self._stamp = stamp
        self._bound_ms = UNKNOWN_MS
        self._refused: frozenset[str] = frozenset()
        """What the broker did not bind the last time."""
        self._told: frozenset[str] = frozenset()
        """What it did when that was told: if the log is another one, it goes on."""

    def bound(self, now_ms: int) -> None:
        """Note that all was bound that is said to be recorded."""
        self._bound_ms = now_ms

    def changes(self, refused: Collection[Binding]) -> list[Entry]:
        """Return what is to be written: what is recorded from now on, or no more, unlike before.

        Args:
            refused: What the broker did not bind.
        """
        held = self._intake.held or frozenset()
        bound = {mark_of(b): b.exchange for b in self._recorded if b not in refused}
        gone = {mark_of(b): b.exchange for b in refused if mark_of(b) in held}
        stamp, entries = self._stamp, list[Entry]()
        for exchange, since_ms in sorted(self._new(bound, held).items()):
            entries.append(Lost(stamp(), since_ms, exchange, NEW.format(exchange)))
        for exchange in sorted({*gone.values()}):
            entries.append(Lost(stamp(), self._bound_ms, exchange, GONE.format(exchange)))
        if self._intake.held is None or gone or bound.keys() - held:
            entries.append(holds(stamp(), held - gone.keys() | bound.keys()))
        return entries

    def _new(self, bound: dict[str, str], held: frozenset[str]) -> dict[str, int]:
        """Return of which exchanges something was not recorded, and since when."""
        intake = self._intake
        was_recording = intake.held is not None or intake.term
        new: dict[str, int] = {}
        for mark in bound.keys() - held if was_recording else bound.keys() & self._refused:
            if mark in self._told and mark not in intake.dropped:
                continue
            since_ms = intake.dropped.get(mark, UNKNOWN_MS)
            new[bound[mark]] = min(since_ms, new.get(bound[mark], since_ms))
        return new

    def note(self, refused: Collection[Binding], *, is_told: bool) -> None:
        """Note what the broker did not bind, and whether `changes` of that are written."""
        self._refused = frozenset(map(mark_of, refused))
        if is_told:
            self._told = frozenset(map(mark_of, self._recorded)) - self._refused

    def again(self) -> Holds | None:
        """Return what is to be written so that the log's end says at any time what is recorded."""
        held = self._intake.held
        if held is None or self._intake.since_held <= SAY_AGAIN_EVERY:
            return None
        return holds(self._stamp(), held)
