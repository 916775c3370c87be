"""The client for code without an event loop: blocks, uses no thread, works inside a running loop.

The same names and parameters as `pulse_events` itself has.
"""

from collections.abc import Callable, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar, Unpack, overload

from pulse_events.bindings import Binding
from pulse_events.client.items import Gap, Message, Ping, Ready
from pulse_events.client.terms import Options, terms_of
from pulse_events.errors import (
    BindingRefused,
    ConnectionLost,
    InputError,
    PulseEventsError,
    StreamEnded,
)

if TYPE_CHECKING:
    import httpx

    from pulse_events.client.course import Course
    from pulse_events.client.forms import Bindings

__all__ = [
    "Binding",
    "BindingRefused",
    "ConnectionLost",
    "Gap",
    "InputError",
    "Listening",
    "Message",
    "Ping",
    "PulseEventsError",
    "Ready",
    "StreamEnded",
    "listen",
]

Item = TypeVar("Item")


class SyncOptions(Options, total=False):
    """What `listen` takes beside URL, bindings and ``events``."""

    token: str | Callable[[], str] | None
    client: "httpx.Client | None"


class Listening(Generic[Item]):
    """Iterates over what comes, in one thread at a time; made by `listen`.

    As a context manager it is closed at the block's end.  After Ctrl-C it can be iterated again: it
    connects anew, and goes on where it was if the server keeps a history.
    """

    def __init__(self, course: "Course", items: Callable[[], Generator[Any, None, None]]) -> None:
        self._course = course
        self._make_items = items
        self._items = items()

    @property
    def cursor(self) -> str | None:
        """Where to go on once what was yielded last is dealt with; ``None`` if nowhere."""
        return self._course.cursor

    def close(self) -> None:
        """End it; the connection is closed.  Not while another thread iterates."""
        self._items.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        try:
            item: Item = next(self._items)
        except Exception:
            raise
        except BaseException:  # Ctrl-C
            self._items = self._make_items()
            raise
        return item


@overload
def listen(
    url: str,
    bindings: "Bindings",
    *,
    events: Literal[False] = False,
    **options: Unpack[SyncOptions],
) -> Listening[Message]: ...
@overload
def listen(
    url: str, bindings: "Bindings", *, events: Literal[True], **options: Unpack[SyncOptions]
) -> Listening[Message | Ready | Gap | Ping]: ...
@overload
def listen(
    url: str, bindings: "Bindings", *, events: bool, **options: Unpack[SyncOptions]
) -> Listening[Message] | Listening[Message | Ready | Gap | Ping]: ...
def listen(
    url: str, bindings: "Bindings", *, events: bool = False, **options: Unpack[SyncOptions]
) -> Listening[Any]:
    """Return an iterator over the messages that match; connects when it is iterated.

    As `pulse_events.listen`, but that ``token`` is a str or what returns one, and ``client`` your
    own `httpx.Client`.
    """
    import httpx

    from pulse_events.client.connections import course_of
    from pulse_events.client.sync_steps import items

    terms = terms_of(url, bindings, events, options)
    course = course_of(terms, httpx.Client)
    return Listening(course, lambda: items(course, terms))
