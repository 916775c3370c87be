"""The process's queue: declared once, looked at often, since the broker tells of no loss.

Knows neither what is bound to it nor what is done with its messages.
"""

import logging
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pulse_events.brokers.rabbitmq.connection import ACCESS_REFUSED, Channel, RequestRefused
from pulse_events.brokers.rabbitmq.deliveries import ACK_EVERY, LOOK_EVERY, PREFETCH
from pulse_events.brokers.rabbitmq.frames import FrameConnection
from pulse_events.errors import BrokerUnavailable, MessagesMissed
from pulse_events.hub.ports import Listener

log = logging.getLogger(__name__)

QUEUE_MAX_MESSAGES = 100_000
"""The broker drops the oldest of more, and tells nobody."""
SPAN = LOOK_EVERY + 2 * PREFETCH + ACK_EVERY
"""Most messages that a queue can become shorter by between two looks at it."""


class Queue:
    """One queue after the other, each with a name of its own.

    Args:
        namespace: Queues are named ``queue/<namespace>/pulse-events/…``.
        expires_s: How long the broker keeps it without a consumer.
        limit: Messages that it may hold; more than `SPAN`.
    """

    def __init__(self, namespace: str, expires_s: float, limit: int) -> None:
        self._namespace = namespace
        self._expires_s = expires_s
        self._limit = limit
        self._declared = False
        self._looked_s = 0.0
        """When it was sure that nothing was dropped so far but what was told."""
        self.name = self._new_name()

    async def open(self, connection: FrameConnection, listener: Listener) -> Channel:
        """Return a channel; the queue is there, and the listener knows what it did not keep."""
        channel = await Channel(connection).open()
        if self._declared:
            try:
                await self.look(channel, listener)
            except RequestRefused as error:
                self.give_up(listener, error)
                channel = await Channel(connection).open()
            else:
                # Not declared anew: one that goes in this moment would come back empty, unseen.
                return channel
        with needing("configure"):
            await channel.request("queue_declare", queue=self.name, **self._arguments())
        self._declared = True
        self._looked_s = time.monotonic()
        return channel

    def give_up(self, listener: Listener, error: Exception) -> None:
        """Tell that messages are lost, and take another queue.

        One that was out of reach with its node may be back, without what came meanwhile; or its
        node may be down for long.  So a new name, and at once.
        """
        self.name = self._new_name()
        self._declared = False
        _lose(listener, "the queue expired, was deleted or is out of reach", error)

    async def look(self, channel: Channel, listener: Listener) -> None:
        """Tell the listener if the queue may have been full since the last look.

        Raises:
            RequestRefused: There is no queue.
        """
        found = await channel.request("queue_declare", queue=self.name, passive=True)
        count = found.method.message_count
        before_s, self._looked_s = self._looked_s, time.monotonic()
        if count >= self._limit - SPAN:
            reason = f"the queue holds {count} messages, at {self._limit} it drops some"
            # The oldest were dropped, and some of what came later may have been delivered already.
            back_ms = round(1000 * (self._looked_s - before_s))
            _lose(listener, reason, back_ms=back_ms)

    def _new_name(self) -> str:
        instance = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        return f"queue/{self._namespace}/pulse-events/{instance}"

    def _arguments(self) -> dict[str, Any]:
        arguments = {
            "x-expires": round(self._expires_s * 1000),
            "x-max-length": self._limit,
            # After a half-open connection its unacknowledged messages come back before all others.
            "x-single-active-consumer": True,
        }
        return {"durable": True, "arguments": arguments}


def _lose(
    listener: Listener, reason: str, cause: Exception | str = "", *, back_ms: int = 0
) -> None:
    """Tell clients ``reason``, and the log also the broker's own words; see `MessagesMissed`."""
    log.error("messages are lost: %s", f"{reason}: {cause}" if cause else reason)
    listener.missed(MessagesMissed(f"messages may be missing: {reason}", back_ms))


@contextmanager
def needing(permission: str, name: str = "", *, of_exchange: str = "") -> Iterator[None]:
    """Say which permission is missing, where access to the queue is refused, or to an exchange.

    Args:
        permission: Which one it takes for the queue.
        name: Of what it is, for everybody to read; nothing if there is only one.
        of_exchange: Which permission it takes for an exchange of this name, if there is one in it.
    """
    try:
        yield
    except RequestRefused as error:
        kind = lacking(error, permission, "queue") or lacking(error, of_exchange, "exchange")
        if not kind:
            raise
        kind = f"{kind} {name}".rstrip()
        raise BrokerUnavailable(f"{kind}: {error}", kind) from error


def lacking(error: RequestRefused, permission: str, thing: str) -> str:
    """Return which permission is missing, if the broker refuses access to the queue or exchange.

    Args:
        error: The refusal.
        permission: Which one it takes; nothing if it takes none.
        thing: What it is for, ``"queue"`` or ``"exchange"``.
    """
    # The same code is for what is wrong in other ways, such as a binding to the default exchange.
    is_it = error.code == ACCESS_REFUSED and f"access to {thing} " in error.text
    return f"no {permission} permission for the {thing}" if is_it and permission else ""
