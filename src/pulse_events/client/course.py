"""What a client does, step by step: asks, reads, yields what came, waits, asks again.

Pure: a generator says what is to be done, and is sent what came of it.  So there is one course for
both worlds, asynchronous and not, which need only know how to do each step.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeAlias

from pulse_events.backoff import delays
from pulse_events.bindings import format_bindings
from pulse_events.client.answers import (
    BODY_LIMIT_BYTES,
    Head,
    keeps_history,
    refusal,
    token_of,
)
from pulse_events.client.items import Gap, Item, item_of, message_of, one_line, value_of
from pulse_events.client.terms import Terms, check_token
from pulse_events.errors import ConnectionLost, InputError, StreamEnded
from pulse_events.wire.sse import Decoder, Event

CONFIG_WITHIN_S = 5.0
"""How long the question may take whether the server keeps a history."""
URL_LIMIT_CHARS = 7000
"""Proxies refuse request lines over 8 KiB by default; longer lists are posted."""
POSTS = 4
"""What stands for a list is known only to the server that it was posted to, of several behind a
proxy: so often another is tried."""


class Step:
    """Something that is to be done; all else that a course yields is for the user."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Ask(Step):
    """Say who asks: answered with the token, or ``None``."""


@dataclass(frozen=True, slots=True)
class Open(Step):
    """Send a request, once: answered with the `Head`.  What was open before is closed."""

    url: str
    headers: dict[str, str]
    within_s: float
    """For the head, and for each `Read`, beside connecting."""
    content: bytes | None = None
    """What is posted; ``None`` for a GET."""


@dataclass(frozen=True, slots=True)
class Read(Step):
    """Read some of what is open, decoded: answered with bytes, which are empty at its end."""


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """Close what is open, tell why, and wait."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Warn(Step):
    """Log what the user does not see as an item."""

    gap: Gap


Steps: TypeAlias = Generator[Step | Item, Any, None]


@dataclass(frozen=True, slots=True)
class Outside:
    """What a course must be told by the world."""

    agent: str | None
    """The User-Agent; ``None`` leaves it to the user's own client."""
    jitter: Callable[[], float]
    """Numbers from [0, 1) by chance."""
    now: Callable[[], datetime]
    """The time of day."""
    clock_s: Callable[[], float]
    """Seconds that never go back."""


class _NotLetIn(InputError):
    """It is about who listens, not about where: without a place the answer would be the same."""


class Course:
    """The course of one listening, over all its connections.

    Args:
        terms: What the user asks for.
        outside: See there.
        make_decoder: Makes one for each connection.
    """

    def __init__(
        self, terms: Terms, outside: Outside, make_decoder: Callable[[], Decoder] = Decoder
    ) -> None:
        self._terms = terms
        self._outside = outside
        self._make_decoder = make_decoder
        self._place = terms.begin()
        self.cursor = self._place.cursor
        """Where to go on once what was yielded last is dealt with."""
        self._waits = self._delays(terms.first_delay_s) if terms.wait_for_server else None
        self._retries = 0

    def steps(self) -> Steps:
        """Yield what is to be done, and what is to be yielded to the user; has no end.

        Failures of a step are to be thrown in, as `ConnectionLost` or `InputError`.  After another
        exception a call of this goes on with a new connection, where the last one was.

        Raises:
            PulseEventsError: There is no going on.
        """
        place = self._place
        while True:
            try:
                token = yield from self._token()
                if place.resumes is None:
                    place.resumes = yield from self._has_history(token)
                yield from self._stream(token)
            except _NotLetIn:
                raise
            except InputError as wrong:
                if not place.does_without(str(wrong)):
                    raise
            except (ConnectionLost, StreamEnded) as reason:
                place.failed()
                yield self._pause(reason)

    def _token(self) -> Generator[Step, Any, str | None]:
        try:
            return check_token((yield Ask()))
        except InputError as wrong:
            raise _NotLetIn(str(wrong)) from None

    def _pause(self, reason: ConnectionLost | StreamEnded) -> Wait:
        """Return how long to wait before the next attempt; raise ``reason`` if there is none."""
        most = self._terms.max_retries
        if self._waits is None or (most is not None and self._retries >= most):
            raise reason
        self._retries += 1
        asked_s = reason.wait_s if isinstance(reason, ConnectionLost) else 0.0
        seconds = max(next(self._waits), min(asked_s, self._terms.max_delay_s))
        return Wait(seconds, str(reason))

    def _delays(self, first_s: float) -> Iterator[float]:
        return delays(self._outside.jitter, first_s=first_s, cap_s=self._terms.max_delay_s)

    def _delays_asked(self, retry_ms: int | None) -> Iterator[float]:
        """Yield the delay that the server asks for, within our bounds, and then longer ones."""
        first_s = self._terms.first_delay_s
        if retry_ms is not None:
            first_s = min(max(first_s, retry_ms / 1000), self._terms.max_delay_s)
            yield first_s
        yield from self._delays(first_s)

    def _has_history(self, token: str | None) -> Generator[Step, Any, bool]:
        """Ask whether the server keeps a history; no answer is a no."""
        url = self._terms.endpoint.beside("config")
        try:
            head, body = yield from self._fetch(url, token, CONFIG_WITHIN_S)
        except (ConnectionLost, InputError):
            return False
        return keeps_history(head, body)

    def _fetch(
        self, url: str, token: str | None, within_s: float, content: bytes | None = None
    ) -> Generator[Step, Any, tuple[Head, bytes]]:
        """Return head and body of an answer that is not a stream."""
        headers = self._headers({"Accept": "application/json"}, token)
        head: Head = yield Open(url, headers, within_s, content)
        return head, (yield from self._body(within_s))

    def _body(self, within_s: float) -> Generator[Step, Any, bytes]:
        """Read a body, or the first `BODY_LIMIT_BYTES`; what comes by drops is cut off."""
        body = b""
        until_s = self._outside.clock_s() + within_s
        while chunk := (yield Read()):
            body += chunk
            if len(body) > BODY_LIMIT_BYTES:
                break
            if self._outside.clock_s() > until_s:
                raise ConnectionLost("an answer takes too long")
        return body[:BODY_LIMIT_BYTES]

    def _stream(self, token: str | None) -> Steps:
        """Have one connection, and raise why it ended."""
        yield from self._connect(token)
        decoder = self._make_decoder()
        is_ready = False
        while chunk := (yield Read()):
            for event in decoder.feed(chunk):
                is_ready = is_ready or event.kind == "ready"
                if is_ready:  # the place of what comes before is not yet the stream's
                    self._place.take(event)
                self.cursor = self._place.cursor
                if event.kind == "message":  # the loop's short way, for what comes in thousands
                    yield message_of(event.data, self.cursor)
                else:
                    yield from self._turn(event, decoder)
        raise ConnectionLost("the server closed the connection")

    def _turn(self, event: Event, decoder: Decoder) -> Iterator[Step | Item]:
        """Yield what an event is that is not a message; raise what ends the stream."""
        if event.kind == "error":
            raise StreamEnded(one_line(value_of(event)))
        if event.kind == "ready":
            self._retries = 0
            self._waits = self._delays_asked(decoder.retry_ms)
            if self._place.missed:
                gap = Gap(self._place.told(), None, self._outside.now(), self.cursor)
                yield from self._seen(gap)
        item = item_of(event, self.cursor, self._outside.now)
        if item is not None:
            yield from self._seen(item)

    def _seen(self, item: Item) -> Iterator[Step | Item]:
        if self._terms.events:
            yield item
        elif isinstance(item, Gap):
            yield Warn(item)

    def _connect(self, token: str | None) -> Generator[Step, Any, None]:
        """Open a stream; a list of bindings that is too long for a URL is posted before."""
        endpoint = self._terms.endpoint
        query = {"errors": "http", "compression": "gzip"} | self._place.query()
        bindings = format_bindings(self._terms.wanted)
        url = endpoint.asking(query | {"bindings": bindings})
        is_posted = len(url) > URL_LIMIT_CHARS
        headers = {"Accept": "text/event-stream"} | self._place.headers()
        for _ in range(POSTS if is_posted else 1):
            if is_posted:
                url = endpoint.asking(query | {"token": (yield from self._post(bindings, token))})
            head: Head = yield Open(url, self._headers(headers, token), self._terms.stale_after_s)
            if head.status != HTTPStatus.GONE:
                break
        if not head.is_stream:
            body = yield from self._body(self._terms.connect_timeout_s)
            reason = refusal(head, body, endpoint.origin)
            raise _NotLetIn(str(reason)) if head.status == HTTPStatus.UNAUTHORIZED else reason

    def _post(self, bindings: str, token: str | None) -> Generator[Step, Any, str]:
        """Return what stands for ``bindings`` in a URL."""
        endpoint = self._terms.endpoint
        within_s = self._terms.connect_timeout_s
        url = endpoint.beside("bindings")
        head, body = yield from self._fetch(url, token, within_s, bindings.encode())
        return token_of(head, body, endpoint.origin)

    def _headers(self, ours: dict[str, str], token: str | None) -> dict[str, str]:
        """Return the headers of a request: the user's go before ours."""
        # Not httpx's own list: what it would decode, the server need not have.
        ours = {"Accept-Encoding": "gzip"} | ours
        if self._outside.agent:
            ours["User-Agent"] = self._outside.agent
        if token is not None:
            ours["Authorization"] = f"Bearer {token}"
        elif self._terms.endpoint.authorization:
            ours["Authorization"] = self._terms.endpoint.authorization
        given = dict(self._terms.headers or {})
        names = {name.lower() for name in given}
        return {name: value for name, value in ours.items() if name.lower() not in names} | given
