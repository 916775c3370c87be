"""Binds and unbinds one queue on one channel, as `Binder` asks; knows not what is wanted."""

import re
from contextlib import AsyncExitStack
from typing import Any

import pika

from pulse_events.bindings import NAME_LIMIT_BYTES, Binding
from pulse_events.brokers.rabbitmq.binder import BatchRefused
from pulse_events.brokers.rabbitmq.connection import (
    NOT_FOUND,
    Channel,
    QueueLost,
    RequestRefused,
    connected,
)
from pulse_events.errors import BrokerUnavailable

_QUEUE_GONE = re.compile(r"[^(]*\(NOT_FOUND - (no|home node '[^']*' of durable) queue '")
"""Matched from the start: what follows may hold an exchange's name, any text of a client."""
_WORDS_BYTES = 100
"""Of an error text about a binding, without the names in it; the longest known has 87."""


def may_overflow(binding: Binding, vhost: str, user: str) -> bool:
    """Tell whether RabbitMQ may end the connection if it refuses ``binding``.

    An error text has at most 255 bytes (AMQP 0-9-1, section 4.2.5.3).  RabbitMQ 4.0.5 cuts it at
    255 characters, and then fails to send it: ``method_field_shortstr_overflow``.
    """
    names = f"{binding.exchange}{binding.pattern}{vhost}{user}"
    return not names.isascii() and len(names.encode()) + _WORDS_BYTES > NAME_LIMIT_BYTES


class QueueBindings:
    """A `TopologyChannel` on pika, for one queue."""

    def __init__(self, channel: Channel, queue: str) -> None:
        self._channel = channel
        self._queue = queue
        self._vhost = channel.pika.connection.params.virtual_host

    async def bind(self, batch: list[Binding]) -> None:
        """Send all but the last without asking for an answer: a channel works in order."""
        try:
            for binding in batch[:-1]:
                self._channel.send("queue_bind", **self._arguments(binding))
            await self._channel.request("queue_bind", **self._arguments(batch[-1]))
        except RequestRefused as error:
            if _QUEUE_GONE.match(str(error)):
                raise QueueLost(str(error)) from error
            raise BatchRefused(str(error), error.told, self._missing(batch, error)) from error

    async def unbind(self, binding: Binding) -> None:
        """Unbind, and wait for the answer: AMQP knows no unbind without one."""
        try:
            await self._channel.request("queue_unbind", **self._arguments(binding))
        except RequestRefused as error:
            raise BatchRefused(str(error), error.told) from error

    def _missing(self, batch: list[Binding], refusal: RequestRefused) -> str | None:
        """Return the exchange of ``batch`` that does not exist, if the refusal is about that.

        Where several come into question RabbitMQ's words must be exactly those about one of them:
        nothing is read out of them, an exchange may have any name.  (Probed on 3.10 and 4.0, which
        cut them at 255 bytes.)
        """
        if refusal.code != NOT_FOUND:
            return None
        exchanges = {binding.exchange for binding in batch}
        if len(exchanges) == 1:
            return exchanges.pop()
        words = {f"NOT_FOUND - no exchange '{e}' in vhost '{self._vhost}'": e for e in exchanges}
        return words.get(refusal.text)

    def _arguments(self, binding: Binding) -> dict[str, Any]:
        return {
            "queue": self._queue,
            "exchange": binding.exchange,
            "routing_key": binding.pattern,
        }


class BindingsApart:
    """Binds one queue on a connection of its own, which is opened when it is needed.

    Whatever ends that connection is a refusal of what was to be bound, and ends nothing else.
    """

    def __init__(self, target: pika.ConnectionParameters, queue: str) -> None:
        self._target = target
        self._queue = queue
        self._opened = AsyncExitStack()
        self._channel: QueueBindings | None = None

    async def bind(self, batch: list[Binding]) -> None:
        """Bind ``batch`` as `QueueBindings` does.

        Raises:
            BatchRefused: The broker refused, or there is no connection any more.
            QueueLost: There is no queue.
        """
        try:
            if self._channel is None:
                connection = await self._opened.enter_async_context(
                    connected(self._target, close_within_s=0.0)
                )
                self._channel = QueueBindings(await Channel(connection).open(), self._queue)
            await self._channel.bind(batch)
        except QueueLost:
            raise
        except (BatchRefused, BrokerUnavailable) as error:
            await self.close()
            if isinstance(error, BatchRefused):
                raise
            raise BatchRefused(f"it cannot be bound: {error}", "it cannot be bound") from error

    async def close(self) -> None:
        """Close the connection, if there is one."""
        self._channel = None
        await self._opened.aclose()
