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
SLICE_S = 0.0005
"""How long what is live waits for them, but for the last step, and for as much again where a pause
was longer than it was to be: uvloop's timers count milliseconds."""
_PAUSE = 1 / REPLAY_SHARE - 1
"""What follows a slice, in slices."""


class ReplayPace:
    """Calls steps over and over, a share of the time at most.

    What they take is the thread's own time: on a busy machine it does not wait for what others
    took.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float] = time.perf_counter,
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._spent = spent
        self._steps: dict[Callable[[], bool], None] = {}
        self._is_going_on = False
        self._due_s = 0.0

    def add(self, step: Callable[[], bool]) -> None:
        """Call ``step`` until it returns ``False``; nothing if that is going on."""
        self._steps.setdefault(step)
        if not self._is_going_on:
            self._is_going_on = True
            self._due_s = self._clock()
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        late_s = self._clock() - self._due_s
        credit_s = min(max(0.0, late_s / _PAUSE), SLICE_S)
        started_s = self._spent()
        while self._steps and self._spent() - started_s < SLICE_S + credit_s:
            self._step()
        self._is_going_on = bool(self._steps)
        if self._steps:
            pause_s = max(0.0, self._spent() - started_s - credit_s) * _PAUSE
            self._due_s = self._clock() + pause_s
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
