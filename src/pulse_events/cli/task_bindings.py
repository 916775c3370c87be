"""What a task's, or a task group's, messages are bound by: knowledge of Taskcluster's keys."""

import re
from collections.abc import Collection, Iterable

from pulse_events.bindings import Binding
from pulse_events.catalogue import load_catalogue
from pulse_events.errors import BindingRefused, InputError, StreamEnded

TASK_WORD = "taskId"
GROUP_WORD = "taskGroupId"
_SERVICE = "queue"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Taskcluster's have 22 of these; who made up shorter ones for a test is welcome."""


def bindings_about(word: str, identifier: str, events: Iterable[str] = ()) -> list[Binding]:
    """Return the bindings of all that the queue says of a task or a group.

    Args:
        word: `TASK_WORD` or `GROUP_WORD`.
        identifier: Of the task or the group.
        events: Of these events only, like ``taskFailed``; of all if there are none.

    Raises:
        InputError: It can be no ID.
    """
    if not _ID.fullmatch(identifier):
        raise InputError(f"{identifier!r} is no ID of Taskcluster's, like dSlITZ4yQgmvxxAi4A8fHQ")
    chosen = set(events)
    return [
        Binding(exchange.name, exchange.pattern({word: identifier}))
        for exchange in load_catalogue()
        if exchange.service == _SERVICE and exchange.has(word)
        if not chosen or exchange.event in chosen
    ]


def without_refused(
    bindings: Iterable[Binding],
    optional: Collection[Binding],
    refusal: BindingRefused | StreamEnded,
) -> tuple[Binding, ...]:
    """Return the bindings without those that a server refuses.

    Deployments of other ages lack some of the exchanges, or do not let everybody bind them.

    Args:
        bindings: Those that were asked for.
        optional: Those of them that nobody named.
        refusal: Why the server refuses; names the exchange.

    Raises:
        PulseEventsError: ``refusal``, if it is about another one, or nothing is left.
    """
    names = {each.exchange for each in optional if f"exchange {each.exchange!r}:" in str(refusal)}
    left = tuple(b for b in bindings if b.exchange not in names or b not in optional)
    if not names or not left:
        raise refusal
    return left
