"""How a task, or a group of tasks, ended: what follows from the queue's messages.  Pure."""

from collections import Counter
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from pulse_events.catalogue import known_exchange
from pulse_events.cli.task_bindings import GROUP_WORD, TASK_WORD
from pulse_events.topics.patterns import split_words

if TYPE_CHECKING:
    from pulse_events import Message

TASKS_LIMIT = 100_000
"""Of more tasks of a group the outcome is not kept."""


class Outcome(Enum):
    """What a task has come to."""

    COMPLETED = "completed"
    FAILED = "failed"
    EXCEPTION = "exception"


_OUTCOMES = {
    "taskCompleted": Outcome.COMPLETED,
    "taskFailed": Outcome.FAILED,
    "taskException": Outcome.EXCEPTION,
}
_ALIVE = ("taskDefined", "taskPending", "taskRunning")
"""A task that is run once more was resolved before, and is not now."""
_RESOLVED = "taskGroupResolved"

TASK_EVENTS = (*_OUTCOMES, *_ALIVE)
GROUP_EVENTS = (*TASK_EVENTS, _RESOLVED)


class Watch:
    """What is known of a task or a group: by each message as it comes, in order.

    Args:
        word: `TASK_WORD` or `GROUP_WORD`.
        identifier: Whose messages count.
    """

    def __init__(self, word: str, identifier: str) -> None:
        self._word = word
        self._identifier = identifier
        self._tasks: dict[str, Outcome | None] = {}
        self._group_is_resolved = False
        self._missed_until: datetime | None = None
        self.last_event = ""
        """The newest event, as ``taskRunning``."""

    def take(self, message: "Message") -> bool:
        """Note what a message says; tell whether it is about this task or group."""
        exchange = known_exchange(message.exchange)
        if exchange is None:
            return False
        names = (word.name for word in exchange.words)
        fields = dict(zip(names, split_words(message.routing_key), strict=False))
        if fields.get(self._word) != self._identifier:
            return False  # it came for a key of its CC
        self.last_event = exchange.event
        if exchange.event in (_RESOLVED, *_ALIVE):  # the end of its last task may come after it
            self._group_is_resolved = exchange.event == _RESOLVED
        task = fields.get(TASK_WORD, "")
        if task in self._tasks or (task and len(self._tasks) < TASKS_LIMIT):
            self._tasks[task] = _OUTCOMES.get(exchange.event)
        return True

    def miss(self, until: datetime) -> None:
        """Note that there may have been more messages, published until then."""
        self._missed_until = until

    @property
    def is_resolved(self) -> bool:
        """Whether the task, or the whole group, has ended."""
        if self._word == GROUP_WORD:
            return self._group_is_resolved
        return self.outcome is not None

    @property
    def outcome(self) -> Outcome | None:
        """How it ended.

        A group failed if a task of it did, else it is an exception if one is, else completed:
        of those tasks that there were messages about.
        """
        ends = set(self._tasks.values())
        if self._word == TASK_WORD:
            return self._tasks.get(self._identifier)
        for worst in (Outcome.FAILED, Outcome.EXCEPTION):
            if worst in ends:
                return worst
        return Outcome.COMPLETED

    def summary(self) -> str:
        """Return how it ended, of a group also what that is concluded from."""
        ended = self.outcome.value if self.outcome else "not resolved"
        if self._word == TASK_WORD:
            return ended
        counted = Counter(end.value for end in self._tasks.values() if end)
        each = ", ".join(f"{number} {name}" for name, number in counted.items())
        known = f"its tasks as far as they are known: {each}" if each else "its tasks are not known"
        if self._missed_until:
            known += f"; others may have ended before {self._missed_until:%Y-%m-%d %H:%M:%S} UTC"
        return f"{ended}, {known}"
