"""The HTTP server: what makes its connections, and what HTTP asks of each request and its answer.

Below the routes; what it lets through is answered by them.
"""

import asyncio
from collections import Counter
from http import HTTPStatus
from itertools import chain
from typing import Any, cast

from aiohttp import HttpVersion11, web

from pulse_events.errors import Count
from pulse_events.web.answers import HEAD_TOO_LONG, error_answer
from pulse_events.web.bodies import BODY_LIMIT_BYTES, expects_continue
from pulse_events.web.door import Door
from pulse_events.web.http_connection import HEADERS_LIMIT, HttpConnection

IDLE_S = 75.0
"""How long a client may take for the whole head of a request, from the connection's begin or the
end of the answer before, however its bytes come; and to take an answer.  Longer than proxies keep
their connections."""
LINGER_S = 10.0
"""How long the rest of a body is read that was answered before its end."""


class HttpServer(web.Server):
    """Makes an `HttpConnection` for each client.

    Args:
        route: Answers a request.
        refused: Where it counts what it refuses.
        door: Lets connections in.
        head_limit_bytes: Of a request.
        idle_s: How long a client may take for a request's head, or to take an answer.
    """

    def __init__(
        self,
        route: Any,
        refused: Counter[Count],
        door: Door,
        *,
        head_limit_bytes: int,
        idle_s: float = IDLE_S,
    ) -> None:
        super().__init__(self._checked, request_factory=self._request)
        self._route = route
        self.idle_s = idle_s
        self.refused = refused
        self.door = door
        self.head_limit_bytes = head_limit_bytes

    @property
    def too_long_text(self) -> str:
        """What a request is told whose head is over the limit."""
        return f"the request's head is longer than {self.head_limit_bytes} bytes"

    def too_long(self, request: web.BaseRequest) -> web.Response:
        """Answer a request whose head is over the limit."""
        self.refused[Count.REFUSED_HEADS] += 1
        return error_answer(HEAD_TOO_LONG, self.too_long_text, request)

    async def _checked(self, request: web.BaseRequest) -> web.StreamResponse:
        self.door.places.serve(cast("HttpConnection", request.protocol))
        if _head_bytes(request) > self.head_limit_bytes:
            return self.too_long(request)
        answer = _refuse_expectation(request) or await self._route(request)
        if _ends_connection(request):
            answer.force_close()
        return cast("web.StreamResponse", answer)

    def __call__(self) -> Any:
        """Return the protocol of a new connection."""
        return HttpConnection(
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
    fields = request.raw_headers
    line = len(request.method) + len(request.raw_path) + len("  HTTP/1.1\r\n")
    return line + sum(map(len, chain.from_iterable(fields))) + len(":\r\n") * len(fields) + 2


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
