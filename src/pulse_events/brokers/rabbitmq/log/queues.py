"""The log at its broker: a stream, and the exchange by which it is written.

Whoever comes first makes them; they stay when all have gone.
"""

import logging
import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from pulse_events.brokers.rabbitmq.connection import Channel, RequestRefused
from pulse_events.brokers.rabbitmq.frames import FrameConnection, unexpected
from pulse_events.brokers.rabbitmq.log.content import StreamContent
from pulse_events.brokers.rabbitmq.log.publishing import publish
from pulse_events.brokers.rabbitmq.queue import needing

log = logging.getLogger(__name__)

PRECONDITION_FAILED = 406
ENTRY_LIMIT_BYTES = 256 << 20
SEGMENTS = 10
"""Retention works on whole segments: so many of them make up the log."""
SEGMENT_BYTES = (1 << 20, 500_000_000)
NAME = "pulse-events-log"
"""Of stream and exchange, within the namespace; also in what is told of them to everybody."""
_NAMES = re.compile(r" for queue '.*' in vhost '.*?'(?=:)")


class Retention(NamedTuple):
    """What the log keeps; it may be more, by a segment."""

    size_bytes: int
    age_s: float


class LogQueues:
    """The names of one namespace, and how they are declared.

    Args:
        namespace: See `RabbitMQ`.
        retention: Of a log that is made now; one that is there keeps what it has.
    """

    def __init__(self, namespace: str, retention: Retention) -> None:
        self.exchange = f"exchange/{namespace}/{NAME}"
        self.stream = f"queue/{namespace}/{NAME}"
        self._retention = retention

    async def declare_log(self, connection: FrameConnection) -> str:
        """Have a log; return what is to be told of it.

        Raises:
            BrokerUnavailable: The broker has no streams, or does not allow it.
        """
        warning = ""
        channel = await Channel(connection).open()
        try:
            with needing("configure", NAME):
                await channel.request("queue_declare", queue=self.stream, **self._log_arguments())
        except RequestRefused as error:
            if error.code != PRECONDITION_FAILED:
                raise
            # Not deleted: it may hold what somebody has yet to read.
            words = _NAMES.sub("", error.text)  # the heartbeat is for everybody to read
            warning = f"the log is used as it is, not with --log-bytes and --log-age: {words}"
            channel = await Channel(connection).open()
            await channel.request("queue_declare", queue=self.stream, passive=True)
        with needing("configure", NAME, of_exchange="configure"):
            await channel.request(
                "exchange_declare", exchange=self.exchange, exchange_type="fanout", durable=True
            )
        with needing("write", NAME, of_exchange="read"):
            await channel.request("queue_bind", queue=self.stream, exchange=self.exchange)
        channel.close()
        return warning

    def write(self, channel: Channel, entry: bytes) -> None:
        """Send an entry to the log, without waiting; raises as `Channel.request` does."""
        publish(channel, self.exchange, entry)

    async def write_surely(self, connection: FrameConnection, entry: bytes) -> None:
        """Send an entry to the log, and wait until the broker has passed it on."""
        channel = await Channel(connection).open()
        self.write(channel, entry)
        # A channel's requests are worked at in turn.
        with needing("write", NAME, of_exchange="write"):
            await channel.request("exchange_declare", exchange=self.exchange, passive=True)
        channel.close()

    async def consume(
        self,
        connection: FrameConnection,
        channel: Channel,
        start: int | str | datetime,
        prefetch: int,
        receive: Callable[[int, bytes, int, int], None],
    ) -> None:
        """Have what the log holds delivered, from ``start`` on.

        Args:
            connection: Delivers nothing else.
            channel: Of it; what it closes with ends the delivery.
            start: An offset, ``"next"``, or a time; see `Source.read`.
            prefetch: How many entries may be unacknowledged.
            receive: Gets an offset, the entry, its delivery tag, and about how many bytes it holds.

        Raises:
            BrokerUnavailable: The broker refuses it.
        """
        await channel.request("basic_qos", prefetch_count=prefetch)
        content = connection.deliver_directly(
            channel.pika.channel_number,
            lambda message, tag, held: receive(content.offset, message.body, tag, held),
            ENTRY_LIMIT_BYTES,
            StreamContent,
        )
        with needing("read", NAME):
            await channel.request(
                "basic_consume",
                queue=self.stream,
                on_message_callback=unexpected,
                arguments={"x-stream-offset": start},
            )

    def _log_arguments(self) -> dict[str, Any]:
        size_bytes, age_s = self._retention
        least, most = SEGMENT_BYTES
        arguments = {
            "x-queue-type": "stream",
            "x-max-length-bytes": size_bytes,
            "x-max-age": f"{max(1, round(age_s))}s",
            "x-stream-max-segment-size-bytes": min(max(size_bytes // SEGMENTS, least), most),
        }
        return {"durable": True, "arguments": arguments}


def time_ms() -> int:
    """Return the time of day by which entries are stamped, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
