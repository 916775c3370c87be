"""What the head of an answer, and the body of one that is not a stream, mean.  Pure."""

import json
from http import HTTPStatus
from typing import Any, NamedTuple

from pulse_events.client.items import one_line
from pulse_events.client.place import NO_HISTORY
from pulse_events.errors import BindingRefused, ConnectionLost, InputError, PulseEventsError

BODY_LIMIT_BYTES = 64 << 10
"""What is read of a body that is not a stream."""
_TOKEN_LIMIT_CHARS = 4096
_TRANSIENT = {408, 410, 421, 425, 429}
"""Client errors that are not about what was asked: time, order, rate, a token too old."""


class Head(NamedTuple):
    """What counts of the head of an answer."""

    status: int
    content_type: str
    """In lower case, without parameters."""
    retry_after: str
    """The header, empty if there is none."""

    @property
    def is_stream(self) -> bool:
        """Whether the body is one."""
        return self.status == HTTPStatus.OK and self.content_type == "text/event-stream"


def refusal(head: Head, body: bytes, origin: str) -> PulseEventsError:
    """Return what an answer means that is not what was asked for.

    Args:
        head: Its head.
        body: Its body, or the first `BODY_LIMIT_BYTES` of it.
        origin: Who answered, for texts.
    """
    if head.status == HTTPStatus.NO_CONTENT:  # to a Last-Event-ID that it has no use for
        return InputError(NO_HISTORY)
    said = _member(body, "message")
    is_ours = isinstance(said, str)
    text = one_line(said) if is_ours else _not_ours(head, origin)
    if head.status >= HTTPStatus.INTERNAL_SERVER_ERROR or head.status in _TRANSIENT:
        return ConnectionLost(text, wait_s=_seconds(head.retry_after))
    if head.status == HTTPStatus.FORBIDDEN or (is_ours and head.status == HTTPStatus.NOT_FOUND):
        return BindingRefused(text)
    return InputError(text)


def _not_ours(head: Head, origin: str) -> str:
    what = f" of type {head.content_type}" if head.content_type and head.status == 200 else ""
    return one_line(f"{origin} answered {head.status}{what}, which is not a stream")


def keeps_history(head: Head, body: bytes) -> bool:
    """Tell whether an answer of ``config`` says that the server keeps a history."""
    return head.status == HTTPStatus.OK and _member(body, "history") not in (None, "off")


def token_of(head: Head, body: bytes, origin: str) -> str:
    """Return what stands for the bindings that were posted.

    Raises:
        PulseEventsError: The answer has none: see `refusal`.
    """
    token = _member(body, "token")
    if head.status != HTTPStatus.OK or not isinstance(token, str):
        raise refusal(head, body, origin)
    if not 0 < len(token) <= _TOKEN_LIMIT_CHARS:
        raise InputError(f"{origin} answered a token of {len(token)} characters")
    return token


def _member(body: bytes, name: str) -> Any:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value.get(name) if isinstance(value, dict) else None


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0.0
