"""When to flush: at once while there is time, less often and in larger writes while there is not.

At high rates a stream's write costs the kernel far more than the bytes in it, so what counts is
how many messages a write joins.  A flush therefore keeps the next one away for a multiple of its
own duration.  An idle server never waits: its last flush is long over.
"""

import asyncio
from collections.abc import Callable

REST = 3.0
"""A flush of 1 ms lets the next one start 3 ms after its end."""
LONGEST_REST_S = 0.005
"""What joining may add to the latency of a message."""


class Pacer:
    """Calls a flush soon, but not too soon after the last."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._not_before_s = 0.0

    def wake(self, flush: Callable[[], None]) -> None:
        """Call ``flush`` at the end of this turn, or when the last one is over for long enough."""
        if self._loop.time() >= self._not_before_s:
            self._loop.call_soon(self._run, flush)
        else:
            self._loop.call_at(self._not_before_s, self._run, flush)

    def _run(self, flush: Callable[[], None]) -> None:
        started_s = self._loop.time()
        flush()
        self._loop.call_soon(self._over, started_s)

    def _over(self, started_s: float) -> None:
        """Note how long a flush took; uvloop writes at the end of the turn, thus before this."""
        now_s = self._loop.time()
        self._not_before_s = now_s + min(REST * (now_s - started_s), LONGEST_REST_S)
