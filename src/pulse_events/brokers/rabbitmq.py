"""RabbitMQ: one queue per process, consumed on one channel, bound on another, connected for ever.

Knows no clients: what to bind it is told, what it receives it hands to its listener.
"""

import asyncio
import logging
import os
import random
import secrets
import socket
from collections.abc import Coroutine
from contextlib import suppress
from itertools import cycle
from typing import Any

from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel as PikaChannel

from pulse_events.backoff import delays
from pulse_events.bindings import Binding
from pulse_events.brokers import Health, Listener
from pulse_events.brokers.address import parse_address
from pulse_events.brokers.rabbitmq_connection import (
    Channel,
    RequestRefused,
    connected,
    parameters,
)
from pulse_events.brokers.topology import Topology
from pulse_events.errors import BindingRefused, BrokerUnavailable
from pulse_events.messages import Message

log = logging.getLogger(__name__)

PREFETCH = 2000
"""Deliveries that may be unacknowledged; also what may stand in line before a bind-ok."""
ACK_EVERY = 250
ACK_WITHIN_S = 0.05

QUEUE_EXPIRES_MS = 60_000
QUEUE_MAX_MESSAGES = 100_000


class RabbitMQ:
    """A `Broker` that consumes one queue of a RabbitMQ server or cluster."""

    def __init__(
        self, url: str, *, namespace: str | None = None, ca_file: str | None = None
    ) -> None:
        """Check the address; connect only in `run`.

        Args:
            url: See `parse_address`; several hosts are tried in turn.
            namespace: Queues are named ``queue/<namespace>/pulse-events/…``; the broker user
                if ``None``, as Pulse's permissions demand.
            ca_file: PEM file of the authorities that ``amqps`` certificates are checked against,
                instead of the system's.

        Raises:
            SettingsError: The URL is no broker address, or ``ca_file`` cannot be read.
        """
        self._address = parse_address(url)
        instance = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.queue = f"queue/{namespace or self._address.user}/pulse-events/{instance}"
        self._targets = parameters(
            self._address, ca_file, client_properties={"connection_name": self.queue}
        )
        self._topology = Topology()
        self._health = Health(connected=False, reason="not connected yet")

    @property
    def name(self) -> str:
        """The address without its password."""
        return str(self._address)

    @property
    def health(self) -> Health:
        """Whether the queue is being consumed, else why not."""
        return self._health

    def bind(self, binding: Binding) -> None:
        """See `Broker.bind`."""
        self._topology.want(binding)

    def unbind(self, binding: Binding) -> None:
        """See `Broker.unbind`."""
        self._topology.drop(binding)

    async def run(self, listener: Listener) -> None:
        """Connect, consume and bind until cancelled; connect again with backoff when lost."""
        waits = delays(random.random)
        for target in cycle(self._targets):
            try:
                async with connected(target) as connection:
                    await self._work(connection, listener)
            except (BrokerUnavailable, RequestRefused) as error:
                if self._health.connected:
                    waits = delays(random.random)
                    listener.lost()
                wait_s = next(waits)
                reason = f"{target.host}:{target.port}: {error}"
                self._health = Health(connected=False, reason=reason)
                log.warning("no broker at %s; next try in %.1f s", reason, wait_s)
                await asyncio.sleep(wait_s)

    async def _work(self, connection: AsyncioConnection, listener: Listener) -> None:
        """Consume and bind on one connection until it is lost, which raises, or cancelled."""
        channel = await Channel(connection).open()
        await channel.request(
            "queue_declare",
            queue=self.queue,
            durable=True,
            arguments={"x-expires": QUEUE_EXPIRES_MS, "x-max-length": QUEUE_MAX_MESSAGES},
        )
        await channel.request("basic_qos", prefetch_count=PREFETCH)
        deliveries = _Deliveries(listener, channel.pika)
        await channel.request(
            "basic_consume", queue=self.queue, on_message_callback=deliveries.receive
        )
        self._health = Health(connected=True)
        log.info("consuming %s at %s", self.queue, self.name)

        async def open_channel() -> _TopologyChannel:
            return _TopologyChannel(await Channel(connection).open(), self.queue)

        try:
            await _first_failure(self._topology.run(listener, open_channel), channel.until_closed())
        except asyncio.CancelledError:
            with suppress(BrokerUnavailable, RequestRefused):
                await channel.request("queue_delete", queue=self.queue)
            raise
        finally:
            deliveries.stop()


class _Deliveries:
    """Hands deliveries to the listener and acknowledges them in batches."""

    def __init__(self, listener: Listener, channel: PikaChannel) -> None:
        self._publish = listener.publish
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._unacked = 0
        self._last_tag = 0

    def receive(self, _channel: PikaChannel, method: Any, properties: Any, body: bytes) -> None:
        """Take one delivery, as pika hands it over."""
        headers = properties.headers
        cc = headers.get("CC") if headers else None
        self._publish(
            Message(
                _text(method.exchange),
                _text(method.routing_key),
                body,
                tuple(map(_text, cc)) if cc else (),
                method.redelivered,
            )
        )
        self._last_tag = method.delivery_tag
        self._unacked += 1
        if self._unacked == ACK_EVERY:
            # Not now: the hub's flush of this turn was scheduled before, so it runs before.
            self._loop.call_soon(self._ack)
        elif self._timer is None:
            self._timer = self._loop.call_later(ACK_WITHIN_S, self._ack)

    def stop(self) -> None:
        """Acknowledge no more: the channel is closing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ack(self) -> None:
        self.stop()
        if self._unacked and self._channel.is_open:
            self._channel.basic_ack(self._last_tag, multiple=True)
        self._unacked = 0


class _TopologyChannel:
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
            raise BindingRefused(f"exchange {batch[-1].exchange!r}: {error}") from error

    async def unbind(self, binding: Binding) -> None:
        """Unbind, and wait for the answer: AMQP knows no unbind without one."""
        try:
            await self._channel.request("queue_unbind", **self._arguments(binding))
        except RequestRefused as error:
            raise BindingRefused(f"exchange {binding.exchange!r}: {error}") from error

    def _arguments(self, binding: Binding) -> dict[str, str]:
        return {
            "queue": self._queue,
            "exchange": binding.exchange,
            "routing_key": binding.pattern,
        }


def _text(value: str | bytes) -> str:
    """Return an AMQP string; pika leaves what is not UTF-8 as bytes."""
    return value if isinstance(value, str) else value.decode(errors="replace")


async def _first_failure(*works: Coroutine[Any, Any, None]) -> None:
    """Run ``works``, which only end by failing, and raise what ends the first of them."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
