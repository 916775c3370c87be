"""Routes and what they answer.  Knows HTTP and the hub, not which broker is behind them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import orjson
from aiohttp import web
from yarl import URL

from pulse_events.bindings import Binding, BindingSet, parse_bindings
from pulse_events.compression import pick_coding
from pulse_events.errors import InputError, PulseEventsError
from pulse_events.hub import Hub, Statistics
from pulse_events.messages import Message
from pulse_events.web.answers import CORS, error_answer, json_answer, status_of
from pulse_events.web.connection import BODY_LIMIT_BYTES, is_too_long, too_long
from pulse_events.web.metrics import exposition
from pulse_events.web.page import Catalogue, page
from pulse_events.web.static_files import static_routes
from pulse_events.web.streams import HttpErrorStream, Stream, Streams, take_over
from pulse_events.web.tokens import LIFETIME_S, Tokens

Route = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

SOURCE = "https://github.com/taskcluster/pulse-events"
BODY_WITHIN_S = 30.0
"""How long a client may take to send the body of its request."""
_QUERIES_CACHED = 256
_BINDING_LIMIT_BYTES = 4096
"""The longest JSON of one binding: two names of 255 bytes, each as six characters."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes work with."""

    hub: Hub
    streams: Streams
    tokens: Tokens
    max_bindings: int
    ping_interval_s: float
    compression: bool
    """Whether streams may be compressed for clients that accept it."""
    health: Callable[[], tuple[bool, str, str]]
    """Whether the broker can be used, and if not, why; what is wrong with it though it can."""
    total: Callable[[], Awaitable[Statistics]]
    """The counts of all processes that share the port."""
    catalogue: Catalogue
    publish: Callable[[Message], None] | None = None
    """Takes a message from HTTP; ``None`` where the broker is a real one."""


class TakenOver(web.StreamResponse):
    """What a route returns for a connection that is no longer aiohttp's: nothing is sent."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send no head."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Send no end."""


class App:
    """Answers every request of the process."""

    def __init__(self, services: Services, *, body_within_s: float = BODY_WITHIN_S) -> None:
        self._services = services
        self._body_within_s = body_within_s
        self._started_s = time.monotonic()
        self._parse_query = lru_cache(_QUERIES_CACHED)(_parse_query)
        self._routes = self._table()

    async def route(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; a path means the same with and without a last slash."""
        if is_too_long(request):
            return too_long(request)
        methods = self._routes.get(request.path.rstrip("/"))
        if methods is None:
            text = f"there is nothing at {request.path}; the page at / says what there is"
            return error_answer(HTTPStatus.NOT_FOUND, text, request)
        answer = methods.get(request.method)
        if answer is not None:
            return await answer(request)
        allowed = ", ".join(sorted({*methods, "OPTIONS"}))
        if request.method == "OPTIONS":
            return _preflight(allowed)
        text = f"{request.method} is not possible here, only {allowed}"
        status = HTTPStatus.METHOD_NOT_ALLOWED
        return error_answer(status, text, request, {"Allow": allowed})

    def _table(self) -> dict[str, dict[str, Route]]:
        """Return the routes by path and method."""
        connect: dict[str, Route] = {"GET": self._connect, "HEAD": _connect_head}
        routes: dict[str, dict[str, Route]] = {path: _get(f) for path, f in static_routes().items()}
        routes |= {
            "": _get(page()),
            "/__version__": _get(_version),
            "/__lbheartbeat__": _get(_alive),
            "/__heartbeat__": _get(self._heartbeat),
            "/metrics": _get(self._metrics),
        }
        for prefix in ("/events/v1", "/api/events/v1", "/v1"):
            routes[f"{prefix}/connect"] = connect
            routes[f"{prefix}/bindings"] = {"POST": self._issue_token}
            routes[f"{prefix}/config"] = _get(self._config)
            routes[f"{prefix}/catalogue"] = _get(self._services.catalogue)
        for prefix in ("/events/v1", "/api/events/v1"):
            routes[f"{prefix}/ping"] = _get(self._ping)
            routes[f"{prefix}/stats"] = _get(self._stats)
            if self._services.publish is not None:
                routes[f"{prefix}/publish"] = {"POST": self._publish}
        return routes

    # The stream

    async def _connect(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Last-Event-ID"):
            # A browser that comes back by itself: 204 makes it stop (HTML standard, 9.2.3).
            return web.Response(status=HTTPStatus.NO_CONTENT, headers=CORS)
        wanted, http_errors = self._parse_query(request.rel_url, self._services.max_bindings)
        bindings = await self._redeem(wanted) if isinstance(wanted, str) else wanted
        if http_errors and isinstance(bindings, PulseEventsError):
            return error_answer(status_of(bindings), str(bindings), request)
        transport = take_over(request.protocol)
        if transport is None:
            return TakenOver()
        streams = self._services.streams
        accepted = request.headers.get("Accept-Encoding") if self._services.compression else None
        coding = pick_coding(accepted or "")
        stream = (
            HttpErrorStream(streams, transport, coding, request)
            if http_errors
            else Stream(streams, transport, coding)
        )
        streams.add(stream, transport)
        if isinstance(bindings, PulseEventsError):
            stream.end(bindings)
        else:
            self._services.hub.subscribe(stream, bindings)
        return TakenOver()

    async def _redeem(self, token: str) -> BindingSet | PulseEventsError:
        try:
            return await self._services.tokens.redeem(token)
        except PulseEventsError as error:
            return error

    async def _issue_token(self, request: web.BaseRequest) -> web.Response:
        limit_bytes = _BINDING_LIMIT_BYTES * self._services.max_bindings
        try:
            body = await _read_body(request, limit_bytes, self._body_within_s)
            token = await self._services.tokens.issue(body.decode())
        except UnicodeDecodeError:
            return error_answer(HTTPStatus.BAD_REQUEST, "the body is not UTF-8", request)
        except InputError as error:
            return error_answer(HTTPStatus.BAD_REQUEST, str(error), request)
        except web.HTTPRequestEntityTooLarge as error:
            return error_answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error.text or "", request)
        return json_answer({"token": token, "expires": int(LIFETIME_S)})

    # The rest

    async def _config(self, _request: web.BaseRequest) -> web.Response:
        services = self._services
        return json_answer(
            {"pingInterval": services.ping_interval_s, "maxBindings": services.max_bindings}
        )

    async def _ping(self, _request: web.BaseRequest) -> web.Response:
        return json_answer({"alive": True, "uptime": time.monotonic() - self._started_s})

    async def _heartbeat(self, _request: web.BaseRequest) -> web.Response:
        connected, reason, warning = self._services.health()
        status, level = ("warning", 30) if warning else ("ok", 0)
        status, level = (status, level) if connected else ("error", 50)
        document: dict[str, Any] = {"status": status, "checks": {"broker": status}}
        if level:
            messages = [warning if connected else reason]
            document["details"] = {
                "broker": {"status": status, "level": level, "messages": messages}
            }
        return json_answer(document, HTTPStatus.OK if connected else HTTPStatus.SERVICE_UNAVAILABLE)

    async def _stats(self, _request: web.BaseRequest) -> web.Response:
        counts = await self._services.total()
        return json_answer({_camel(name): count for name, count in counts._asdict().items()})

    async def _metrics(self, _request: web.BaseRequest) -> web.Response:
        connected, *_ = self._services.health()
        content, content_type = exposition(await self._services.total(), connected=connected)
        return web.Response(body=content, headers={**CORS, "Content-Type": content_type})

    async def _publish(self, request: web.BaseRequest) -> web.Response:
        assert self._services.publish is not None
        try:
            body = await _read_body(request, BODY_LIMIT_BYTES, self._body_within_s)
            message = _parse_message(body)
        except InputError as error:
            return error_answer(HTTPStatus.BAD_REQUEST, str(error), request)
        except web.HTTPRequestEntityTooLarge as error:
            return error_answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error.text or "", request)
        self._services.publish(message)
        return json_answer({}, HTTPStatus.ACCEPTED)


def _get(route: Route) -> dict[str, Route]:
    return {"GET": route, "HEAD": route}


async def _read_body(request: web.BaseRequest, limit_bytes: int, within_s: float) -> bytes:
    """Return a request's body, whose limit is not aiohttp's.

    Raises:
        HTTPRequestEntityTooLarge: It is longer; the rest is not read.
        InputError: It is broken, or does not come in time.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(within_s):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit_bytes:
                    raise web.HTTPRequestEntityTooLarge(limit_bytes, len(body))
    except TimeoutError:
        raise InputError(f"the body did not come within {within_s:.0f} s") from None
    except (web.RequestPayloadError, ConnectionError) as error:
        raise InputError(f"the body is broken: {error}") from None
    return bytes(body)


def _parse_query(url: URL, limit: int) -> tuple[BindingSet | InputError | str, bool]:
    """Return the bindings that a stream's URL asks for, and whether it wants HTTP errors.

    Of a URL with a token instead of bindings, the token.
    """
    http_errors = url.query.get("errors") == "http"
    bindings, token = url.query.get("bindings"), url.query.get("token")
    if token is not None and bindings is None:
        return token, http_errors
    try:
        return parse_bindings(bindings, limit), http_errors
    except InputError as error:
        return error, http_errors


def _parse_message(body: bytes) -> Message:
    """Read the body of a publish request.

    Raises:
        InputError: It is not ``{"exchange", "routingKey", "payload", "cc"?}``.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InputError(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise InputError("the body must be a JSON object")
    missing = [k for k in ("exchange", "routingKey", "payload") if k not in document]
    unknown = sorted(document.keys() - {"exchange", "routingKey", "payload", "cc"})
    if missing or unknown:
        fault = f"lacks '{missing[0]}'" if missing else f"has the unknown key {unknown[0]!r}"
        raise InputError(f"the body {fault}; its keys are exchange, routingKey, payload, cc")
    cc = document.get("cc", [])
    keys = [document["exchange"], document["routingKey"], *(cc if isinstance(cc, list) else [None])]
    if not all(isinstance(key, str) for key in keys):
        raise InputError("exchange and routingKey must be strings, cc an array of strings")
    for key in keys[1:]:
        Binding(keys[0], key)  # the same limits as for a pattern
    return Message(keys[0], keys[1], orjson.dumps(document["payload"]), tuple(keys[2:]))


async def _connect_head(_request: web.BaseRequest) -> web.Response:
    headers = {**CORS, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return web.Response(content_type="text/event-stream", headers=headers)


async def _alive(_request: web.BaseRequest) -> web.Response:
    return json_answer({"status": "ok"})


async def _version(_request: web.BaseRequest) -> web.Response:
    return json_answer(
        {"source": SOURCE, "version": version("pulse-events"), "commit": "", "build": ""}
    )


def _preflight(allowed: str) -> web.Response:
    headers = {
        **CORS,
        "Allow": allowed,
        "Access-Control-Allow-Methods": allowed,
        "Access-Control-Allow-Headers": "*",
        "Access-Control-Max-Age": "86400",
    }
    return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))
