"""What is watched on a connection that seems to be fine: silence, the queue, the broker's alarms.

Knows no bindings and no messages; whom to tell is an argument.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pika
from pika.adapters.asyncio_connection import AsyncioConnection

from pulse_events.brokers.rabbitmq.connection import (
    Channel,
    RequestRefused,
    connected,
    give_up,
)
from pulse_events.errors import BrokerUnavailable

log = logging.getLogger(__name__)

_LOOKS_PER_HEARTBEAT = 4
_SILENT_LOOKS = 6
"""One and a half heartbeats, in which a broker that lives has spoken three times."""


async def watch_silence(connection: AsyncioConnection, heartbeat_s: float) -> None:
    """Give the connection up once the broker has been silent for one and a half heartbeats.

    pika's own check needs up to two intervals and ten seconds.  Looks are counted, not seconds:
    a loop that stood still has not listened meanwhile.
    """
    silent, received = 0, connection.bytes_received
    while silent < _SILENT_LOOKS:
        await asyncio.sleep(heartbeat_s / _LOOKS_PER_HEARTBEAT)
        silent = silent + 1 if connection.bytes_received == received else 0
        received = connection.bytes_received
    reason = BrokerUnavailable(f"nothing came from the broker for {1.5 * heartbeat_s:.1f} s")
    give_up(connection, reason)
    raise reason


async def watch_alarms(
    target: pika.ConnectionParameters, queue: str, every_s: float, tell: Callable[[str], None]
) -> None:
    """Tell ``tell`` why the broker blocks publishers, and an empty text when it no longer does.

    RabbitMQ tells only connections that publish (probed on 3.10), and stops reading from those:
    this takes a connection of its own, which publishes to an exchange of its own what nobody gets.
    The exchange deletes itself when ``queue``, to which it is bound, is gone.
    """
    while True:
        try:
            async with connected(target, close_within_s=0.0) as connection:
                await _ask_for_alarms(connection, queue, every_s, tell)
        except RequestRefused as error:
            log.info("alarms of the broker cannot be noticed: %s", error)
            return
        except BrokerUnavailable as error:
            log.debug("the connection that notices alarms is lost: %s", error)
        tell("")
        await asyncio.sleep(every_s)


async def _ask_for_alarms(
    connection: AsyncioConnection, queue: str, every_s: float, tell: Callable[[str], None]
) -> None:
    connection.add_on_connection_blocked_callback(lambda _, frame: tell(_words(frame)))
    connection.add_on_connection_unblocked_callback(lambda _, _frame: tell(""))
    channel = await Channel(connection).open()
    exchange = "exchange" + queue.removeprefix("queue")
    await channel.request(
        "exchange_declare", exchange=exchange, exchange_type="direct", auto_delete=True
    )
    await channel.request("queue_bind", queue=queue, exchange=exchange, routing_key="nothing")
    while True:
        channel.send("basic_publish", exchange=exchange, routing_key="nobody", body=b"")
        with suppress(TimeoutError):
            async with asyncio.timeout(every_s):
                await channel.until_closed()


def _words(frame: Any) -> str:
    reason = frame.method.reason
    text = reason if isinstance(reason, str) else reason.decode(errors="replace")
    return f"the broker blocks publishers: {text}"
