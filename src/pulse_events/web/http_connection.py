"""A connection while it is aiohttp's: limits of heads and of waiting, answers to what is broken.

Knows what aiohttp's protocol does with a connection, and where that is not enough; no route.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from pulse_events.errors import Count, LimitReached
from pulse_events.web import kernel
from pulse_events.web.answers import HEAD_TOO_LONG, SERVER, error_answer, raw_answer

if TYPE_CHECKING:
    from pulse_events.web.http_server import HttpServer

log = logging.getLogger(__name__)

HEADERS_LIMIT = 128


class HttpConnection(web.RequestHandler):
    """aiohttp's HTTP protocol, with a limit for heads, and errors that say what is wrong."""

    __slots__ = (
        "_body",
        "_door",
        "_head_bytes",
        "_is_answered",
        "_is_broken",
        "_is_half_closed",
        "_link",
        "_overdue",
        "_server",
        "address",
        "has_place",
        "is_waiting",
    )

    def __init__(self, server: "HttpServer", **others: Any) -> None:
        super().__init__(server, **others)
        self._server = server
        self._door = server.door
        self._head_bytes = 0
        self._body: StreamReader | None = None
        self._is_answered = True
        self._is_broken = self._is_half_closed = False
        self._link: asyncio.Transport | None = None
        self._overdue: asyncio.TimerHandle | None = None
        self.address = ""
        """What the peer is counted by."""
        self.has_place = self.is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place, or refuse the client."""
        self._link = cast("asyncio.Transport", transport)
        kernel.limit_unread(self._link, self._server.idle_s)
        # An answer is sent when the kernel has all of it; then closing need not wait for a client.
        self._link.set_write_buffer_limits(high=0)
        peer = (self._link.get_extra_info("peername") or (None,))[0]
        self.address = self._door.address_of(peer)
        try:
            self._door.check(peer, self.address)
        except LimitReached as reason:
            self._door.refuse(reason, self._link, self.address)
            return
        self._door.places.take(self)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note that the connection is gone, or a stream's from now on."""
        self._forget_overdue()
        self._door.places.leave(self)
        self._link = None
        if self._body is not None and not self._body.is_eof():
            self._end_body(self._body)
        super().connection_lost(exc)

    def abort(self) -> None:
        """Close the connection now; see `Occupant`."""
        if self._link is not None:
            self._link.abort()

    def begin_request(self, body: StreamReader) -> None:
        """Note which request is worked on, from when aiohttp takes it from its queue."""
        self._body = body
        self._is_answered = False

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio's protocols may return it
        """Answer what was asked before the client closed its side, and close then.

        aiohttp itself closes at once, so that a client that needs no more than one answer, as
        ``nc -N`` or a health check, gets none.
        """
        if self._messages:
            body = self._messages[-1][1]
        elif self._is_answered or self._body is None:
            return False
        else:
            body = self._body
        if not body.is_eof():
            body.set_exception(_broken_off())
        self._is_half_closed = True
        self._close_when_answered()
        return True

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; from now on the connection waits for its client to take it.

        With it ends what cannot go on.
        """
        self._door.places.wait(self)
        resp.headers["Server"] = SERVER  # aiohttp's own tells versions
        finished = await super().finish_response(request, resp, start_time)
        self._is_answered = True
        if self._is_half_closed:
            self._end_body(request.content)
            self._close_when_answered()
        elif self._is_broken:
            self._say_farewell(b"")
        return finished

    def _end_body(self, body: StreamReader) -> None:
        """Let nobody wait for the rest of a body that will not come.

        aiohttp tells only a route that has begun; one that begins a moment later, and its own
        reading of what a route left, would fail with a traceback in the log.
        """
        if self._is_answered:
            body.feed_eof()
        else:
            body.set_exception(_broken_off())

    def _close_when_answered(self) -> None:
        if not self._messages:
            self._close = True

    def _say_farewell(self, answer: bytes) -> None:
        transport, self.transport = self.transport, None
        if transport is not None and not transport.is_closing():
            self.connection_lost(None)
            self._door.dismiss(transport, self.address, answer)

    def data_received(self, data: bytes) -> None:
        """Take some bytes; aiohttp limits each line of a head, this the whole of it."""
        was_within_head = self._is_within_head()
        super().data_received(data)
        is_within_head = self._is_within_head()
        if was_within_head and not is_within_head:
            self._door.places.serve(self)
        self._head_bytes = self._head_bytes + len(data) if is_within_head else 0
        if self._head_bytes > self._server.head_limit_bytes and self.transport is not None:
            self._server.refused[Count.REFUSED_HEADS] += 1
            self._say_farewell(raw_answer(HEAD_TOO_LONG, self._server.too_long_text))

    @contextmanager
    def waiting_for_body(self) -> Iterator[None]:
        """Wait for the rest of a request, for the block."""
        self._door.places.wait(self)
        try:
            yield
        finally:
            self._door.places.serve(self)

    def pause_writing(self) -> None:
        """Give the client some time to take what the kernel does not."""
        super().pause_writing()
        loop = asyncio.get_running_loop()
        self._overdue = loop.call_later(self._server.idle_s, self.abort)

    def resume_writing(self) -> None:
        """Note that the kernel has all of an answer."""
        self._forget_overdue()
        super().resume_writing()

    def _forget_overdue(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _is_within_head(self) -> bool:
        return self._waiter is not None and not self._waiter.done()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that cannot be parsed, or whose route failed."""
        self._is_broken = isinstance(exc, BadHttpMessage)
        if isinstance(exc, LineTooLong):
            answer = self._server.too_long(request)
        elif "Too many headers" in (message or ""):
            self._server.refused[Count.REFUSED_HEADS] += 1
            text = f"the request has more than {HEADERS_LIMIT} header fields"
            answer = error_answer(HEAD_TOO_LONG, text, request)
        elif isinstance(exc, BadHttpMessage):
            text = f"this is not an HTTP request: {' '.join(exc.message.split())[:200]}"
            answer = error_answer(HTTPStatus.BAD_REQUEST, text, request)
        else:
            log.error("request failed: %s %s", request.method, request.path, exc_info=exc)
            answer = error_answer(HTTPStatus(status), "internal error; see the log", request)
        answer.force_close()
        return answer


def _broken_off() -> web.RequestPayloadError:
    return web.RequestPayloadError("the client has left, or closed its side")
