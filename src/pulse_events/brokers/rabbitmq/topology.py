"""The bindings of one queue as they are wanted, and what is to be done so that they are in force.

What is wanted and what is bound are sets; the work is their difference, so a binding that comes and
goes quickly costs nothing.  Whose work comes first, and how much of it at once, `BindingTurns`
says; how it is done, `Binder` knows.
"""

import asyncio
import time
from collections.abc import Callable

from pulse_events.bindings import Binding
from pulse_events.brokers.rabbitmq.refusals import LAST_S, RecentRefusals
from pulse_events.brokers.rabbitmq.turns import BindingTurns, Share, Work
from pulse_events.hub.ports import Waiting


class Topology:
    """The bindings of one queue: wanted by the hub, in force at the broker.

    Args:
        clock: Returns seconds; never goes back.
        refusals_last_s: How long the broker is not asked again for what it refused.
        is_deadly: Tells whether a binding might end the connection that it is asked on.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        refusals_last_s: float = LAST_S,
        is_deadly: Callable[[Binding], bool] = lambda binding: False,
    ) -> None:
        self._clock = clock
        self._is_deadly = is_deadly
        self._wanted: dict[Binding, str] = {}
        """By whom first."""
        self._unanswered: dict[Binding, float] = {}
        """Since when; the oldest first."""
        self._bound: set[Binding] = set()
        """What may be at the broker: sent, perhaps not answered."""
        self._asked: list[Binding] = []
        """What the broker is being asked about."""
        self._is_unbinding = False
        self._apart: set[Binding] = set()
        """What of the wanted is bound apart."""
        self.turns = BindingTurns()
        self._refusals = RecentRefusals(clock, refusals_last_s)
        self.work = asyncio.Event()
        """Set when there may be something to do."""

    def want(self, binding: Binding, owner: str = "") -> None:
        """Bind ``binding`` as soon as its turn comes, and whenever the connection is new.

        What another owner wants already is in line for this one, too.
        """
        work = Work.AGAIN
        if binding not in self._wanted:
            work = Work.BIND
            self._wanted[binding] = owner
            self.turns.discard(binding)  # if it was to be unbound
            if self._is_deadly(binding):
                self._apart.add(binding)
        # Its first time stays: else who asks again and again would make the oldest look young.
        self._unanswered.setdefault(binding, self._clock())
        self.turns.add(Share(owner, Work.APART if binding in self._apart else work), binding)
        self.work.set()

    def drop(self, binding: Binding) -> None:
        """Take ``binding`` away as soon as its turn comes."""
        owner = self._wanted.pop(binding, "")
        self._unanswered.pop(binding, None)
        self._apart.discard(binding)
        self.turns.discard(binding)
        if binding in self._bound:
            self.turns.add(Share(owner, Work.UNBIND), binding)
            self.work.set()

    def audit(self) -> None:
        """Bind everything once more, in turn with other work: the broker tells not what is gone.

        Binding what is bound changes nothing.  Of an exchange that was deleted all bindings are
        refused; of one that was made again meanwhile they are in force again.
        """
        self._add_everything(self._wanted)
        self.work.set()

    def outstanding(self, owner: str) -> int:
        """Return how many bindings ``owner`` was the first to want have never been answered."""
        return self.turns.count(Share(owner)) + self.turns.count(Share(owner, Work.APART))

    def waiting(self) -> Waiting:
        """Return how many bindings have no answer, and for how long the oldest."""
        since_s = next(iter(self._unanswered.values()), self._clock())
        return Waiting(len(self._unanswered), self._clock() - since_s)

    def forget_answers(self) -> None:
        """Have everything bound again; who waits for an answer already is still before that."""
        answered = self._wanted.copy()
        for binding in self._unanswered:
            del answered[binding]
        self._add_everything(answered)
        self._unanswered.update(dict.fromkeys(answered, self._clock()))
        for binding in self._bound.difference(self._wanted):
            self.turns.add(Share("", Work.UNBIND), binding)

    def suspect(self) -> None:
        """Note that the connection failed: what the broker was being asked may be why.

        It is bound apart from now on, or not unbound, so that it does not end the next one.
        """
        for binding in self._asked:
            if binding in self._wanted:
                self.turns.discard(binding)
                self._apart.add(binding)
                self.turns.add(Share(self._wanted[binding], Work.APART), binding)
            elif self._is_unbinding:
                self.turns.discard(binding)
                self._bound.discard(binding)
        self._asked = []

    def _add_everything(self, bindings: dict[Binding, str]) -> None:
        if self._apart:
            bindings = bindings.copy()  # it may be the wanted ones themselves
            for binding in self._apart.intersection(bindings):
                del bindings[binding]
                self.turns.add(Share("", Work.APART), binding)
        self.turns.add_everything(bindings)

    def still_wanted(self, batch: list[Binding]) -> list[Binding]:
        """Return those of ``batch`` that nobody has dropped."""
        return [binding for binding in batch if binding in self._wanted]

    def why_not(self, binding: Binding) -> str | None:
        """Return why the broker is not to be asked for ``binding``; it has just refused it.

        What may be there is worth a question: its clients may have had `ready` long since.
        """
        return None if binding in self._bound else self._refusals.find(binding)

    def sending(self, batch: list[Binding]) -> set[Binding]:
        """Note that ``batch`` may be at the broker from now on, even if no answer comes.

        Returns:
            What may not have been there before.
        """
        # Before the answer: lost on the way, it may be there, and must be unbound one day.
        new = set(batch) - self._bound
        self._bound |= new
        return new

    def asking(self, batch: list[Binding], *, is_unbinding: bool = False) -> None:
        """Note what the broker is being asked about; nothing, when it has answered."""
        self._asked = batch
        self._is_unbinding = is_unbinding

    def not_reached(self, bindings: set[Binding]) -> None:
        """Note that the broker did not come to ``bindings``, which were not there before."""
        self._bound -= bindings

    def confirmed(self, binding: Binding) -> bool:
        """Note that ``binding`` is bound; return whether somebody waits to hear it."""
        if binding in self._wanted:
            self.turns.discard(binding)
        return self._unanswered.pop(binding, None) is not None

    def remember(self, refused: str | Binding, reason: str) -> None:
        """Note that the broker refuses one binding, or any to the exchange of this name."""
        self._refusals.add(refused, reason)

    def refused(self, binding: Binding) -> bool:
        """Note that ``binding`` is not bound, and forget it; return whether it was wanted."""
        self.turns.discard(binding)
        self._apart.discard(binding)
        self._bound.discard(binding)
        self._unanswered.pop(binding, None)
        return self._wanted.pop(binding, None) is not None

    def unbinding(self, binding: Binding) -> bool:
        """Note that ``binding`` is being unbound; return whether it should be."""
        if binding in self._wanted:
            return False
        self.turns.discard(binding)
        return True

    def unbound(self, binding: Binding) -> None:
        """Note that ``binding`` is not at the broker."""
        self._bound.discard(binding)
