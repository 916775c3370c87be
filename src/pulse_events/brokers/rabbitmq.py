"""RabbitMQ: one queue per process, consumed on one channel, bound on another, connected for ever.

Knows no clients: what to bind it is told, what it receives it hands to its listener.
"""

import asyncio
import logging
import os
import random
import secrets
import socket
from collections import deque
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
    CLOSE_WITHIN_S,
    Channel,
    RequestRefused,
    connected,
    parameters,
)
from pulse_events.brokers.topology import Topology
from pulse_events.errors import BindingRefused, BrokerUnavailable, MessagesMissed
from pulse_events.messages import Message

log = logging.getLogger(__name__)

PREFETCH = 2000
"""Deliveries that may be unacknowledged; also what may stand in line before a bind-ok."""
SLICE = 128
"""Deliveries that are routed in one turn of the loop."""
ACK_EVERY = 250
ACK_WITHIN_S = 0.05

QUEUE_EXPIRES_MS = 60_000
QUEUE_MAX_MESSAGES = 100_000
_QUEUE: dict[str, Any] = {
    "durable": True,
    "arguments": {"x-expires": QUEUE_EXPIRES_MS, "x-max-length": QUEUE_MAX_MESSAGES},
}


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
        self._declared = False
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
            finally:
                self._health = self._health._replace(connected=False)

    async def _work(self, connection: AsyncioConnection, listener: Listener) -> None:
        """Consume and bind on one connection until it is lost, which raises, or cancelled."""
        if self._declared:
            await self._look_for_loss(connection, listener)
        channel = await Channel(connection).open()
        await channel.request("queue_declare", queue=self.queue, **_QUEUE)
        self._declared = True
        await channel.request("basic_qos", prefetch_count=PREFETCH)
        deliveries = _Deliveries(listener, channel.pika)
        receive = deliveries.receive
        await channel.request("basic_consume", queue=self.queue, on_message_callback=receive)
        self._health = Health(connected=True)
        log.info("consuming %s at %s", self.queue, self.name)

        async def open_channel() -> _TopologyChannel:
            return _TopologyChannel(await Channel(connection).open(), self.queue)

        try:
            await _first_failure(self._topology.run(listener, open_channel), channel.until_closed())
        except asyncio.CancelledError:
            with suppress(BrokerUnavailable, RequestRefused):
                await channel.request("queue_delete", within_s=CLOSE_WITHIN_S, queue=self.queue)
            raise
        finally:
            deliveries.stop()

    async def _look_for_loss(self, connection: AsyncioConnection, listener: Listener) -> None:
        """Tell the listener if the queue did not keep all messages while we were away."""
        channel = await Channel(connection).open()
        try:
            found = await channel.request("queue_declare", queue=self.queue, passive=True)
        except RequestRefused:
            reason = "the broker removed our queue while it was unused, or it was deleted"
        else:
            if found.method.message_count < QUEUE_MAX_MESSAGES:
                return
            reason = f"more than {QUEUE_MAX_MESSAGES} messages came while the broker was away"
        log.error("messages are lost: %s", reason)
        listener.missed(MessagesMissed(f"messages may be missing: {reason}; connect again"))


class _Deliveries:
    """Hands deliveries to the listener in bounded slices and acknowledges them in batches.

    pika hands over whatever the socket held.  Were all of it published at once, the flush behind
    it would keep new clients and pings waiting: `SLICE` deliveries a turn, then the others' turn.
    """

    def __init__(self, listener: Listener, channel: PikaChannel) -> None:
        self._publish = listener.publish
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._arrived: deque[tuple[Any, Any, bytes]] = deque()
        self._turn: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unacked = 0
        self._last_tag = 0

    def receive(self, _channel: PikaChannel, method: Any, properties: Any, body: bytes) -> None:
        """Take one delivery, as pika hands it over; at most `PREFETCH` wait here."""
        self._arrived.append((method, properties, body))
        if self._turn is None:
            self._turn = self._loop.call_soon(self._publish_slice)

    def stop(self) -> None:
        """Publish and acknowledge no more: the channel is closing."""
        self._arrived.clear()
        for handle in (self._turn, self._timer):
            if handle is not None:
                handle.cancel()

    def _publish_slice(self) -> None:
        arrived = self._arrived
        for _ in range(min(SLICE, len(arrived))):
            method, properties, body = arrived.popleft()
            try:
                self._publish(_message(method, properties, body))
            except Exception:  # one message must not end the stream of all others
                log.exception("a message of exchange %r was lost", method.exchange)
            self._last_tag = method.delivery_tag
            self._unacked += 1
        # The hub's flush of this slice was scheduled before, so it runs before both of these.
        self._turn = self._loop.call_soon(self._publish_slice) if arrived else None
        if self._unacked >= ACK_EVERY:
            self._loop.call_soon(self._ack)
        elif self._timer is None:
            self._timer = self._loop.call_later(ACK_WITHIN_S, self._ack)

    def _ack(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._unacked and self._channel.is_open:
            self._channel.basic_ack(self._last_tag, multiple=True)
        self._unacked = 0


def _message(method: Any, properties: Any, body: bytes) -> Message:
    """Return a delivery as a value.

    Publishers may put anything into ``CC``; what is no string cannot be a routing key.
    """
    headers = properties.headers
    cc = headers.get("CC") if headers else None
    return Message(
        _text(method.exchange),
        _text(method.routing_key),
        body,
        tuple(_text(key) for key in cc if isinstance(key, str | bytes)) if cc else (),
        method.redelivered,
    )


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

    def _arguments(self, binding: Binding) -> dict[str, Any]:
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
