"""The HTTP server below the routes: limits of a request's head, and answers to broken requests."""

import asyncio
import logging
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from pulse_events.web.answers import error_answer

log = logging.getLogger(__name__)

HEAD_LIMIT_BYTES = 64 << 10
HEADERS_LIMIT = 128
BODY_LIMIT_BYTES = 16 << 20
IDLE_S = 75.0
"""How long a connection may take to send a request's head; longer than proxies keep theirs."""
LINGER_S = 10.0
"""How long the rest of a body is read that was answered before its end."""


class Connection(web.RequestHandler):
    """aiohttp's HTTP protocol, with errors that say what is wrong."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that cannot be parsed, or whose route failed."""
        if isinstance(exc, LineTooLong):
            answer = too_long(request)
        elif "Too many headers" in (message or ""):
            text = f"the request has more than {HEADERS_LIMIT} header fields"
            answer = error_answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, text, request)
        elif isinstance(exc, BadHttpMessage):
            text = f"this is not an HTTP request: {' '.join(exc.message.split())[:200]}"
            answer = error_answer(HTTPStatus.BAD_REQUEST, text, request)
        else:
            log.error("request failed: %s %s", request.method, request.path, exc_info=exc)
            answer = error_answer(HTTPStatus(status), "internal error; see the log", request)
        answer.force_close()
        return answer


class HttpServer(web.Server):
    """Makes a `Connection` for each client."""

    def __init__(self, route: Any, *, idle_s: float = IDLE_S) -> None:
        super().__init__(route, request_factory=self._request)
        self._idle_s = idle_s

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # as aiohttp documents it
            keepalive_timeout=self._idle_s,
            lingering_time=min(self._idle_s, LINGER_S),
            max_line_size=HEAD_LIMIT_BYTES,
            max_field_size=HEAD_LIMIT_BYTES,
            max_headers=HEADERS_LIMIT,
            # A packed body is not JSON; unpacking it would only open the door to zip bombs.
            auto_decompress=False,
        )

    @staticmethod
    def _request(message: Any, payload: Any, *others: Any) -> web.BaseRequest:
        protocol, writer, task = others
        return web.BaseRequest(
            message,
            payload,
            protocol,
            writer,
            task,
            asyncio.get_running_loop(),
            client_max_size=BODY_LIMIT_BYTES,
        )


def is_too_long(request: web.BaseRequest) -> bool:
    """Tell whether the whole head is over the limit; aiohttp limits each of its lines alone."""
    fields = sum(len(b"%b:%b\r\n" % field) for field in request.raw_headers)
    line = f"{request.method} {request.raw_path} HTTP/1.1\r\n"
    return len(line) + fields + len("\r\n") > HEAD_LIMIT_BYTES


def too_long(request: web.BaseRequest) -> web.Response:
    """Answer a request whose head is over the limit."""
    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    return error_answer(
        status, f"the request's head is longer than {HEAD_LIMIT_BYTES} bytes", request
    )
