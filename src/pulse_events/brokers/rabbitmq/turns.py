"""Whose turn it is: bindings in line, by whose share of the broker's work they are.  Pure.

In the manner of fq_codel (RFC 8290, section 4.2): who had nothing in line comes before those who
had, for one quantum, and then takes turns with them.  Knows no broker, and not what is wanted.
"""

from collections import OrderedDict
from collections.abc import Mapping, Set
from enum import Enum
from itertools import islice
from typing import NamedTuple

from pulse_events.bindings import Binding

BATCH = 64
"""Bindings that are sent without waiting for an answer to each: one round trip instead of 64."""
QUANTUM = 8
"""Bindings of one share in a turn, while others have work too."""
SHARES_LIMIT = 16
"""Shares that one binding may be in line of: what comes later waits with these."""


class Work(Enum):
    """What is to be done with a binding."""

    BIND = "bind"
    AGAIN = "bind again"
    """Somebody asked for it before; the broker has not answered, or may have lost it since."""
    APART = "bind apart"
    """It may end the connection that it is asked on."""
    UNBIND = "unbind"


_SINGLY = {Work.UNBIND: QUANTUM, Work.APART: 1}
"""What is done one by one, and how many of those are a turn, which nobody else has part in."""


class Share(NamedTuple):
    """One kind of work of one owner; of the owner ``""`` is what nobody waits for."""

    owner: str
    work: Work = Work.BIND

    @property
    def is_urgent(self) -> bool:
        """Tell whether somebody waits for it."""
        return bool(self.owner) and self.work is not Work.UNBIND


EVERYTHING = Share("", Work.AGAIN)
"""For what is bound again as a whole."""


class Turn(NamedTuple):
    """What is to be done next, in this order."""

    parts: dict[Share, list[Binding]]

    @property
    def bindings(self) -> list[Binding]:
        """All bindings, each once."""
        return list(dict.fromkeys(binding for part in self.parts.values() for binding in part))

    @property
    def work(self) -> Work:
        """What is to be done; of several shares, to bind."""
        return next(iter(self.parts)).work


class _Line:
    """The bindings of one share."""

    __slots__ = ("bindings", "most")

    def __init__(self) -> None:
        self.bindings: dict[Binding, object] = {}
        self.most = 0
        """Bindings that may be tried at once, and with nobody else's: some have been refused."""

    def first(self, count: int) -> list[Binding]:
        return list(islice(self.bindings, min(count, self.most or count)))


class BindingTurns:
    """Lines of bindings, and the order in which their shares have their turn."""

    def __init__(self) -> None:
        self._lines: dict[Share, _Line] = {}
        self._busy: set[Share] = set()
        """Those with something in line."""
        # Ordered ones: in a dict the first key is found behind the places of all that were deleted.
        self._new: OrderedDict[Share, None] = OrderedDict()
        self._old: OrderedDict[Share, None] = OrderedDict()
        self._shares_of: dict[Binding, tuple[Share, ...]] = {}

    def count(self, share: Share) -> int:
        """Return how many bindings are in line for ``share``."""
        line = self._lines.get(share)
        return len(line.bindings) if line else 0

    def has_newcomers(self) -> bool:
        """Tell whether somebody has come who had nothing in line."""
        return not self._busy.isdisjoint(self._new)

    def add(self, share: Share, binding: Binding) -> None:
        """Put ``binding`` at the end of a share's line; it may be in line for other owners, too."""
        shares = self._shares_of.get(binding, ())
        if len(shares) < SHARES_LIMIT and all(share.owner != other.owner for other in shares):
            self._shares_of[binding] = (*shares, share)
            self._line(share).bindings[binding] = None
            self._busy.add(share)

    def add_everything(self, bindings: Mapping[Binding, object]) -> None:
        """Put ``bindings`` in line to be bound again; in a millisecond for a hundred thousand."""
        line = self._line(EVERYTHING)
        line.bindings.update(bindings)
        if line.bindings:
            self._busy.add(EVERYTHING)

    def discard(self, binding: Binding) -> None:
        """Take ``binding`` out of all lines."""
        for share in (*self._shares_of.pop(binding, ()), EVERYTHING):
            if share in self._busy:
                line = self._lines[share].bindings
                line.pop(binding, None)
                if not line:
                    self._busy.remove(share)

    def next(self) -> Turn | None:
        """Return what is to be done now; all stay in line until they are discarded.

        It is a quantum of each of the next shares, as many as make a batch.  Newcomers do not wait
        for an answer together with those who were there before.
        """
        head = self._head()
        if head is None:
            return None
        if head.work in _SINGLY:
            return Turn({head: self._lines[head].first(_SINGLY[head.work])})
        is_alone = len(self._busy) == 1
        if self._lines[head].most or is_alone:
            return Turn({head: self._lines[head].first(BATCH if is_alone else QUANTUM)})
        parts: dict[Share, list[Binding]] = {}
        left = BATCH
        for share in self._new if head in self._new else self._old:
            if not left or not self._joins(share):
                break
            part = self._lines[share].first(min(QUANTUM, left))
            if part:
                parts[share] = part
                left -= len(part)
        return Turn(parts)

    def done(self, turn: Turn, answered: Set[Binding]) -> None:
        """Move the shares to the end of the round; those of which nothing was answered stay."""
        for share, part in turn.parts.items():
            if not answered.isdisjoint(part):
                self._move_back(share)

    def passed(self, turn: Turn) -> None:
        """Note that nothing was refused: more may be tried at once again."""
        for share in turn.parts:
            line = self._lines[share]
            line.most = 2 * line.most if 2 * line.most <= BATCH else 0
            self._move_back(share)

    def failed(self, turn: Turn, tried: int) -> None:
        """Note that one of the bindings was refused, nobody knows which.

        Half as many are tried, of several shares each apart, now; of one after the others' turn.
        """
        for share in turn.parts:
            self._lines[share].most = max(1, tried // 2)
        if len(turn.parts) == 1:
            self._move_back(*turn.parts)

    def _line(self, share: Share) -> _Line:
        if share not in self._lines:
            self._lines[share] = _Line()
            (self._new if share.is_urgent else self._old)[share] = None
        return self._lines[share]

    def _head(self) -> Share | None:
        """Return whose turn it is.

        Who has nothing left stays in the round once, else one who comes again and again would
        always be new (RFC 8290, section 4.2).
        """
        while self._new:
            share = next(iter(self._new))
            if share in self._busy:
                return share
            self._move_back(share)
        while self._old:
            share = next(iter(self._old))
            if share in self._busy:
                return share
            del self._old[share], self._lines[share]
        return None

    def _joins(self, share: Share) -> bool:
        return share.work not in _SINGLY and not self._lines[share].most

    def _move_back(self, share: Share) -> None:
        self._new.pop(share, None)
        self._old[share] = None
        self._old.move_to_end(share)
