"""Binds and unbinds one queue on one channel, as `Binder` asks; knows not what is wanted."""

import re
from typing import Any

from pulse_events.bindings import Binding
from pulse_events.brokers.binder import BatchRefused
from pulse_events.brokers.rabbitmq_connection import (
    NOT_FOUND,
    Channel,
    QueueLost,
    RequestRefused,
)

_QUEUE_GONE = re.compile(r"[^(]*\(NOT_FOUND - (no|home node '[^']*' of durable) queue '")
"""Matched from the start: what follows may hold an exchange's name, any text of a client."""


class QueueBindings:
    """A `TopologyChannel` on pika, for one queue of one virtual host."""

    def __init__(self, channel: Channel, queue: str, vhost: str) -> None:
        self._channel = channel
        self._queue = queue
        self._vhost = vhost

    async def bind(self, batch: list[Binding]) -> None:
        """Send all but the last without asking for an answer: a channel works in order."""
        try:
            for binding in batch[:-1]:
                self._channel.send("queue_bind", **self._arguments(binding))
            await self._channel.request("queue_bind", **self._arguments(batch[-1]))
        except RequestRefused as error:
            if _QUEUE_GONE.match(str(error)):
                raise QueueLost(str(error)) from error
            raise BatchRefused(str(error), self._missing(batch, error)) from error

    async def unbind(self, binding: Binding) -> None:
        """Unbind, and wait for the answer: AMQP knows no unbind without one."""
        try:
            await self._channel.request("queue_unbind", **self._arguments(binding))
        except RequestRefused as error:
            raise BatchRefused(str(error)) from error

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
