"""One process's part in the log: it reads it, and is ready to record; connected for ever."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from itertools import cycle

import pika

from pulse_events.backoff import delays
from pulse_events.bindings import Binding
from pulse_events.brokers.rabbitmq.address import parse_address
from pulse_events.brokers.rabbitmq.connection import RequestRefused, connected, first_failure
from pulse_events.brokers.rabbitmq.frames import FrameConnection
from pulse_events.brokers.rabbitmq.log.older import OlderReader
from pulse_events.brokers.rabbitmq.log.queues import LogQueues, Retention
from pulse_events.brokers.rabbitmq.log.reader import LogReader
from pulse_events.brokers.rabbitmq.log.recorder import Recorder
from pulse_events.brokers.rabbitmq.targets import targets
from pulse_events.brokers.rabbitmq.watch import watch_silence
from pulse_events.errors import BrokerUnavailable
from pulse_events.hub.log_hub import LogHub
from pulse_events.hub.ports import Health
from pulse_events.messages import DEFAULT_LIMIT_BYTES

log = logging.getLogger(__name__)

HEARTBEAT_S = 4
"""An instance that hangs while it records is replaced after two or three of these."""
BIND_AGAIN_S = 30.0


class SharedLog:
    """Reads the log for a hub, and records what is to be in it when it is this process's turn.

    Args:
        url: The broker's; see `parse_address`.
        hub: Who gets what is read.
        recorded: What is recorded.
        retention: Of the log, if it is made now.
        namespace: See `RabbitMQ`.
        ca_file: See `RabbitMQ`.
        body_limit_bytes: Longer bodies are left out.

    Raises:
        SettingsError: The URL is no broker address, or ``ca_file`` cannot be read.
    """

    def __init__(
        self,
        url: str,
        hub: LogHub,
        recorded: Iterable[Binding],
        retention: Retention,
        *,
        namespace: str | None = None,
        ca_file: str | None = None,
        body_limit_bytes: int = DEFAULT_LIMIT_BYTES,
    ) -> None:
        address = parse_address(url)
        self._targets = targets(address, ca_file, HEARTBEAT_S)
        self._queues = LogQueues(namespace or address.user, retention)
        self._hub = hub
        self._recorded = tuple(recorded)
        self._inbox_is_new = False
        self._reader = reader = LogReader(
            self._queues, hub, lambda entry: self._recorder.read_back(entry)
        )
        self._recorder = Recorder(self._queues, hub.intake, reader.is_steady, body_limit_bytes)
        self._health = {"read": Health(connected=False, reason="not connected yet")}

    @property
    def health(self) -> Health:
        """Whether the log can be read and written, else why not."""
        for health in self._health.values():
            if not health.connected:
                return health
        warnings = [health.warning for health in self._health.values() if health.warning]
        return Health(connected=True, warning="; ".join(warnings))

    async def run(self) -> None:
        """Read, and record, until cancelled; connect again with backoff when lost."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep("read", self._read))
            tasks.create_task(self._keep("record", self._record))
            tasks.create_task(self._keep("older", self._read_older))

    async def _keep(
        self, what: str, work: Callable[[pika.ConnectionParameters], Awaitable[None]]
    ) -> None:
        waits = delays(random.random)
        clock = asyncio.get_running_loop().time
        for target in cycle(self._targets):
            start_s = clock()
            try:
                await work(target)
            except (BrokerUnavailable, RequestRefused) as error:
                told, kind = str(error), error.kind
            except Exception as error:  # of the log alone: the rest of the server goes on
                log.exception("the log failed")
                told, kind = repr(error), "it failed"
            if clock() - start_s > 2 * HEARTBEAT_S:
                waits = delays(random.random)
            wait_s = next(waits)
            self._health[what] = Health(connected=False, reason=f"the log: {kind}")
            log.warning("the log cannot be %s: %s; next try in %.1f s", _PAST[what], told, wait_s)
            await asyncio.sleep(wait_s)

    async def _read(self, target: pika.ConnectionParameters) -> None:
        async with connected(target) as connection:
            warning = await self._queues.declare_log(connection)
            if warning and not self._reader.attached.is_set():
                log.warning("%s", warning)
            await self._have_inbox(connection)  # before anybody is ready
            await self._reader.find_end(target)
            try:
                async with self._reader.reading(connection) as channel:
                    self._health["read"] = Health(connected=True, warning=warning)
                    log.info("reading %s", self._queues.stream)
                    await first_failure(
                        channel.until_closed(), watch_silence(connection, HEARTBEAT_S)
                    )
            finally:
                self._reader.stop()

    async def _record(self, target: pika.ConnectionParameters) -> None:
        # Before the log's end is known, our own beginning might stand before what is read.
        await self._reader.attached.wait()
        async with connected(target) as connection:
            await self._have_inbox(connection)
            tail = self._hub.intake.tail
            last_ms = tail.entered_ms if len(tail) else 0
            is_inbox_new, self._inbox_is_new = self._inbox_is_new, False
            await first_failure(
                self._recorder.run(connection, last_ms, is_inbox_new=is_inbox_new),
                watch_silence(connection, HEARTBEAT_S),
                self._bind_again(connection),
            )

    async def _read_older(self, target: pika.ConnectionParameters) -> None:
        await self._reader.attached.wait()
        reader = OlderReader(self._queues)
        self._health["older"] = Health(connected=True)
        self._hub.archive.opened(reader)
        try:
            await reader.run(target)
        finally:
            self._hub.archive.closed()

    async def _have_inbox(self, connection: FrameConnection) -> None:
        """Have what is recorded from; who asks for what is not recorded must not wait for it."""
        inbox = await self._queues.have_inbox(connection, self._recorded)
        self._inbox_is_new |= inbox.is_new
        warning = ""
        for binding, why in inbox.refused.items():
            warning = f"{binding.exchange}={binding.pattern} is not recorded: {why}"
            log.warning("%s", warning)
        self._hub.hold(set(self._recorded).difference(inbox.refused))
        self._health["record"] = Health(connected=True, warning=warning)

    async def _bind_again(self, connection: FrameConnection) -> None:
        """Ask now and then for what the broker did not bind."""
        while True:
            await asyncio.sleep(BIND_AGAIN_S)
            if self._health["record"].warning:
                await self._have_inbox(connection)


_PAST = {"read": "read", "record": "written", "older": "read further back"}
