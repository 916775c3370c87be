"""Whose entries of a log count, of several recorders that took turns.

A recorder that lost its turn may not know it yet, and a broker that comes back may take what it
wrote behind its successor's `Began`.  So the log's order decides: each recorder's *term* is greater
than those before, and what is of a former term, behind the `Began` of a later one, counts for
nobody: nobody acknowledges it, its successor records it.  Pure.
"""

from pulse_events.log.entries import Began, Entry, Holds, Lost, Probe


class Succession:
    """The recorders of a log, as it is read in order from some entry on.

    Wherever it begins, it comes to the same answers; but what a predecessor wrote behind a `Began`
    counts if nothing of its successor's was read before it.
    """

    def __init__(self) -> None:
        self.term = 0
        """Of the recorder whose turn it is; 0 as long as none is known."""
        self._writer = ""
        self._due: int | None = None
        """The number that its next entry must have; ``None`` if any may."""

    def skip(self) -> None:
        """Note that what follows is not what follows in the log: some was not read."""
        self._due = None

    def counts(self, entry: Entry) -> bool:
        """Tell whether the next entry counts; what is no recorder's own does.

        Behind a missing number of a writer nothing of it counts: the broker has lost what had that
        number, and a successor writes all from there on again.
        """
        stamp = entry.stamp
        is_own = isinstance(entry, Lost | Holds) and stamp.number == 0
        if is_own or isinstance(entry, Probe):
            return True  # no recorder wrote it: each begins with `Began`
        if stamp.term > self.term:  # no `Began` of its own: that was before the first that was read
            self.term, self._writer, self._due = stamp.term, stamp.writer, None
        elif (stamp.term, stamp.writer) != (self.term, self._writer) or isinstance(entry, Began):
            return False
        if self._due not in (None, stamp.number):
            self._due = -1
            return False
        self._due = stamp.number + 1
        return True
