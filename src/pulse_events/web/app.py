"""Which path and method lead to which answer, and what is answered where none does.

Puts together what answers; knows HTTP, not which broker is behind it.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from pulse_events.access.rate import Allowances
from pulse_events.web.answers import CORS, error_answer
from pulse_events.web.bodies import BODY_WITHIN_S
from pulse_events.web.gate import Gate
from pulse_events.web.page import Page
from pulse_events.web.posts import Posts
from pulse_events.web.refusals import Refusals
from pulse_events.web.reports import Reports, release
from pulse_events.web.senders import Senders
from pulse_events.web.services import Services
from pulse_events.web.static_files import static_routes
from pulse_events.web.subscribe import Subscribe
from pulse_events.web.take_over import StreamOpener
from pulse_events.web.work import REPORT, Charges

Route = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Table = dict[str, dict[str, Route]]

_ALL_METHODS = ("GET", "HEAD", "POST")


class App:
    """Answers every request of the process.

    Args:
        services: What the routes work with.
        body_within_s: How long a client may take to send the body of a request.
        release: Says which version this is.
    """

    def __init__(
        self,
        services: Services,
        *,
        body_within_s: float = BODY_WITHIN_S,
        release: Callable[[], str] = release,
    ) -> None:
        admission = services.admission
        senders = Senders(admission.origins)
        charges = Charges(senders, Allowances(admission.limits.requests_per_s), services.hub)
        opener = StreamOpener(services.streams, compression=services.compression)
        refusals = Refusals(opener, senders, services.refused)
        reports = Reports(services, release=release)
        posts = Posts(services, senders, charges, refusals, body_within_s=body_within_s)
        self._gate = Gate(senders, charges, refusals)
        self._subscribe = Subscribe(services, senders, charges, opener, refusals)
        self.table = _table(services, self._subscribe, posts, reports)
        """The routes by path, without a last slash, and method."""
        self._costs: dict[Route, int] = {reports.stats: REPORT, reports.metrics: REPORT}

    async def route(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; a path means the same with and without a last slash.

        Nothing is decoded: no path here needs it, and who guards one in front of this server must
        not be passed by another spelling of it.
        """
        path = request.rel_url.raw_path
        methods = self.table.get(path.removesuffix("/"), {})
        answer = methods.get(request.method)
        cost = self._costs.get(answer, 0) if answer else 0
        refusal = await self._gate.refusal(request, cost, as_stream=answer is self._subscribe)
        if refusal is not None:
            return refusal
        if answer is not None:
            return await answer(request)
        return _no_route(request, path, methods)


def _table(services: Services, subscribe: Subscribe, posts: Posts, reports: Reports) -> Table:
    table: Table = {path: _get(file) for path, file in static_routes().items()}

    def known() -> dict[str, object]:
        return {"config": reports.settings(), "catalogue": services.catalogue.document}

    table |= {
        "": _get(Page(known)),
        "/__version__": _get(reports.version),
        "/__lbheartbeat__": _get(reports.lbheartbeat),
        "/__heartbeat__": _get(reports.heartbeat),
        "/metrics": _get(reports.metrics),
    }
    for prefix in ("/events/v1", "/api/events/v1", "/v1"):
        table[f"{prefix}/connect"] = {"GET": subscribe, "HEAD": subscribe.head}
        table[f"{prefix}/bindings"] = {"POST": posts.issue_token}
        table[f"{prefix}/config"] = _get(reports.config)
        table[f"{prefix}/catalogue"] = _get(services.catalogue)
    for prefix in ("/events/v1", "/api/events/v1"):
        table[f"{prefix}/ping"] = _get(reports.ping)
        table[f"{prefix}/stats"] = _get(reports.stats)
        if services.publish is not None:
            table[f"{prefix}/publish"] = {"POST": posts.publish}
    return table


def _get(route: Route) -> dict[str, Route]:
    return {"GET": route, "HEAD": route}


def _no_route(request: web.BaseRequest, path: str, methods: dict[str, Route]) -> web.Response:
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


def _preflight(allowed: str) -> web.Response:
    headers = {
        **CORS,
        "Allow": allowed,
        "Access-Control-Allow-Methods": allowed,
        "Access-Control-Allow-Headers": "*",
        "Access-Control-Max-Age": "86400",
    }
    return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)
