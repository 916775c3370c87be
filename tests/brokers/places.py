"""The brokers that the contract suite runs against, each with a way to publish to it.

That something is *not* delivered is proven by a fence: a message published afterwards, which
arrives after everything before it.
"""

import asyncio
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pulse_events.bindings import Binding
from pulse_events.brokers.memory import Memory
from pulse_events.brokers.rabbitmq.broker import RabbitMQ
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from pulse_events.hub.ports import Broker
from pulse_events.messages import Message
from tests.brokers.listening import Recorder, running
from tests.support.amqp import Amqp

REFUSALS_LAST_S = 1.0
"""Instead of 5."""


class Place(ABC):
    """A broker under test, and a way to publish to it that is not under test."""

    broker: Broker

    @abstractmethod
    def exchange(self) -> str:
        """Return the name of a new topic exchange."""

    @abstractmethod
    def publish(self, message: Message) -> None:
        """Publish ``message``; return when it has been routed."""

    @abstractmethod
    def publish_many(self, exchange: str, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish (routing key, body) pairs in this order."""


class MemoryPlace(Place):
    """The embedded broker."""

    def __init__(self) -> None:
        self.broker = self._memory = Memory()

    def exchange(self) -> str:
        """See `Place.exchange`."""
        return f"exchange/test/{uuid.uuid4().hex}"

    def publish(self, message: Message) -> None:
        """See `Place.publish`."""
        self._memory.publish(message)

    def publish_many(self, exchange: str, messages: Sequence[tuple[str, bytes]]) -> None:
        """See `Place.publish_many`."""
        for routing_key, body in messages:
            self._memory.publish(Message(exchange, routing_key, body))


class RabbitPlace(Place):
    """A RabbitMQ, published to through a connection of the test's own."""

    def __init__(self, url: str, amqp: Amqp) -> None:
        self.broker = RabbitMQ(url, pace=BrokerPace(refusals_last_s=REFUSALS_LAST_S))
        self._amqp = amqp
        self._exchanges: list[str] = []

    def exchange(self) -> str:
        """See `Place.exchange`."""
        self._exchanges.append(self._amqp.declare_exchange(f"exchange/test/{uuid.uuid4().hex}"))
        return self._exchanges[-1]

    def publish(self, message: Message) -> None:
        """See `Place.publish`."""
        self._amqp.publish(message.exchange, message.routing_key, message.body, cc=message.cc)

    def publish_many(self, exchange: str, messages: Sequence[tuple[str, bytes]]) -> None:
        """See `Place.publish_many`."""
        self._amqp.publish_many(exchange, messages)

    def clean(self) -> None:
        """Delete the exchanges that were made."""
        for exchange in self._exchanges:
            self._amqp.delete_exchange(exchange)


class Link:
    """A broker that runs, the recorder that it tells, and the fence."""

    def __init__(self, place: Place) -> None:
        self.recorder = Recorder()
        self._place = place
        self._fence = Message(place.exchange(), "fence", b"{}")

    async def start(self) -> None:
        """Bind the fence."""
        await self.bind(Binding(self._fence.exchange, self._fence.routing_key))

    async def bind(self, *bindings: Binding) -> None:
        """Bind, and wait until each is confirmed (once more, if it was before)."""
        seen = len(self.recorder.confirmations)
        for binding in bindings:
            self._place.broker.bind(binding)
        await self.recorder.until(
            lambda: set(bindings) <= set(self.recorder.confirmations[seen:]),
            f"confirmations of {bindings}, got {self.recorder.refusals}",
        )

    async def refusal(self, binding: Binding) -> str:
        """Bind, and wait until it is refused; return the reason."""
        seen = len(self.recorder.refusals)
        self._place.broker.bind(binding)
        await self.recorder.until(lambda: len(self.recorder.refusals) > seen, "a refusal")
        refused, reason = self.recorder.refusals[-1]
        assert refused == binding
        return reason

    async def bind_at_last(self, binding: Binding) -> None:
        """Bind until it is confirmed, as a client does that comes again and again."""
        recorder = self.recorder
        async with asyncio.timeout(10):
            while binding not in recorder.confirmations:
                seen = len(recorder.refusals)
                self._place.broker.bind(binding)
                await recorder.until(
                    lambda n=seen: binding in recorder.confirmations or len(recorder.refusals) > n,  # type: ignore[misc]
                    "an answer",
                )
                await asyncio.sleep(REFUSALS_LAST_S / 10)

    async def delivered(self, *messages: Message) -> list[Message]:
        """Publish ``messages`` and return which of them, and of earlier ones, arrived."""
        for message in (*messages, self._fence):
            self._place.publish(message)
        await self.recorder.until(lambda: self._fence in self.recorder.messages, "the fence")
        arrived = self.recorder.messages[:-1]
        assert self._fence not in arrived
        self.recorder.messages.clear()
        return arrived


@asynccontextmanager
async def linked(place: Place) -> AsyncIterator[Link]:
    """Run the broker of ``place`` for the block."""
    link = Link(place)
    async with running(place.broker, link.recorder):
        await link.start()
        yield link
