"""Does at the broker what a `Topology` wants, turn by turn, and tells what became of it.

Knows no AMQP library: it works through a `TopologyChannel`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from pulse_events.bindings import Binding
from pulse_events.brokers.rabbitmq.sparing_log import SparingLog
from pulse_events.brokers.rabbitmq.topology import Topology
from pulse_events.brokers.rabbitmq.turns import Turn, Work
from pulse_events.errors import BindingRefused, PulseEventsError
from pulse_events.hub.ports import Listener

log = logging.getLogger(__name__)


class BatchRefused(PulseEventsError):
    """The broker refused one of the bindings of a batch and closed the channel.

    Args:
        words: What it said.
        told: The same for clients, without user and virtual host.
        missing: The exchange that does not exist, if it said so of a certain one.
    """

    def __init__(self, words: str, told: str, missing: str | None = None) -> None:
        super().__init__(words)
        self.told = told
        self.missing = missing

    def guilty_of(self, batch: list[Binding]) -> list[Binding]:
        """Return what of ``batch`` is refused for certain; nothing if it may be any of several."""
        if self.missing is None and len(batch) > 1:
            return []
        return [b for b in batch if self.missing in (None, b.exchange)]


class TopologyChannel(Protocol):
    """What `Binder` needs of an AMQP channel."""

    async def bind(self, batch: list[Binding]) -> None:
        """Bind all of ``batch``, in order; return when the broker confirmed the last.

        Raises:
            BatchRefused: The broker refused one of them and closed the channel; all before it are
                bound.
            BrokerUnavailable: The connection is lost.
        """

    async def unbind(self, binding: Binding) -> None:
        """Take ``binding`` away; raises as `bind` does."""


class Binder:
    """Carries out the work of one connection, on a new channel after each refusal.

    Args:
        topology: What is to be done.
        listener: Who is told what became of it.
        open_channel: Opens a channel of the connection.
        bind_apart: Binds over another connection, as `TopologyChannel.bind` does; that this one is
            lost is a refusal, too.
    """

    def __init__(
        self,
        topology: Topology,
        listener: Listener,
        open_channel: Callable[[], Awaitable[TopologyChannel]],
        bind_apart: Callable[[list[Binding]], Awaitable[None]],
    ) -> None:
        self._topology = topology
        self._turns = topology.turns
        self._listener = listener
        self._open_channel = open_channel
        self._bind_apart = bind_apart
        self._channel: TopologyChannel | None = None
        self._refusals = SparingLog(log)

    async def run(self) -> None:
        """Bind everything that is wanted, then whatever changes, until cancelled.

        Raises:
            BrokerUnavailable: The connection is lost.
        """
        try:
            while True:
                self._topology.work.clear()
                while turn := self._turns.next():
                    await self._work_on(turn)
                await self._topology.work.wait()
        finally:
            self._topology.forget_answers()

    async def _work_on(self, turn: Turn) -> None:
        """Do what ``turn`` says, as far as it is still wanted."""
        if turn.work is Work.UNBIND:
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
            await self._ask(turn.work, batch)
        except BatchRefused as refusal:
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

    async def _ask(self, work: Work, batch: list[Binding]) -> None:
        if work is Work.APART:
            await self._bind_apart(batch)
            return
        self._topology.asking(batch)
        try:
            await (await self._opened()).bind(batch)
        except BatchRefused:
            self._channel = None  # RabbitMQ closes a channel with each refusal
            self._topology.asking([])
            raise
        self._topology.asking([])

    def _refuse_all(self, guilty: list[Binding], refusal: BatchRefused) -> None:
        """Refuse and remember what the broker's words are about."""
        exchange = guilty[0].exchange
        self._refusals.info("not bound: exchange %r: %s", exchange, refusal)
        reason = f"exchange {exchange!r}: {refusal.told}"
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
            self._topology.asking([binding], is_unbinding=True)
            try:
                await (await self._opened()).unbind(binding)
            except BatchRefused:  # that the exchange is gone meanwhile is as good
                self._channel = None
            self._topology.asking([])
            self._topology.unbound(binding)
            if self._turns.has_newcomers():
                break
        self._turns.done(turn, set(turn.bindings))

    async def _opened(self) -> TopologyChannel:
        if self._channel is None:
            self._channel = await self._open_channel()
        return self._channel
