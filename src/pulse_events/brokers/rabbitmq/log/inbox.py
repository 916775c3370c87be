"""The queue that is recorded from: bound to all that is recorded, whoever records.

Whoever comes first makes it; it stays when all have gone.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pulse_events.bindings import Binding
from pulse_events.brokers.rabbitmq.connection import NOT_FOUND, Channel, RequestRefused
from pulse_events.brokers.rabbitmq.frames import FrameConnection, unexpected
from pulse_events.brokers.rabbitmq.queue import QUEUE_MAX_MESSAGES, needing

LEAST_AGE_S = 3600.0
MANY = QUEUE_MAX_MESSAGES - 20_000
"""Messages from which on some may have been dropped: a recorder may have taken so many since, in a
second."""


class Had(NamedTuple):
    """What became of the queue."""

    is_new: bool
    """Whether there was none: what came meanwhile is lost."""
    refused: Mapping[Binding, str]
    """What is not recorded, and why."""


class Inbox:
    """The queue of one namespace.

    Args:
        namespace: See `RabbitMQ`.
        age_s: How long it stays without anybody, an hour at least.
    """

    def __init__(self, namespace: str, age_s: float) -> None:
        self.name = f"queue/{namespace}/pulse-events-record"
        self._age_s = max(LEAST_AGE_S, age_s)

    async def have(self, connection: FrameConnection, recorded: Iterable[Binding]) -> Had:
        """Have it, bound to what is recorded as far as the broker binds it."""
        channel = await Channel(connection).open()
        is_new = False
        try:
            await channel.request("queue_declare", queue=self.name, passive=True)
        except RequestRefused as error:
            if error.code != NOT_FOUND:
                raise
            is_new = True
            channel = await Channel(connection).open()
            with needing("configure"):
                await channel.request("queue_declare", queue=self.name, **self._arguments())
        refused: dict[Binding, str] = {}
        for binding in recorded:
            try:
                await channel.request(
                    "queue_bind",
                    queue=self.name,
                    exchange=binding.exchange,
                    routing_key=binding.pattern,
                )
            except RequestRefused as error:
                refused[binding] = error.told
                channel = await Channel(connection).open()
        channel.pika.close()
        return Had(is_new, refused)

    async def consume(self, channel: Channel, prefetch: int) -> None:
        """Have what it holds delivered, if nobody else is its active consumer."""
        await channel.request("basic_qos", prefetch_count=prefetch)
        with needing("read"):
            await channel.request("basic_consume", queue=self.name, on_message_callback=unexpected)

    async def is_nearly_full(self, channel: Channel) -> bool:
        """Tell whether it holds so much that some may have been dropped."""
        found = await channel.request("queue_declare", queue=self.name, passive=True)
        return bool(found.method.message_count >= MANY)

    def _arguments(self) -> dict[str, Any]:
        arguments = {
            "x-single-active-consumer": True,
            "x-max-length": QUEUE_MAX_MESSAGES,
            "x-expires": round(1000 * self._age_s),
        }
        return {"durable": True, "arguments": arguments}
