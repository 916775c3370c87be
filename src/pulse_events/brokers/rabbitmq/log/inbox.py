"""The queue that is recorded from: bound to all that is recorded, whoever records.

Whoever comes first makes it; it stays when all have gone.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from pulse_events.bindings import Binding
from pulse_events.brokers.rabbitmq.connection import NOT_FOUND, Channel, RequestRefused
from pulse_events.brokers.rabbitmq.frames import FrameConnection, unexpected
from pulse_events.brokers.rabbitmq.queue import QUEUE_MAX_MESSAGES, lacking, needing

NAME = "pulse-events-record"
"""Within the namespace; also in what is told of it to everybody."""
LEAST_AGE_S = 3600.0
MANY = QUEUE_MAX_MESSAGES - 20_000
"""Messages from which on some may have been dropped: a recorder may have taken so many since, in a
second."""

_NONE = "no queue"
"""What RabbitMQ says of a queue that does not exist."""


class Inbox:
    """The queue of one namespace.

    Args:
        namespace: See `RabbitMQ`.
        age_s: How long it stays without anybody, an hour at least.
    """

    def __init__(self, namespace: str, age_s: float) -> None:
        self.name = f"queue/{namespace}/{NAME}"
        self._age_s = max(LEAST_AGE_S, age_s)
        self.was_away = False
        """Whether it was out of reach with its node: what came meanwhile is not in it."""

    async def have(
        self,
        connection: FrameConnection,
        recorded: Iterable[Binding],
        missing: Callable[[], Awaitable[None]],
    ) -> Mapping[Binding, str]:
        """Have it, bound to what is recorded as far as the broker binds it.

        Args:
            connection: To its broker.
            recorded: What is recorded.
            missing: Called before it is made, if there is none: what came meanwhile is lost.

        Returns:
            What is not recorded, and why.

        Raises:
            BrokerUnavailable: The user lacks a permission for it.
        """
        channel = await self._found(connection, missing)
        refused: dict[Binding, str] = {}
        for binding in recorded:
            try:
                with needing("write", NAME):  # without it nothing can be bound
                    await channel.request(
                        "queue_bind",
                        queue=self.name,
                        exchange=binding.exchange,
                        routing_key=binding.pattern,
                    )
            except RequestRefused as error:
                permission = lacking(error, "read", "exchange")
                refused[binding] = f"{permission}: {error.told}" if permission else error.told
                channel = await Channel(connection).open()
        channel.close()
        return refused

    async def _found(
        self, connection: FrameConnection, missing: Callable[[], Awaitable[None]]
    ) -> Channel:
        """Have the queue; return an open channel."""
        channel = await Channel(connection).open()
        try:
            await channel.request("queue_declare", queue=self.name, passive=True)
            return channel
        except RequestRefused as error:
            if error.code != NOT_FOUND:
                raise
            # The others have words that vary: it is there, and out of reach with its node.
            is_none = _NONE in error.text
        self.was_away = not is_none
        channel = await Channel(connection).open()
        if is_none:
            await missing()
        with needing("configure", NAME):
            await channel.request("queue_declare", queue=self.name, **self._arguments())
        return channel

    async def consume(self, channel: Channel, prefetch: int) -> None:
        """Have what it holds delivered, if nobody else is its active consumer."""
        await channel.request("basic_qos", prefetch_count=prefetch)
        with needing("read", NAME):
            await channel.request("basic_consume", queue=self.name, on_message_callback=unexpected)

    async def count(self, channel: Channel) -> int:
        """Return how many messages wait in it."""
        found = await channel.request("queue_declare", queue=self.name, passive=True)
        return int(found.method.message_count)

    def _arguments(self) -> dict[str, Any]:
        arguments = {
            "x-single-active-consumer": True,
            "x-max-length": QUEUE_MAX_MESSAGES,
            "x-expires": round(1000 * self._age_s),
        }
        return {"durable": True, "arguments": arguments}
