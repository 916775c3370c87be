"""``listen`` for asyncio, which `pulse_events` exports.  httpx is loaded at its first call."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar, Unpack, overload

from pulse_events.client.items import Gap, Message, Ping, Ready
from pulse_events.client.terms import Options, terms_of

if TYPE_CHECKING:
    import httpx

    from pulse_events.client.course import Course
    from pulse_events.client.forms import Bindings

Item = TypeVar("Item")


class AsyncOptions(Options, total=False):
    """What `listen` takes beside URL, bindings and ``events``."""

    token: str | Callable[[], str | Awaitable[str]] | None
    client: "httpx.AsyncClient | None"


class Listening(Generic[Item]):
    """Iterates over what comes, in one task at a time; made by `listen`.

    As a context manager it is closed at the block's end.  A cancelled ``anext`` loses nothing: the
    next one connects anew, and goes on where the last one was if the server keeps a history.
    """

    def __init__(self, course: "Course", items: Callable[[], AsyncGenerator[Any, None]]) -> None:
        self._course = course
        self._make_items = items
        self._items = items()

    @property
    def cursor(self) -> str | None:
        """Where to go on once what was yielded last is dealt with; ``None`` if nowhere."""
        return self._course.cursor

    async def aclose(self) -> None:
        """End it; the connection is closed.  Not while another task iterates."""
        await self._items.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        try:
            item: Item = await self._items.__anext__()
        except (Exception, GeneratorExit):
            raise
        except BaseException:  # cancelled, or Ctrl-C
            self._items = self._make_items()
            raise
        return item


@overload
def listen(
    url: str,
    bindings: "Bindings",
    *,
    events: Literal[False] = False,
    **options: Unpack[AsyncOptions],
) -> Listening[Message]: ...
@overload
def listen(
    url: str, bindings: "Bindings", *, events: Literal[True], **options: Unpack[AsyncOptions]
) -> Listening[Message | Ready | Gap | Ping]: ...
@overload
def listen(
    url: str, bindings: "Bindings", *, events: bool, **options: Unpack[AsyncOptions]
) -> Listening[Message] | Listening[Message | Ready | Gap | Ping]: ...
def listen(
    url: str, bindings: "Bindings", *, events: bool = False, **options: Unpack[AsyncOptions]
) -> Listening[Any]:
    """Return an asynchronous iterator over the messages that match; connects when it is iterated.

    After a lost connection it connects again.  Where the server keeps a history it goes on where it
    was, else messages that are published between two connections are in neither.

    Args:
        url: Of the server, or of its ``connect`` endpoint; ``http://`` or ``https://``.
        bindings: One or several, each a `Binding`, a pair ``(exchange, pattern)``, or a mapping
            with ``exchange`` and ``routingKeyPattern`` as Taskcluster's libraries make them.
        events: Yield `Ready`, `Gap` and `Ping` too.  Else a gap is a warning in the log.
        **options: By name, each optional.

            cursor: Go on behind it: a ``cursor`` of an earlier listening.

            since: Begin that long ago (``"10m"``, `timedelta`), or then (ISO, aware `datetime`).

            last: Begin with so many of the newest messages that are held, 1 to 1000.

            resume: Insist on a history (``True``), or do without (``False``).  By default it is as
            the server has it, unless one of the three above needs it.

            token: Sent as ``Authorization: Bearer``; or what returns it for each attempt.

            headers: Sent with each request; these go before ours.

            client: Your own `httpx.AsyncClient`, which stays open.

            ca_file: PEM file of CAs that are trusted beside the system's.

            proxy: URL of a proxy; by default as the environment says (``HTTPS_PROXY`` …).

            connect_timeout_s, stale_after_s: For a connection, 15; for silence, after which it
            connects anew, 75, above the ping interval.

            first_delay_s, max_delay_s: Delays grow from 0.5 to 15; the server may ask for longer.

            max_retries: Attempts after the last ``ready`` before it gives up; else it never does.

            wait_for_server: Try again even if the first attempt fails.

            on_retry: Called with why and in how many seconds, before each wait.  Else it is logged.

    Raises:
        InputError: At once, or while iterating: the server says that the request is wrong.
        BindingRefused: An exchange does not exist, or access to it is refused.
        ConnectionLost: There is no server at the first attempt, or ``max_retries`` are used up.
        StreamEnded: The same, where the server said why it ended the stream.
        PulseEventsError: The base of all these; itself if what answers is no server of ours.
    """
    import httpx

    from pulse_events.client.async_steps import items
    from pulse_events.client.connections import course_of

    terms = terms_of(url, bindings, events, options)
    course = course_of(terms, httpx.AsyncClient)
    return Listening(course, lambda: items(course, terms))
