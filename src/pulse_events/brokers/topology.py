"""Keeps the bindings of one queue as they are wanted, over any number of channels.

Knows no AMQP library: it works through a `TopologyChannel`.  What is wanted and what is bound are
sets; the work is their difference, so a binding that comes and goes quickly costs nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Protocol

from pulse_events.bindings import Binding
from pulse_events.brokers import Listener
from pulse_events.errors import BindingRefused

log = logging.getLogger(__name__)

BATCH = 64
"""Bindings sent without waiting for an answer to each: one round trip instead of 64."""


class TopologyChannel(Protocol):
    """What `Topology` needs of an AMQP channel."""

    async def bind(self, batch: list[Binding]) -> None:
        """Bind all of ``batch``, in order; return when the broker confirmed the last.

        Raises:
            BindingRefused: The broker refused one of them and closed the channel; any number of
                those before it are bound.
            BrokerUnavailable: The connection is lost.
        """

    async def unbind(self, binding: Binding) -> None:
        """Take ``binding`` away; raises as `bind` does."""


class Topology:
    """The bindings of one queue: wanted by the hub, in force at the broker."""

    def __init__(self) -> None:
        self._wanted: set[Binding] = set()
        self._unanswered: dict[Binding, None] = {}
        self._bound: set[Binding] = set()  # may be at the broker: sent, perhaps not answered
        self._unwanted: dict[Binding, None] = {}
        self._unsure: dict[Binding, None] = {}
        self._work = asyncio.Event()

    def want(self, binding: Binding, owner: str = "") -> None:
        """Bind ``binding`` as soon as there is a channel, and whenever the connection is new."""
        self._wanted.add(binding)
        self._unwanted.pop(binding, None)
        self._unanswered[binding] = None
        self._work.set()

    def drop(self, binding: Binding) -> None:
        """Take ``binding`` away as soon as there is a channel."""
        self._wanted.discard(binding)
        self._unanswered.pop(binding, None)
        if binding in self._bound:
            self._unwanted[binding] = None
            self._work.set()

    def audit(self) -> None:
        """Bind everything once more, behind all other work: the broker does not tell what is gone.

        Binding what is bound changes nothing.  Of an exchange that was deleted all bindings are
        refused; of one that was made again meanwhile they are in force again.
        """
        self._unsure = dict.fromkeys(self._wanted)
        self._work.set()

    async def run(
        self, listener: Listener, open_channel: Callable[[], Awaitable[TopologyChannel]]
    ) -> None:
        """Bind everything that is wanted, then whatever changes, until cancelled.

        Raises:
            BrokerUnavailable: The connection is lost.
        """
        self._unwanted.update(dict.fromkeys(self._bound - self._wanted))
        self._bound.clear()
        self._unsure.clear()
        self._unanswered = dict.fromkeys(self._wanted)
        worker = _Worker(self, listener, open_channel)
        while True:
            self._work.clear()
            await self._settle(worker)
            await self._work.wait()

    async def _settle(self, worker: "_Worker") -> None:
        """Work until nothing is left; new bindings go before old ones are taken away."""
        while self._unanswered or self._unwanted or self._unsure:
            if self._unanswered:
                await worker.bind(list(islice(self._unanswered, BATCH)))
            elif self._unwanted:
                binding = next(iter(self._unwanted))
                del self._unwanted[binding]
                self._bound.discard(binding)
                await worker.unbind(binding)
            else:
                batch = list(islice(self._unsure, BATCH))
                for binding in batch:
                    del self._unsure[binding]
                await worker.bind_again([b for b in batch if b in self._wanted])

    def sending(self, batch: list[Binding]) -> None:
        """Note that ``batch`` may be at the broker from now on, even if no answer comes."""
        self._bound.update(batch)

    def answered(self, binding: Binding, *, bound: bool) -> bool:
        """Note what became of ``binding``; return whether it is still wanted."""
        self._unanswered.pop(binding, None)
        wanted = binding in self._wanted
        if not bound:
            self._wanted.discard(binding)
            self._bound.discard(binding)
            self._unwanted.pop(binding, None)
        return wanted


class _Worker:
    """Carries out the work of one connection, on a new channel after each refusal."""

    def __init__(
        self,
        topology: Topology,
        listener: Listener,
        open_channel: Callable[[], Awaitable[TopologyChannel]],
    ) -> None:
        self._topology = topology
        self._listener = listener
        self._open_channel = open_channel
        self._channel: TopologyChannel | None = None

    async def bind(self, batch: list[Binding]) -> None:
        """Bind ``batch``; where the broker refuses, find out by halves which it refuses."""
        self._topology.sending(batch)
        try:
            await (await self._opened()).bind(batch)
        except BindingRefused as reason:
            self._channel = None  # RabbitMQ closes a channel with each refusal
            if len(batch) > 1:
                middle = len(batch) // 2
                await self.bind(batch[:middle])
                await self.bind(batch[middle:])
            elif self._topology.answered(batch[0], bound=False):
                log.info("not bound: %s", reason.logged)
                self._listener.refused(batch[0], reason)
        else:
            for binding in batch:
                if self._topology.answered(binding, bound=True):
                    self._listener.confirmed(binding)

    async def bind_again(self, batch: list[Binding]) -> None:
        """Bind what should be bound already; only a refusal is worth telling."""
        try:
            if batch:
                await (await self._opened()).bind(batch)
        except BindingRefused:
            self._channel = None
            await self.bind(batch)

    async def unbind(self, binding: Binding) -> None:
        """Unbind; that the exchange is gone meanwhile is as good."""
        try:
            await (await self._opened()).unbind(binding)
        except BindingRefused:
            self._channel = None

    async def _opened(self) -> TopologyChannel:
        if self._channel is None:
            self._channel = await self._open_channel()
        return self._channel
