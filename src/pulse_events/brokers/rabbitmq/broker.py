"""RabbitMQ: one queue per process, consumed on one channel, bound on another, connected for ever.

Knows no clients: what to bind it is told, what it receives it hands to its listener.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from functools import partial
from itertools import cycle
from typing import Any

from pulse_events.backoff import CAP_S, delays
from pulse_events.bindings import Binding
from pulse_events.brokers.failures import lose
from pulse_events.brokers.rabbitmq.address import parse_address
from pulse_events.brokers.rabbitmq.binder import Binder
from pulse_events.brokers.rabbitmq.bindings import BindingsApart, QueueBindings, may_overflow
from pulse_events.brokers.rabbitmq.connection import (
    CLOSE_WITHIN_S,
    Channel,
    ConnectionFailed,
    QueueLost,
    RequestRefused,
    connected,
    first_failure,
)
from pulse_events.brokers.rabbitmq.deliveries import PREFETCH, Deliveries
from pulse_events.brokers.rabbitmq.frames import FrameConnection, unexpected
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from pulse_events.brokers.rabbitmq.queue import QUEUE_MAX_MESSAGES, Queue, needing
from pulse_events.brokers.rabbitmq.targets import targets
from pulse_events.brokers.rabbitmq.topology import Topology
from pulse_events.brokers.rabbitmq.watch import watch_alarms, watch_silence
from pulse_events.errors import BrokerUnavailable
from pulse_events.hub.ports import Health, Listener, Waiting
from pulse_events.messages import DEFAULT_LIMIT_BYTES, Message

log = logging.getLogger(__name__)


class RabbitMQ:
    """A `Broker` that consumes one queue of a RabbitMQ server or cluster."""

    publish = None
    """See `Broker.publish`: whoever publishes has a connection of its own."""

    def __init__(
        self,
        url: str,
        *,
        namespace: str | None = None,
        ca_file: str | None = None,
        pace: BrokerPace | None = None,
        body_limit_bytes: int = DEFAULT_LIMIT_BYTES,
        queue_limit: int = QUEUE_MAX_MESSAGES,
        exact: "Callable[[], RabbitMQ] | None" = None,
    ) -> None:
        """Check the address; connect only in `run`.

        Args:
            url: See `parse_address`; several hosts are tried in turn.
            namespace: Queues are named ``queue/<namespace>/pulse-events/…``; the broker user
                if ``None``, as Pulse's permissions demand.
            ca_file: PEM file of the authorities that ``amqps`` certificates are checked against,
                instead of the system's.
            pace: How often the connection is checked.
            body_limit_bytes: Longer bodies are left out.
            queue_limit: Messages that the queue may hold; more than `SPAN`.
            exact: See `Broker.exact`.

        Raises:
            SettingsError: The URL is no broker address, or ``ca_file`` cannot be read.
        """
        self._address = address = parse_address(url)
        self._pace = pace = (pace or BrokerPace()).with_heartbeat(address.parameters.heartbeat_s)
        self.exact = exact
        self._body_limit_bytes = body_limit_bytes
        self._queue = Queue(namespace or address.user, pace.queue_expires_s, queue_limit)
        client = {"connection_name": self._queue.name}
        self._targets = targets(address, ca_file, pace.heartbeat_s, client_properties=client)
        self._topology = Topology(
            refusals_last_s=pace.refusals_last_s,
            is_deadly=lambda binding: may_overflow(binding, address.vhost, address.user),
        )
        self._health = Health(connected=False, reason="not connected yet")

    @property
    def name(self) -> str:
        """The address without its password."""
        return str(self._address)

    @property
    def public_name(self) -> str:
        """Its hosts' names."""
        return ", ".join(dict.fromkeys(host for host, _ in self._address.hosts))

    @property
    def queue(self) -> str:
        """The name of the queue; another one after it was lost."""
        return self._queue.name

    @property
    def health(self) -> Health:
        """Whether the queue is being consumed, else why not."""
        return self._health

    def bind(self, binding: Binding, owner: str = "") -> None:
        """See `Broker.bind`."""
        self._topology.want(binding, owner)

    def unbind(self, binding: Binding) -> None:
        """See `Broker.unbind`."""
        self._topology.drop(binding)

    def outstanding(self, owner: str) -> int:
        """See `Broker.outstanding`."""
        return self._topology.outstanding(owner)

    def waiting(self) -> Waiting:
        """See `Broker.waiting`."""
        return self._topology.waiting()

    async def run(self, listener: Listener) -> None:
        """Connect, consume and bind until cancelled; connect again with backoff when lost."""
        waits = delays(random.random)
        clock = asyncio.get_running_loop().time
        for target in cycle(self._targets):
            start_s = clock()
            try:
                async with connected(target) as connection:
                    await self._work(connection, listener)
            except (BrokerUnavailable, RequestRefused) as error:
                if self._health.connected:
                    listener.lost()
                    if clock() - start_s > CAP_S:  # else it fails again and again, after success
                        waits = delays(random.random)
                if isinstance(error, QueueLost):
                    self._queue.give_up(listener, error)
                if isinstance(error, ConnectionFailed):
                    self._topology.suspect()
                wait_s = next(waits)
                reason = f"{target.host}:{target.port}: {error}"
                self._health = Health(connected=False, reason=error.kind)
                log.warning("no broker at %s; next try in %.1f s", reason, wait_s)
                await asyncio.sleep(wait_s)
            finally:
                self._health = self._health._replace(connected=False)

    async def _work(self, connection: FrameConnection, listener: Listener) -> None:
        """Consume and bind on one connection until it is lost, which raises, or cancelled."""
        channel = await self._queue.open(connection, listener)
        await channel.request("basic_qos", prefetch_count=PREFETCH)
        deliveries = Deliveries(
            listener.publish, partial(lose, listener), channel.pika, connection.read_slowly
        )
        connection.deliver_directly(
            channel.pika.channel_number, deliveries.receive, self._body_limit_bytes
        )
        with needing("read"):
            await channel.request("basic_consume", queue=self.queue, on_message_callback=unexpected)
        self._health = Health(connected=True)
        log.info("consuming %s at %s", self.queue, self.name)

        async def open_channel() -> QueueBindings:
            return QueueBindings(await Channel(connection).open(), self.queue)

        apart = BindingsApart(connection.params, self.queue)
        try:
            await first_failure(
                Binder(self._topology, listener, open_channel, apart.bind).run(),
                channel.until_closed(),
                watch_silence(connection, self._pace.heartbeat_s),
                self._audit(channel, listener),
                self._watch_length(channel, deliveries, listener),
                *self._alarms(connection.params),
            )
        except asyncio.CancelledError:
            with suppress(BrokerUnavailable, RequestRefused):
                await channel.request("queue_delete", within_s=CLOSE_WITHIN_S, queue=self.queue)
            raise
        finally:
            deliveries.stop()
            await apart.close()

    def _alarms(self, target: Any) -> Iterator[Coroutine[Any, Any, None]]:
        if self._pace.watches_alarms:
            yield watch_alarms(target, self.queue, self._pace.alarm_every_s, self._warn)

    async def _audit(self, channel: Channel, listener: Listener) -> None:
        """Look at the queue and at all bindings now and then: the broker tells of no change.

        Raises:
            RequestRefused: The queue is gone.
            BrokerUnavailable: The connection is lost.
        """
        while True:
            await asyncio.sleep(self._pace.audit_every_s)
            self._topology.audit()
            await self._queue.look(channel, listener)

    def _warn(self, warning: str) -> None:
        if warning != self._health.warning:
            log.warning("%s", warning or "the broker blocks publishers no more")
            self._health = self._health._replace(warning=warning)

    async def _watch_length(
        self, channel: Channel, deliveries: Deliveries[Message], listener: Listener
    ) -> None:
        """Look at the queue each time that much was delivered; raises as `_audit` does.

        A queue that was full while we stood still is short again within two seconds.
        """
        while True:
            await deliveries.many.wait()
            deliveries.many.clear()
            await self._queue.look(channel, listener)
