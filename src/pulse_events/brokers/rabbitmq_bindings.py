"""Binds and unbinds one queue on one channel, as `Topology` wants it; knows not what is wanted."""

import re
from typing import Any

from pulse_events.bindings import Binding
from pulse_events.brokers.rabbitmq_connection import Channel, QueueLost, RequestRefused
from pulse_events.errors import BindingRefused

_QUEUE_GONE = re.compile(r"[^(]*\(NOT_FOUND - (no|home node '[^']*' of durable) queue '")
"""Matched from the start: what follows may hold an exchange's name, any text of a client."""


class QueueBindings:
    """A `TopologyChannel` on pika, for one queue."""

    def __init__(self, channel: Channel, queue: str) -> None:
        self._channel = channel
        self._queue = queue

    async def bind(self, batch: list[Binding]) -> None:
        """Send all but the last without asking for an answer: a channel works in order."""
        try:
            for binding in batch[:-1]:
                self._channel.send("queue_bind", **self._arguments(binding))
            await self._channel.request("queue_bind", **self._arguments(batch[-1]))
        except RequestRefused as error:
            if _QUEUE_GONE.match(str(error)):
                raise QueueLost(str(error)) from error
            raise _refused(batch[-1], error) from error

    async def unbind(self, binding: Binding) -> None:
        """Unbind, and wait for the answer: AMQP knows no unbind without one."""
        try:
            await self._channel.request("queue_unbind", **self._arguments(binding))
        except RequestRefused as error:
            raise _refused(binding, error) from error

    def _arguments(self, binding: Binding) -> dict[str, Any]:
        return {
            "queue": self._queue,
            "exchange": binding.exchange,
            "routing_key": binding.pattern,
        }


def _refused(binding: Binding, error: RequestRefused) -> BindingRefused:
    exchange = f"exchange {binding.exchange!r}"
    return BindingRefused(f"{exchange}: {error.told}", f"{exchange}: {error}")
