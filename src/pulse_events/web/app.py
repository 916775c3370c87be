"""Routes and what they answer.  Knows HTTP and the hub, not which broker is behind them."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import orjson
from aiohttp import web
from yarl import URL

from pulse_events.bindings import Binding, BindingSet, parse_bindings
from pulse_events.compression import pick_coding
from pulse_events.errors import AddressLimitReached, InputError, PulseEventsError
from pulse_events.hubs import Hubs
from pulse_events.messages import Message
from pulse_events.statistics import Statistics
from pulse_events.web.admission import Admission
from pulse_events.web.answers import CORS, error_answer, json_answer, status_of
from pulse_events.web.connection import BODY_LIMIT_BYTES
from pulse_events.web.metrics import exposition
from pulse_events.web.page import Catalogue, page
from pulse_events.web.static_files import static_routes
from pulse_events.web.streams import HttpErrorStream, Stream, Streams, take_over
from pulse_events.web.tokens import LIFETIME_S, Tokens

Route = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)

SOURCE = "https://github.com/taskcluster/pulse-events"
BODY_WITHIN_S = 30.0
"""How long a client may take to send the body of its request."""
_QUERIES_CACHED = 256
_PROXY_ADVICE = (
    "clients behind a proxy count as one address; say with --trust-proxy, or TRUST_PROXY, how many "
    "proxies are in front of this server"
)
_BINDING_LIMIT_BYTES = 4096
"""The longest JSON of one binding: two names of 255 bytes, each as six characters."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes work with."""

    hub: Hubs
    admission: Admission
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
    refused: Counter[str] = field(default_factory=Counter)
    """Counts what is refused by a limit."""


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
        self._has_warned = False
        self._parse_query = lru_cache(_QUERIES_CACHED)(_parse_query)
        self._routes = self._table()

    async def route(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; a path means the same with and without a last slash."""
        methods = self._routes.get(request.path.rstrip("/"))
        if methods is None:
            text = f"there is nothing at {request.path}; the page at / says what there is"
            return error_answer(HTTPStatus.NOT_FOUND, text, request)
        answer = methods.get(request.method)
        if answer is not None:
            try:
                self._services.admission.count_request(self._address_of(request), time.monotonic())
            except AddressLimitReached as reason:
                return self._refuse(request, reason, as_stream=answer == self._connect)
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
            "": _get(page),
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
        address = self._address_of(request)
        try:
            bindings = await self._bindings_of(wanted)
            self._services.admission.admit(address)
        except PulseEventsError as reason:
            return self._refuse(request, reason, as_stream=True)
        stream = self._open_stream(request, address, http_errors)
        if stream is None:
            self._services.admission.leave(address)
            return TakenOver()
        try:
            self._services.hub.subscribe(stream, bindings)
        except PulseEventsError as reason:
            self._note(request, reason)
            stream.end(reason)
        return TakenOver()

    def _refuse(
        self, request: web.BaseRequest, reason: PulseEventsError, *, as_stream: bool
    ) -> web.StreamResponse:
        """Answer with an error, as an event if a stream was asked for without HTTP errors."""
        self._note(request, reason)
        if not as_stream or _wants_http_errors(request.rel_url):
            status = status_of(reason)
            wait = {"Retry-After": "1"} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
            return error_answer(status, str(reason), request, wait)
        stream = self._open_stream(request, None, http_errors=False)
        if stream is not None:
            stream.end(reason)
        return TakenOver()

    def _open_stream(
        self, request: web.BaseRequest, address: str | None, http_errors: bool
    ) -> Stream | None:
        """Make the request's connection a stream; ``None`` if its client has gone."""
        transport = take_over(request.protocol)
        if transport is None:
            return None
        streams = self._services.streams
        accepted = request.headers.get("Accept-Encoding") if self._services.compression else None
        coding = pick_coding(accepted or "")
        stream = (
            HttpErrorStream(streams, transport, coding, request)
            if http_errors
            else Stream(streams, transport, coding)
        )
        stream.address = address
        streams.add(stream, transport)
        return stream

    def _address_of(self, request: web.BaseRequest) -> str:
        forwarded = request.headers.getall("X-Forwarded-For", ())
        return self._services.admission.address_of(request.remote, forwarded)

    def _note(self, request: web.BaseRequest, reason: PulseEventsError) -> None:
        """Count a refusal that a limit is the reason of."""
        if reason.counted_as:
            self._services.refused[reason.counted_as] += 1
        if (
            isinstance(reason, AddressLimitReached)
            and "X-Forwarded-For" in request.headers
            and not self._services.admission.limits.proxies
            and not self._has_warned
        ):
            self._has_warned = True
            log.warning("%s; %s", reason, _PROXY_ADVICE)

    async def _bindings_of(self, wanted: BindingSet | InputError | str) -> BindingSet:
        """Return what a query asks for; of a token, what it stands for."""
        if isinstance(wanted, InputError):
            raise wanted
        return await self._services.tokens.redeem(wanted) if isinstance(wanted, str) else wanted

    async def _issue_token(self, request: web.BaseRequest) -> web.StreamResponse:
        limit_bytes = _BINDING_LIMIT_BYTES * self._services.max_bindings
        try:
            body = await _read_body(request, limit_bytes, self._body_within_s)
            token = await self._services.tokens.issue(body.decode())
        except UnicodeDecodeError:
            return error_answer(HTTPStatus.BAD_REQUEST, "the body is not UTF-8", request)
        except InputError as error:
            return self._refuse(request, error, as_stream=False)
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
    http_errors = _wants_http_errors(url)
    bindings, token = url.query.get("bindings"), url.query.get("token")
    if token is not None and bindings is None:
        return token, http_errors
    try:
        return parse_bindings(bindings, limit), http_errors
    except InputError as error:
        return error, http_errors


def _wants_http_errors(url: URL) -> bool:
    return url.query.get("errors") == "http"


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
