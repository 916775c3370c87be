"""Why a connection to RabbitMQ failed, in words; pika nests the reason, often without a text."""

import re
from collections.abc import Iterable

from pika.adapters.utils.connection_workflow import AMQPConnectorStackTimeout
from pika.exceptions import ConnectionClosed, NackError

_CLOSED = re.compile(r"ConnectionClosedByBroker: \((\d+)\) (['\"])(.*)\2", re.DOTALL)
_CLOSINGS = (
    (403, "", "the login is refused"),
    # Probed on 3.10, and the same in the source of 4.x: limits have the code of a refusal.
    (530, r"user connection limit \(", "the user's limit of connections is reached"),
    (530, r"node connection limit \(", "the node's limit of connections is reached"),
    (530, r"connection limit \(", "the virtual host's limit of connections is reached"),
    (530, r"number of channels", "the user's limit of channels is reached"),
    (530, r"vhost", "the virtual host is refused"),
    (541, r"vhost .* is down", "the virtual host is down"),
    (541, r"'rabbit_stream_queue'.* flag", "the broker's feature flag stream_queue is disabled"),
    (320, r"vhost .* is down", "the virtual host is down"),
    (320, r"maintenance mode", "the node is in maintenance"),
    (0, "", "it closed the connection"),
)
_REFUSALS = (
    (403, "", "access is refused"),
    (404, "", "it does not exist"),
    (406, r"queue limit in vhost", "the virtual host's limit of queues is reached"),
    (0, "", "it is refused"),
)
"""AMQP's code (0 for any), what its text holds, and what that means: the first that fits counts."""
_SILENT = "it does not answer"
_UNTRUSTED = "certificate verify failed"


def explain(error: BaseException) -> str:
    """Return the text of the innermost exception."""
    if isinstance(error, TimeoutError | AMQPConnectorStackTimeout):
        return _SILENT
    inner: list[BaseException] = [
        e for e in (*error.args, *getattr(error, "exceptions", ())) if isinstance(e, BaseException)
    ]
    if isinstance(nested := getattr(error, "exception", None), BaseException):
        inner.append(nested)
    texts = [text for text in map(explain, inner) if text]
    text = texts[0] if texts else _text(error)
    if closed := _CLOSED.search(text):  # pika keeps a refusal to connect as text only
        return f"{_meaning(_CLOSINGS, int(closed[1]), closed[3])} ({closed[3]})"
    return text


def refusal(code: int, text: str) -> str:
    """Return why a request is refused, the broker's words included."""
    return f"{_meaning(_REFUSALS, code, text)} ({text})"


def kind_of(text: str) -> str:
    """Return what kind of fault an explanation speaks of, if it is one that has a name."""
    if _UNTRUSTED in text:
        return "the certificate is refused"
    words = text.partition(" (")[0]
    return words if words in {_SILENT, *(kind for code, _, kind in _CLOSINGS if code)} else ""


def _meaning(meanings: Iterable[tuple[int, str, str]], code: int, text: str) -> str:
    return next(
        meaning for known, part, meaning in meanings if known in (code, 0) and re.search(part, text)
    )


def _text(error: BaseException) -> str:
    """Return the text of one exception; of some that pika raises only the representation is one."""
    if isinstance(error, NackError):
        return "the broker did not take the message; a queue is full, perhaps"
    text = repr(error) if isinstance(error, ConnectionClosed) else str(error)
    return text or type(error).__name__
