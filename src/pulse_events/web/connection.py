"""The HTTP server below the routes: limits of a request's head, and answers to broken requests."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from pulse_events.web import kernel
from pulse_events.web.answers import SERVER, error_answer, raw_answer
from pulse_events.web.bodies import BODY_LIMIT_BYTES, expects_continue

_HEAD_TOO_LONG = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

log = logging.getLogger(__name__)

HEADERS_LIMIT = 128
IDLE_S = 75.0
"""How long a connection may take to send a request's head, or may read nothing of its answer;
longer than proxies keep theirs."""
LINGER_S = 10.0
"""How long the rest of a body is read that was answered before its end."""
FAREWELL_S = 1.0
"""How long a client is listened to that was answered in the middle of its request."""


class Connection(web.RequestHandler):
    """aiohttp's HTTP protocol, with a limit for heads, and errors that say what is wrong."""

    __slots__ = ("_body", "_head_bytes", "_is_answered", "_is_broken", "_is_half_closed", "_server")

    def __init__(self, server: "HttpServer", **others: Any) -> None:
        super().__init__(server, **others)
        self._server = server
        self._head_bytes = 0
        self._body: StreamReader | None = None
        self._is_answered = True
        self._is_broken = self._is_half_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note that the connection is there."""
        self._server.open_connections += 1
        kernel.limit_unread(transport, self._server.idle_s)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note that the connection is gone, or a stream's from now on."""
        self._server.open_connections -= 1
        if self._body is not None and not self._body.is_eof():
            self._end_body(self._body)
        super().connection_lost(exc)

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
        """Send an answer; with it end what cannot go on."""
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
            _Farewell(self._server).begin(transport, answer)

    def data_received(self, data: bytes) -> None:
        """Take some bytes; aiohttp limits each line of a head, this the whole of it."""
        super().data_received(data)
        is_within_head = self._waiter is not None and not self._waiter.done()
        self._head_bytes = self._head_bytes + len(data) if is_within_head else 0
        if self._head_bytes > self._server.head_limit_bytes and self.transport is not None:
            self._server.refused["refused_heads"] += 1
            self._say_farewell(raw_answer(_HEAD_TOO_LONG, self._server.too_long_text))

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
            self._server.refused["refused_heads"] += 1
            text = f"the request has more than {HEADERS_LIMIT} header fields"
            answer = error_answer(_HEAD_TOO_LONG, text, request)
        elif isinstance(exc, BadHttpMessage):
            text = f"this is not an HTTP request: {' '.join(exc.message.split())[:200]}"
            answer = error_answer(HTTPStatus.BAD_REQUEST, text, request)
        else:
            log.error("request failed: %s %s", request.method, request.path, exc_info=exc)
            answer = error_answer(HTTPStatus(status), "internal error; see the log", request)
        answer.force_close()
        return answer


class _Refusal(asyncio.Protocol):
    """A connection that is one too many: its client is told so, and it is closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)
        text = "this server has no room for another connection; try again later"
        transport.write(raw_answer(HTTPStatus.SERVICE_UNAVAILABLE, text))
        transport.close()


class _Farewell(asyncio.Protocol):
    """A connection that was answered while its client still sends.

    Closed with something unread, the kernel would throw the answer away: so for a moment what
    comes is read, and ignored.
    """

    def __init__(self, server: "HttpServer") -> None:
        self._server = server

    def begin(self, transport: asyncio.Transport, answer: bytes) -> None:
        """Answer on a connection that had another protocol."""
        self._server.open_connections += 1
        transport.set_protocol(self)
        transport.write(answer)
        transport.write_eof()
        transport.resume_reading()
        asyncio.get_running_loop().call_later(FAREWELL_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.open_connections -= 1


class HttpServer(web.Server):
    """Makes a `Connection` for each client.

    Args:
        route: Answers a request.
        refused: Where it counts what it refuses.
        connections_limit: Of all connections; those of streams are not counted here, but by
            ``streams``.
        streams: Returns how many streams there are.
        head_limit_bytes: Of a request.
        idle_s: How long a connection may take to send a request's head, or to read anything.
    """

    def __init__(
        self,
        route: Any,
        refused: Counter[str],
        *,
        connections_limit: int,
        streams: Callable[[], int],
        head_limit_bytes: int,
        idle_s: float = IDLE_S,
    ) -> None:
        super().__init__(self._checked, request_factory=self._request)
        self._route = route
        self.idle_s = idle_s
        self._connections_limit = connections_limit
        self._streams = streams
        self.refused = refused
        self.head_limit_bytes = head_limit_bytes
        self.open_connections = 0

    @property
    def too_long_text(self) -> str:
        """What a request is told whose head is over the limit."""
        return f"the request's head is longer than {self.head_limit_bytes} bytes"

    def too_long(self, request: web.BaseRequest) -> web.Response:
        """Answer a request whose head is over the limit."""
        self.refused["refused_heads"] += 1
        return error_answer(_HEAD_TOO_LONG, self.too_long_text, request)

    async def _checked(self, request: web.BaseRequest) -> web.StreamResponse:
        if _head_bytes(request) > self.head_limit_bytes:
            return self.too_long(request)
        answer = _refuse_expectation(request) or await self._route(request)
        if _ends_connection(request):
            answer.force_close()
        return cast("web.StreamResponse", answer)

    def __call__(self) -> Any:
        """Return the protocol of a new connection."""
        if self.open_connections + self._streams() >= self._connections_limit:
            self.refused["refused_connections"] += 1
            return _Refusal()
        return Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,
            keepalive_timeout=self.idle_s,
            lingering_time=min(self.idle_s, LINGER_S),
            max_line_size=self.head_limit_bytes,
            max_field_size=self.head_limit_bytes,
            max_headers=HEADERS_LIMIT,
            # A packed body is not JSON; unpacking it would only open the door to zip bombs.
            auto_decompress=False,
        )

    @staticmethod
    def _request(message: Any, payload: Any, *others: Any) -> web.BaseRequest:
        protocol, writer, task = others
        protocol.begin_request(payload)
        return web.BaseRequest(
            message,
            payload,
            protocol,
            writer,
            task,
            asyncio.get_running_loop(),
            client_max_size=BODY_LIMIT_BYTES,
        )


def _head_bytes(request: web.BaseRequest) -> int:
    """Return the size of the whole head; aiohttp limits each of its lines alone."""
    fields = sum(len(b"%b:%b\r\n" % field) for field in request.raw_headers)
    line = f"{request.method} {request.raw_path} HTTP/1.1\r\n"
    return len(line) + fields + len("\r\n")


def _refuse_expectation(request: web.BaseRequest) -> web.Response | None:
    """Answer a request that expects something unknown (RFC 9110, 10.1.1)."""
    expected = request.headers.get("Expect", "")
    if not expected or request.version < HttpVersion11 or expects_continue(request):
        return None
    text = f"nothing is known of the expectation {expected[:100]!r}"
    return error_answer(HTTPStatus.EXPECTATION_FAILED, text, request)


def _ends_connection(request: web.BaseRequest) -> bool:
    """Tell whether what follows a request on its connection cannot be known.

    A client that was to be told to go on, and was answered instead, may send the body or another
    request (RFC 9110, 10.1.1).  aiohttp's parser drops what came together with a request for
    another protocol (probed on 3.14.5 with ``h2c``).
    """
    waits = "Expect" in request.headers and not request.content.is_eof()
    return waits or "Upgrade" in request.headers


def _broken_off() -> web.RequestPayloadError:
    return web.RequestPayloadError("the client has left, or closed its side")
