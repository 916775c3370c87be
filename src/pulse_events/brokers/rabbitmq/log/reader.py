"""Reads the log's end: everything in it, from where this process has been on."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pulse_events.brokers.rabbitmq.connection import Channel, RequestRefused
from pulse_events.brokers.rabbitmq.deliveries import PREFETCH, Deliveries
from pulse_events.brokers.rabbitmq.frames import FrameConnection
from pulse_events.brokers.rabbitmq.log.place import BrokerPlace
from pulse_events.brokers.rabbitmq.log.queues import NAME, LogQueues, time_ms
from pulse_events.brokers.rabbitmq.queue import needing
from pulse_events.cursors import LogCursors
from pulse_events.errors import BrokerUnavailable
from pulse_events.hub.log_hub import LogHub
from pulse_events.log.entries import Entry, NotAnEntry, Probe, Stamp, check, decode, encode
from pulse_events.log.recording import PREFETCH as RECORDER_PREFETCH

log = logging.getLogger(__name__)

LOOK_BACK = 10 * RECORDER_PREFETCH
"""Entries before the log's end that are read first: who takes the recording over must know the last
of them that count, and each of those who had their turn lately may have written some that do not.
"""
PROBE_WITHIN_S = 5.0
"""How long an entry of our own may take to come back."""


class LogReader:
    """The one reader of a process.

    Args:
        queues: Where the log is.
        hub: Who gets what is read, while it can be read.
        told: Told each entry when the hub has had it.
    """

    def __init__(
        self,
        queues: LogQueues,
        hub: LogHub,
        told: Callable[[Entry], None] = lambda entry: None,
    ) -> None:
        self._queues = queues
        self._hub = hub
        self._told = told
        self._end = self._proof = -1
        self._is_attached = False
        self._channel: Channel | None = None
        self._prober, self._probes = secrets.token_hex(4), 0
        self.attached = asyncio.Event()
        """Set when the log's end was reached for the first time."""

    async def find_end(self, place: BrokerPlace, attempt: int) -> None:
        """Find the log's end, by an entry of our own; also of an empty log.

        Raises:
            BrokerUnavailable: The log takes no entries, or gives none.
        """
        writer = secrets.token_hex(4)
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        probe = encode(Probe(Stamp(writer, 0, time_ms())))

        def receive(offset: int, body: bytes) -> None:
            if body == probe and not found.done():
                found.set_result(offset)

        async with (
            place.connected(attempt) as connection,
            self._consuming(connection, "next", receive) as channel,
        ):
            self._queues.write(channel, probe)
            with needing("write", NAME, of_exchange="write"):
                await channel.until(found, PROBE_WITHIN_S)
        if not found.done():
            raise BrokerUnavailable("the log takes no entries", "the log takes no entries")
        self._end = found.result()

    @asynccontextmanager
    async def reading(self, connection: FrameConnection) -> AsyncIterator[Channel]:
        """Read behind what was read before, or from shortly before the end, for the block.

        `find_end` comes first.  The channel that is yielded closes when reading ends.
        """
        tail = self._hub.intake.tail
        self._proof = tail.offset
        if self._end <= tail.offset:
            self._restart("it is shorter than it was")
        start = tail.offset if tail.last else max(0, self._end - LOOK_BACK)
        async with self._consuming(connection, start, self._take) as channel:
            self._channel = channel
            yield channel

    @asynccontextmanager
    async def _consuming(
        self,
        connection: FrameConnection,
        start: int | str,
        receive: Callable[[int, bytes], None],
    ) -> AsyncIterator[Channel]:
        channel = await Channel(connection).open()

        def take(delivery: tuple[int, bytes]) -> None:
            receive(*delivery)

        deliveries = Deliveries(take, self._fail, channel.pika, connection.read_slowly)
        try:
            await self._queues.consume(
                connection,
                channel,
                start,
                PREFETCH,
                lambda offset, body, tag, held: deliveries.receive((offset, body), tag, held),
            )
            yield channel
        finally:
            deliveries.stop()

    def _take(self, offset: int, body: bytes) -> None:
        """Take what stands at ``offset``."""
        intake = self._hub.intake
        try:
            entry = decode(body)
        except NotAnEntry as error:
            self._fail((offset, body), error)
            return
        if self._proof >= 0:
            proof, self._proof = self._proof, -1
            if offset == proof:
                if LogCursors.position(offset, check(entry.stamp)) == intake.tail.last:
                    return  # so it is the same log, and this is what was read last
                self._restart("it holds something else")
        self._hub.take(offset, entry)
        self._told(entry)
        if isinstance(entry, Probe) and entry.stamp.writer == self._prober:
            self._hub.found_end(entry.stamp.number)
        if offset >= self._end and not self._is_attached:
            self._is_attached = True
            self._hub.attach(self._probe)
            self.attached.set()

    def _probe(self) -> int:
        """Write an entry that tells its number when it is read; see `LogHub.attach`."""
        try:
            if self._channel is not None:
                stamp = Stamp(self._prober, self._probes + 1, time_ms())
                self._queues.write(self._channel, encode(Probe(stamp)))
                self._probes += 1
                return self._probes
        except (BrokerUnavailable, RequestRefused) as error:
            log.warning("the log's end cannot be asked for: %s", error)
        return 0

    def _fail(self, delivery: tuple[int, bytes], error: Exception) -> None:
        """Note what cannot be passed on."""
        log.error("the entry at %d in the log cannot be passed on: %r", delivery[0], error)
        self._hub.intake.fail(delivery[0])

    def _restart(self, why: str) -> None:
        """Begin anew: this is another log."""
        if self._hub.intake.tail.last:
            log.error("the log was deleted, and made again: %s", why)
            self._hub.restart()
        self._proof = -1

    def stop(self) -> None:
        """Note that reading has ended, for now."""
        self._is_attached = False
        self._hub.detach()
