"""Routes and what they answer.  Knows HTTP and the hub, not which broker is behind them."""

import time
from collections.abc import Awaitable, Callable
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from aiohttp import web

from pulse_events.errors import AddressLimitReached, InputError
from pulse_events.web.answers import CORS, error_answer, json_answer
from pulse_events.web.bodies import BODY_LIMIT_BYTES, BODY_WITHIN_S, parse_message, read_body
from pulse_events.web.metrics import exposition
from pulse_events.web.page import page
from pulse_events.web.services import Services
from pulse_events.web.static_files import static_routes
from pulse_events.web.subscribe import Connect
from pulse_events.web.tokens import LIFETIME_S
from pulse_events.web.work import MESSAGE_BYTES, REPORT, TEXT_BYTES, Work
from pulse_events.wire.wire import HEADERS

Route = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_ALL_METHODS = ("GET", "HEAD", "POST")
SOURCE = "https://github.com/taskcluster/pulse-events"
_BINDING_LIMIT_BYTES = 4096
"""The longest JSON of one binding: two names of 255 bytes, each as six characters."""


class App:
    """Answers every request of the process."""

    def __init__(self, services: Services, *, body_within_s: float = BODY_WITHIN_S) -> None:
        self._services = services
        self._body_within_s = body_within_s
        self._started_s = time.monotonic()
        self._work = Work(services)
        self._connect = Connect(services, self._work)
        self._routes = self._table()
        self._reports = (self._stats, self._metrics)

    async def route(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; a path means the same with and without a last slash.

        Nothing is decoded: no path here needs it, and who guards one in front of this server must
        not be passed by another spelling of it.
        """
        path = request.rel_url.raw_path
        methods = self._routes.get(path.removesuffix("/"), {})
        answer = methods.get(request.method)
        try:
            self._work.begin(request, REPORT if answer in self._reports else 0)
        except AddressLimitReached as reason:
            return self._connect.refuse(request, reason, as_stream=answer is self._connect)
        if answer is not None:
            return await answer(request)
        allowed = ", ".join(sorted({*(methods or _ALL_METHODS), "OPTIONS"}))
        if request.method == "OPTIONS":
            # Everywhere: a page is to see the 404 itself, not a preflight that fails.
            return _preflight(allowed)
        if not methods:
            text = f"there is nothing at {path}; the page at / says what there is"
            return error_answer(HTTPStatus.NOT_FOUND, text, request)
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

    async def _issue_token(self, request: web.BaseRequest) -> web.StreamResponse:
        limit_bytes = _BINDING_LIMIT_BYTES * self._services.max_bindings
        try:
            body = await read_body(request, limit_bytes, self._body_within_s)
            self._work.charge(request, len(body) // TEXT_BYTES)
            owner = self._work.address_of(request)
            token = await self._services.tokens.issue(body.decode(), owner)
        except UnicodeDecodeError:
            return error_answer(HTTPStatus.BAD_REQUEST, "the body is not UTF-8", request)
        except (InputError, AddressLimitReached) as error:
            return self._connect.refuse(request, error, as_stream=False)
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

    async def _publish(self, request: web.BaseRequest) -> web.StreamResponse:
        assert self._services.publish is not None
        try:
            body = await read_body(request, BODY_LIMIT_BYTES, self._body_within_s)
            self._work.charge(request, len(body) // MESSAGE_BYTES)
            message = parse_message(body)
        except (InputError, AddressLimitReached) as error:
            return self._connect.refuse(request, error, as_stream=False)
        except web.HTTPRequestEntityTooLarge as error:
            return error_answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error.text or "", request)
        self._services.publish(message)
        return json_answer({}, HTTPStatus.ACCEPTED)


def _get(route: Route) -> dict[str, Route]:
    return {"GET": route, "HEAD": route}


async def _connect_head(_request: web.BaseRequest) -> web.Response:
    return web.Response(headers=HEADERS)


async def _alive(_request: web.BaseRequest) -> web.Response:
    return json_answer({"status": "ok"})


async def _version(_request: web.BaseRequest) -> web.Response:
    return json_answer({"source": SOURCE, "version": _release(), "commit": "", "build": ""})


@cache
def _release() -> str:
    return version("pulse-events")  # which reads files, as long as five pings take


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
