"""One process's part in the log: it reads it, and is ready to record; connected for ever."""

import asyncio
import logging
import random
import secrets
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from itertools import count

from pulse_events.backoff import delays
from pulse_events.bindings import Binding
from pulse_events.brokers.rabbitmq.connection import RequestRefused, first_failure
from pulse_events.brokers.rabbitmq.frames import FrameConnection
from pulse_events.brokers.rabbitmq.log.inbox import Inbox
from pulse_events.brokers.rabbitmq.log.older import OlderReader
from pulse_events.brokers.rabbitmq.log.place import HEARTBEAT_S, BrokerPlace
from pulse_events.brokers.rabbitmq.log.queues import LogQueues, Retention, time_ms
from pulse_events.brokers.rabbitmq.log.reader import LogReader
from pulse_events.brokers.rabbitmq.log.recorder import INBOX_GONE, Recorder
from pulse_events.brokers.rabbitmq.watch import watch_silence
from pulse_events.errors import BrokerUnavailable
from pulse_events.hub.log_hub import LogHub
from pulse_events.hub.ports import Health
from pulse_events.log.entries import Entry, Lost, Stamp, encode
from pulse_events.log.register import Register
from pulse_events.messages import DEFAULT_LIMIT_BYTES

log = logging.getLogger(__name__)

AUDIT_S = 25.0
"""How often what is recorded is bound again: a binding goes with its exchange, untold."""
SAY_AGAIN_S = 0.2


class SharedLog:
    """Reads the log for a hub, and records what is to be in it when it is this process's turn.

    Args:
        source: Where the messages are.
        log: Where the log is.
        hub: Who gets what is read.
        recorded: What is recorded.
        retention: Of the log, if it is made now.
        body_limit_bytes: Longer bodies are left out.
    """

    def __init__(
        self,
        source: BrokerPlace,
        log: BrokerPlace,
        hub: LogHub,
        recorded: Iterable[Binding],
        retention: Retention,
        *,
        body_limit_bytes: int = DEFAULT_LIMIT_BYTES,
    ) -> None:
        self._source = source
        self._log = log
        self._inbox = Inbox(source.namespace, retention.age_s)
        self._queues = LogQueues(log.namespace, retention)
        self._hub = hub
        self._recorded = tuple(recorded)
        self._register = Register(self._recorded, hub.intake, _stamp)
        self._inbox_is_had = False
        self._warned: set[str] = set()
        self._reader = LogReader(self._queues, hub, lambda entry: self._recorder.read_back(entry))
        self._recorder = Recorder(self._inbox, self._queues, hub.intake, body_limit_bytes)
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

    async def _keep(self, what: str, work: Callable[[int], Awaitable[None]]) -> None:
        waits = delays(random.random)
        clock = asyncio.get_running_loop().time
        for attempt in count():
            start_s = clock()
            try:
                await work(attempt)
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

    async def _read(self, attempt: int) -> None:
        async with self._log.connected(attempt) as connection:
            warning = await self._queues.declare_log(connection)
            if warning and not self._reader.attached.is_set():
                log.warning("%s", warning)
            if not self._inbox_is_had:  # it is to be there before anybody is ready
                async with self._source.connected(attempt) as other:
                    await self._have_inbox(other, connection)
            await self._reader.find_end(self._log, attempt)
            try:
                async with self._reader.reading(connection) as channel:
                    self._health["read"] = Health(connected=True, warning=warning)
                    log.info("reading %s", self._queues.stream)
                    await first_failure(
                        channel.until_closed(), watch_silence(connection, HEARTBEAT_S)
                    )
            finally:
                self._reader.stop()

    async def _record(self, attempt: int) -> None:
        # Before the log's end is known, our own beginning might stand before what is read.
        await self._reader.attached.wait()
        async with (
            self._source.connected(attempt) as connection,
            self._log.connected(attempt) as out,
        ):
            await self._have_inbox(connection, out)
            await first_failure(
                self._recorder.run(connection, out),
                watch_silence(connection, HEARTBEAT_S),
                watch_silence(out, HEARTBEAT_S),
                self._audit(connection, out),
                self._say_again(out),
            )

    async def _read_older(self, attempt: int) -> None:
        await self._reader.attached.wait()
        reader = OlderReader(self._queues)
        self._health["older"] = Health(connected=True)
        self._hub.archive.opened(reader)
        try:
            await reader.run(self._log, attempt)
        finally:
            self._hub.archive.closed()

    async def _have_inbox(self, connection: FrameConnection, out: FrameConnection) -> None:
        """Have what is recorded from; who asks for what is not recorded must not wait for it."""
        refused = await self._inbox.have(
            connection, self._recorded, partial(self._tell_missing, out)
        )
        self._inbox_is_had = True
        warnings = {
            f"{binding.exchange}={binding.pattern} is not recorded: {why}"
            for binding, why in refused.items()
        }
        for warning in sorted(warnings - self._warned):  # it is asked again and again
            log.warning("%s", warning)
        self._warned = warnings
        is_known = self._reader.attached.is_set()  # what the log says of it
        for entry in self._register.changes(refused) if is_known else ():
            await self._write(out, entry)
        self._register.note(refused, is_told=is_known)
        self._hub.hold(set(self._recorded).difference(refused))
        self._health["record"] = Health(connected=True, warning="; ".join(sorted(warnings)))

    async def _tell_missing(self, out: FrameConnection) -> None:
        """Record that what came since the last entry may be missing.

        Not by the recorder: another process may be the one, and it must stand before what is
        recorded from an inbox that is made behind it.
        """
        await self._write(out, Lost(_stamp(), 0, "", INBOX_GONE))

    async def _write(self, out: FrameConnection, entry: Entry) -> None:
        await self._queues.write_surely(out, encode(entry))

    async def _audit(self, connection: FrameConnection, out: FrameConnection) -> None:
        """Bind again now and then, and ask for what the broker did not bind."""
        while True:
            self._register.bound(time_ms())
            await asyncio.sleep(AUDIT_S)
            await self._have_inbox(connection, out)

    async def _say_again(self, out: FrameConnection) -> None:
        """Have the log's end say at any time what is recorded."""
        while True:
            await asyncio.sleep(SAY_AGAIN_S)
            if entry := self._register.again():
                await self._write(out, entry)


def _stamp() -> Stamp:
    """Return the stamp of an entry that no recorder writes."""
    return Stamp(secrets.token_hex(4), 0, time_ms())


_PAST = {"read": "read", "record": "written", "older": "read further back"}
