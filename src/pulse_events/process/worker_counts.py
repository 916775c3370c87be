"""What one worker counts, through all its restarts, as far as its supervisor has heard.

Knows no process and no channel: it is told what the worker said, and that it has ended.
"""

import asyncio
from collections import deque

from pulse_events.hub.statistics import Statistics


class WorkerCounts:
    """Counts that never fall, but for what is of now.

    What a worker has counted since it was last heard is lost with it.
    """

    def __init__(self) -> None:
        self._now = Statistics()
        self._past = Statistics()
        self._questions: deque[asyncio.Future[None]] = deque()

    def total(self) -> Statistics:
        """Return what this worker and those before it have counted."""
        return self._past.plus(self._now)

    def asked(self) -> asyncio.Future[None]:
        """Note a question; return what is done with its answer, or when there will be none."""
        question: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._questions.append(question)
        return question

    def heard(self, counts: Statistics) -> None:
        """Take the answer to the oldest question."""
        self._now = counts
        _settle(self._questions.popleft())

    def ended(self) -> None:
        """Note that the worker has ended; the next one begins at nothing."""
        self._past = self.total().ended()
        self._now = Statistics()
        while self._questions:
            _settle(self._questions.popleft())


def _settle(question: asyncio.Future[None]) -> None:
    if not question.done():
        question.set_result(None)
