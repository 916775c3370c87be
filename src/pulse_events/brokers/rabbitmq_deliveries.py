"""What becomes of deliveries: routed in bounded slices, acknowledged in batches."""

import asyncio
import logging
from collections import deque

from pika.channel import Channel as PikaChannel

from pulse_events.brokers import Listener
from pulse_events.messages import Message

log = logging.getLogger(__name__)

SLICE = 128
"""Deliveries that are routed in one turn of the loop."""
ACK_EVERY = 250
ACK_WITHIN_S = 0.05
LOOK_EVERY = 10_000
"""Acknowledged deliveries after which the length of the queue is worth a look."""


class Deliveries:
    """Hands deliveries to the listener in bounded slices and acknowledges them in batches.

    A read of the socket may hold hundreds.  Were all of them routed at once, the flush behind
    would keep new clients and pings waiting: `SLICE` deliveries a turn, then the others' turn.
    """

    def __init__(self, listener: Listener, channel: PikaChannel) -> None:
        self._publish = listener.publish
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._arrived: deque[tuple[Message, int]] = deque()
        self._turn: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unacked = 0
        self._last_tag = 0
        self._since_look = 0
        self.many = asyncio.Event()
        """Set after each `LOOK_EVERY`; whoever waits for it clears it."""

    def receive(self, message: Message, tag: int) -> None:
        """Take one delivery and its tag; at most the channel's prefetch wait here."""
        self._arrived.append((message, tag))
        if self._turn is None:
            self._turn = self._loop.call_soon(self._publish_slice)

    def stop(self) -> None:
        """Route and acknowledge no more: the channel is closing."""
        self._arrived.clear()
        for handle in (self._turn, self._timer):
            if handle is not None:
                handle.cancel()

    def _publish_slice(self) -> None:
        arrived = self._arrived
        count = min(SLICE, len(arrived))
        for _ in range(count):
            message, self._last_tag = arrived.popleft()
            try:
                self._publish(message)
            except Exception:  # one message must not end the stream of all others
                log.exception("a message of exchange %r was lost", message.exchange)
        self._unacked += count
        self._turn = self._loop.call_soon(self._publish_slice) if arrived else None
        if self._unacked >= ACK_EVERY:
            self._ack()
        elif self._timer is None:
            self._timer = self._loop.call_later(ACK_WITHIN_S, self._ack)

    def _ack(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._unacked and self._channel.is_open:
            self._channel.basic_ack(self._last_tag, multiple=True)
        self._since_look += self._unacked
        self._unacked = 0
        if self._since_look >= LOOK_EVERY:
            self._since_look = 0
            self.many.set()
