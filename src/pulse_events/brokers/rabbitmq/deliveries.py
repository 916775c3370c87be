"""What becomes of deliveries: routed in bounded slices, acknowledged in batches."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from pika.channel import Channel as PikaChannel

Item = TypeVar("Item")
"""What is made of a delivery."""

PREFETCH = 2000
"""Deliveries that may be unacknowledged; also what may stand in line before a bind-ok."""
SLICE = 128
SLICE_S = 0.01
"""Deliveries that are routed in one turn of the loop, and for how long: large bodies take more."""
WAITING_BYTES = 32 << 20
"""Bodies and keys in line above which the broker is read slowly, until half of them are routed."""
ACK_EVERY = 250
ACK_WITHIN_S = 0.05
LOOK_EVERY = 10_000
"""Acknowledged deliveries after which the length of the queue is worth a look."""


class Deliveries(Generic[Item]):
    """Hands deliveries on in bounded slices and acknowledges them in batches.

    A read of the socket may hold hundreds.  Were all of them routed at once, the flush behind
    would keep new clients and pings waiting: `SLICE` deliveries a turn, then the others' turn.
    """

    def __init__(
        self,
        publish: Callable[[Item], None],
        failed: Callable[[Item, Exception], None],
        channel: PikaChannel,
        read_slowly: Callable[[bool], None],
    ) -> None:
        """Make an empty line.

        Args:
            publish: Gets what was delivered.
            failed: Told what ``publish`` raised.
            channel: Where they are acknowledged.
            read_slowly: Told whether the broker sends more than can be held.
        """
        self._publish = publish
        self._failed = failed
        self._channel = channel
        self._read_slowly = read_slowly
        self._is_slow = False
        self._waiting_bytes = 0
        self._loop = asyncio.get_running_loop()
        self._arrived: deque[tuple[Item, int, int]] = deque()
        self._turn: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unacked = 0
        self._last_tag = 0
        self._since_look = 0
        self.many = asyncio.Event()
        """Set after each `LOOK_EVERY`; whoever waits for it clears it."""

    def receive(self, item: Item, tag: int, held_bytes: int) -> None:
        """Take one delivery, its tag and its size; at most the channel's prefetch wait here."""
        self._arrived.append((item, tag, held_bytes))
        self._waiting_bytes += held_bytes
        if not self._is_slow and self._waiting_bytes > WAITING_BYTES:
            self._set_slow(True)
        if self._turn is None:
            self._turn = self._loop.call_soon(self._publish_slice)

    def stop(self) -> None:
        """Route and acknowledge no more: the channel is closing."""
        self._arrived.clear()
        self._waiting_bytes = 0
        for handle in (self._turn, self._timer):
            if handle is not None:
                handle.cancel()

    def _publish_slice(self) -> None:
        arrived, publish = self._arrived, self._publish
        until_s = time.perf_counter() + SLICE_S
        for _ in range(min(SLICE, len(arrived))):
            item, self._last_tag, held_bytes = arrived.popleft()
            self._unacked += 1
            self._waiting_bytes -= held_bytes
            try:
                publish(item)
            except Exception as error:  # one must not end the stream of all others
                self._failed(item, error)
            if time.perf_counter() > until_s:
                break
        if self._is_slow and self._waiting_bytes < WAITING_BYTES // 2:
            self._set_slow(False)
        self._turn = self._loop.call_soon(self._publish_slice) if arrived else None
        if self._unacked >= ACK_EVERY:
            self._ack()
        elif self._timer is None:
            self._timer = self._loop.call_later(ACK_WITHIN_S, self._ack)

    def _set_slow(self, slow: bool) -> None:
        self._is_slow = slow
        self._read_slowly(slow)

    def _ack(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._unacked and self._channel.is_open:
            # uvloop's, of a socket that is dead, which pika has yet to notice: all comes again.
            with suppress(RuntimeError):
                self._channel.basic_ack(self._last_tag, multiple=True)
        self._since_look += self._unacked
        self._unacked = 0
        if self._since_look >= LOOK_EVERY:
            self._since_look = 0
            self.many.set()
