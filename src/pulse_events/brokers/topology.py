"""Keeps the bindings of one queue as they are wanted, over any number of channels.

Knows no AMQP library: it works through a `TopologyChannel`.  What is wanted and what is bound are
sets; the work is their difference, so a binding that comes and goes quickly costs nothing.  Whose
work comes first, and how much of it at once, `Turns` says.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from pulse_events.bindings import Binding
from pulse_events.brokers import Listener, Waiting
from pulse_events.brokers.refusals import LAST_S, Refusals
from pulse_events.brokers.turns import Share, Turn, Turns, Work
from pulse_events.errors import BindingRefused, PulseEventsError

log = logging.getLogger(__name__)


class BatchRefused(PulseEventsError):
    """The broker refused one of the bindings of a batch and closed the channel.

    Args:
        words: What it said.
        missing: The exchange that does not exist, if it said so of a certain one.
    """

    def __init__(self, words: str, missing: str | None = None) -> None:
        super().__init__(words)
        self.missing = missing

    def guilty_of(self, batch: list[Binding]) -> list[Binding]:
        """Return what of ``batch`` is refused for certain; nothing if it may be any of several."""
        if self.missing is None and len(batch) > 1:
            return []
        return [b for b in batch if self.missing in (None, b.exchange)]


class TopologyChannel(Protocol):
    """What `Topology` needs of an AMQP channel."""

    async def bind(self, batch: list[Binding]) -> None:
        """Bind all of ``batch``, in order; return when the broker confirmed the last.

        Raises:
            BatchRefused: The broker refused one of them and closed the channel; all before it are
                bound.
            BrokerUnavailable: The connection is lost.
        """

    async def unbind(self, binding: Binding) -> None:
        """Take ``binding`` away; raises as `bind` does."""


class Topology:
    """The bindings of one queue: wanted by the hub, in force at the broker.

    Args:
        clock: Returns seconds; never goes back.
        refusals_last_s: How long the broker is not asked again for what it refused.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, refusals_last_s: float = LAST_S
    ) -> None:
        self._clock = clock
        self._wanted: dict[Binding, str] = {}
        """By whom first."""
        self._unanswered: dict[Binding, float] = {}
        """Since when; the oldest first."""
        self._bound: set[Binding] = set()
        """What may be at the broker: sent, perhaps not answered."""
        self.turns = Turns()
        self._refusals = Refusals(clock, refusals_last_s)
        self._work = asyncio.Event()

    def want(self, binding: Binding, owner: str = "") -> None:
        """Bind ``binding`` as soon as its turn comes, and whenever the connection is new.

        What another owner wants already is in line for this one, too.
        """
        work = Work.AGAIN if binding in self._wanted else Work.BIND
        if work is Work.BIND:
            self._wanted[binding] = owner
            self.turns.discard(binding)  # if it was to be unbound
        self._unanswered.setdefault(binding, self._clock())
        self.turns.add(Share(owner, work), binding)
        self._work.set()

    def drop(self, binding: Binding) -> None:
        """Take ``binding`` away as soon as its turn comes."""
        owner = self._wanted.pop(binding, "")
        self._unanswered.pop(binding, None)
        self.turns.discard(binding)
        if binding in self._bound:
            self.turns.add(Share(owner, Work.UNBIND), binding)
            self._work.set()

    def audit(self) -> None:
        """Bind everything once more, in turn with other work: the broker tells not what is gone.

        Binding what is bound changes nothing.  Of an exchange that was deleted all bindings are
        refused; of one that was made again meanwhile they are in force again.
        """
        self.turns.add_everything(self._wanted)
        self._work.set()

    def outstanding(self, owner: str) -> int:
        """Return how many bindings ``owner`` was the first to want have never been answered."""
        return self.turns.count(Share(owner))

    def waiting(self) -> Waiting:
        """Return how many bindings have no answer, and for how long the oldest."""
        since_s = next(iter(self._unanswered.values()), self._clock())
        return Waiting(len(self._unanswered), self._clock() - since_s)

    async def run(
        self, listener: Listener, open_channel: Callable[[], Awaitable[TopologyChannel]]
    ) -> None:
        """Bind everything that is wanted, then whatever changes, until cancelled.

        Raises:
            BrokerUnavailable: The connection is lost.
        """
        worker = _Worker(self, listener, open_channel)
        try:
            while True:
                self._work.clear()
                while turn := self.turns.next():
                    await worker.work_on(turn)
                await self._work.wait()
        finally:
            self._forget_answers()

    def _forget_answers(self) -> None:
        """Have everything bound again; who waits for an answer already is still before that."""
        answered = [binding for binding in self._wanted if binding not in self._unanswered]
        self.turns.add_everything(answered)
        self._unanswered.update(dict.fromkeys(answered, self._clock()))
        for binding in self._bound - self._wanted.keys():
            self.turns.add(Share("", Work.UNBIND), binding)

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
        new = set(batch) - self._bound
        self._bound |= new
        return new

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


class _Worker:
    """Carries out the work of one connection, on a new channel after each refusal."""

    def __init__(
        self,
        topology: Topology,
        listener: Listener,
        open_channel: Callable[[], Awaitable[TopologyChannel]],
    ) -> None:
        self._topology = topology
        self._turns = topology.turns
        self._listener = listener
        self._open_channel = open_channel
        self._channel: TopologyChannel | None = None

    async def work_on(self, turn: Turn) -> None:
        """Do what ``turn`` says, as far as it is still wanted."""
        if turn.is_unbinding:
            await self._unbind(turn)
            return
        self._refuse_from_memory(turn)
        batch = self._topology.still_wanted(turn.bindings)
        if batch:
            await self._bind(turn, batch)
        else:
            self._turns.done(turn, set(turn.bindings))
            await asyncio.sleep(0)  # the broker was not asked, so nobody else had the loop

    async def _bind(self, turn: Turn, batch: list[Binding]) -> None:
        new = self._topology.sending(batch)
        try:
            await (await self._opened()).bind(batch)
        except BatchRefused as refusal:
            self._channel = None  # RabbitMQ closes a channel with each refusal
            guilty = refusal.guilty_of(batch)
            if guilty:
                before = batch[: batch.index(guilty[0])]
                self._topology.not_reached(new.difference(before))
                self._confirm(before)
                self._refuse_all(guilty, refusal)
                self._turns.done(turn, {*before, *guilty})
            else:
                self._turns.failed(turn, len(batch))
        else:
            self._confirm(batch)
            self._turns.passed(turn)

    def _refuse_all(self, guilty: list[Binding], refusal: BatchRefused) -> None:
        """Refuse and remember what the broker's words are about."""
        reason = f"exchange {guilty[0].exchange!r}: {refusal}"
        log.info("not bound: %s", reason)
        self._topology.remember(refusal.missing or guilty[0], reason)
        for binding in guilty:
            self._refuse(binding, reason)

    def _refuse_from_memory(self, turn: Turn) -> None:
        for binding in turn.bindings:
            reason = self._topology.why_not(binding)
            if reason is not None:
                log.debug("not bound: %s", reason)
                self._refuse(binding, reason)

    def _confirm(self, batch: list[Binding]) -> None:
        for binding in batch:
            if self._topology.confirmed(binding):
                self._listener.confirmed(binding)

    def _refuse(self, binding: Binding, reason: str) -> None:
        if self._topology.refused(binding):
            self._listener.refused(binding, BindingRefused(reason))

    async def _unbind(self, turn: Turn) -> None:
        """Unbind, one after the other, until somebody new comes: each takes a round trip."""
        for binding in turn.bindings:
            if not self._topology.unbinding(binding):
                continue
            try:
                await (await self._opened()).unbind(binding)
            except BatchRefused:  # that the exchange is gone meanwhile is as good
                self._channel = None
            self._topology.unbound(binding)
            if self._turns.has_newcomers():
                break
        self._turns.done(turn, set(turn.bindings))

    async def _opened(self) -> TopologyChannel:
        if self._channel is None:
            self._channel = await self._open_channel()
        return self._channel
