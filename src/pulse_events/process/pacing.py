"""When to flush: at once while there is time, less often and in larger writes while there is not.

At high rates a stream's write costs the kernel far more than the bytes in it, so what counts is
how many messages a write joins.  Flushing may take a share of the time, with some credit for
bursts; beyond that it waits, and messages gather.  Below that nothing waits.

What is not live has a share of its own, in slices.
"""

import asyncio
import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

SHARE = 0.25
"""Of all time, what flushing may take before it waits: 500 streams reach it at 200 messages/s."""
CREDIT_S = 0.025
"""Flushing that may come in a burst."""
LONGEST_WAIT_S = 0.008
"""What joining may add to the latency of a message."""


class FlushPace:
    """Calls a flush soon, but not too soon after the ones before."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._loop = loop
        self._clock = clock  # uvloop's own time stands still within a turn
        self._debt_s = 0.0  # time spent on flushing that its share has not made up for
        self._noted_s = 0.0

    def wake(self, flush: Callable[[], None]) -> None:
        """Call ``flush`` at the end of this turn, or when flushing has waited for long enough."""
        now_s = self._clock()
        self._debt_s = max(0.0, self._debt_s - SHARE * (now_s - self._noted_s))
        self._noted_s = now_s
        if self._debt_s <= CREDIT_S:
            self._loop.call_soon(self._run, flush)
        else:
            wait_s = min((self._debt_s - CREDIT_S) / SHARE, LONGEST_WAIT_S)
            self._loop.call_later(wait_s, self._run, flush)

    def _run(self, flush: Callable[[], None]) -> None:
        started_s = self._clock()
        flush()
        self._debt_s += self._clock() - started_s


REPLAY_SHARE = 0.25
"""Of all time, what streams that read the history may take."""
SLICE_S = 0.002
"""How long what is live waits for them at most, but for the last step."""


class ReplayPace:
    """Calls steps over and over, a share of the time at most.

    The time is the thread's own: on a busy machine it does not wait for what others took.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.thread_time
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._steps: dict[Callable[[], bool], None] = {}
        self._is_going_on = False

    def add(self, step: Callable[[], bool]) -> None:
        """Call ``step`` until it returns ``False``; nothing if that is going on."""
        self._steps.setdefault(step)
        if not self._is_going_on:
            self._is_going_on = True
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        started_s = self._clock()
        while self._steps and self._clock() - started_s < SLICE_S:
            self._step()
        self._is_going_on = bool(self._steps)
        if self._steps:
            pause_s = (self._clock() - started_s) * (1 / REPLAY_SHARE - 1)
            self._loop.call_later(pause_s, self._run)

    def _step(self) -> None:
        step = next(iter(self._steps))
        del self._steps[step]
        try:
            has_more = step()
        except Exception:
            log.exception("a step of reading the history failed")
            has_more = True
        if has_more:
            self._steps[step] = None  # behind the others
