"""Reads parts of the log once more, as the archive asks for them."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from pika.exceptions import AMQPError

from pulse_events.brokers.rabbitmq.connection import (
    ANSWER_WITHIN_S,
    Channel,
    first_failure,
)
from pulse_events.brokers.rabbitmq.frames import FrameConnection
from pulse_events.brokers.rabbitmq.log.place import BrokerPlace
from pulse_events.brokers.rabbitmq.log.queues import LogQueues
from pulse_events.errors import BrokerUnavailable, PulseEventsError
from pulse_events.hub.archive import READERS

PREFETCH = 500
WAITING_BYTES = 4 << 20
"""Entries that were not taken yet above which the broker is read slowly, until half of them are."""
KEPT_S = 10.0
"""How long a connection is kept for the next part."""


class OlderReading:
    """One part that is read, on a connection of its own; see `Reading`."""

    def __init__(
        self, queues: LogQueues, start: int | datetime, take: Callable[[int, bytes], None]
    ) -> None:
        self._queues = queues
        self._start = start
        self._take = take
        self._channel: Channel | None = None
        self._connection: FrameConnection | None = None
        self._sizes: deque[int] = deque()
        self._waiting_bytes = self._taken = 0
        self._is_slow = False
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, connection: FrameConnection) -> None:
        """Read until it is closed.

        Raises:
            BrokerUnavailable: The connection is lost, or there is no log any more.
        """
        if self._closed.done():
            return
        self._connection = connection
        self._channel = channel = await Channel(connection).open()
        await self._queues.consume(connection, channel, self._start, PREFETCH, self._receive)
        await channel.until(self._closed)
        # What is on its way must have come before the connection delivers something else.
        channel.close()
        connection.read_slowly(False)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await channel.until_closed()
        except TimeoutError:
            raise BrokerUnavailable("the broker does not close a channel") from None
        except PulseEventsError:
            return  # closed, as it was asked to be

    def _receive(self, offset: int, body: bytes, _tag: int, held_bytes: int) -> None:
        if self._closed.done():
            return
        self._sizes.append(held_bytes)
        self._waiting_bytes += held_bytes
        self._read_at_a_pace()
        self._take(offset, body)

    def took(self, count: int) -> None:
        """See `Reading`."""
        for _ in range(count):
            self._waiting_bytes -= self._sizes.popleft()
        self._taken += count
        self._read_at_a_pace()
        if self._channel is not None and self._channel.pika.is_open:
            with suppress(RuntimeError, AMQPError):  # uvloop's, of a socket that is dead
                self._channel.pika.basic_ack(self._taken, multiple=True)

    def _read_at_a_pace(self) -> None:
        limit_bytes = WAITING_BYTES // 2 if self._is_slow else WAITING_BYTES
        is_slow = self._waiting_bytes > limit_bytes
        if is_slow != self._is_slow and self._connection is not None:
            self._is_slow = is_slow
            self._connection.read_slowly(is_slow)

    def close(self) -> None:
        """See `Reading`."""
        if not self._closed.done():
            self._closed.set_result(None)


class OlderReader:
    """Reads as many parts at a time as an archive may ask for; a `Source`.

    Args:
        queues: Where the log is.
    """

    def __init__(self, queues: LogQueues) -> None:
        self._queues = queues
        self._asked: asyncio.Queue[OlderReading] = asyncio.Queue()

    def read(self, start: int | datetime, take: Callable[[int, bytes], None]) -> OlderReading:
        """See `Source`."""
        reading = OlderReading(self._queues, start, take)
        self._asked.put_nowait(reading)
        return reading

    async def run(self, place: BrokerPlace, attempt: int) -> None:
        """Read what is asked for until that fails, which raises."""
        readers = READERS + 1  # one looks for times
        await first_failure(
            *(self._read_one_after_the_other(place, attempt) for _ in range(readers))
        )

    async def _read_one_after_the_other(self, place: BrokerPlace, attempt: int) -> None:
        while True:
            reading: OlderReading | None = await self._asked.get()
            async with place.connected(attempt) as connection:
                while reading is not None:
                    await reading.run(connection)
                    reading = await self._next()

    async def _next(self) -> OlderReading | None:
        with suppress(TimeoutError):
            async with asyncio.timeout(KEPT_S):
                return await self._asked.get()
        return None
