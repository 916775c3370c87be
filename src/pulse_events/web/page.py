"""The inspector at ``/``, and what it wants to know of the server: exchanges, demo, Taskcluster.

Owns the page's policy.  Knows neither what the page does nor how its scripts and styles are served.
"""

import html
from functools import cache
from importlib.resources import files

from aiohttp import web

from pulse_events.catalogue import Exchange, load_catalogue
from pulse_events.web.answers import json_answer

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types default",
    )
)
"""What the page may load and do.  The last two refuse every way that turns a string into HTML or
code; the page's own policy lets the client's worker pass."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_BASE = "{{base}}"


async def page(request: web.BaseRequest) -> web.Response:
    """Answer with the page; its example for scripts names the host that the client asked."""
    # Not `request.host`: without the header it asks the DNS, and the whole process would wait.
    host = request.headers.get("Host", "127.0.0.1")
    text = _template().replace(_BASE, html.escape(f"{request.scheme}://{host}"))
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)


class Catalogue:
    """Answers with what the page needs to help with bindings, and to link to Taskcluster.

    Args:
        demo: Whether messages are made up, so that there is always something to see.
        root_url: Of the Taskcluster deployment whose messages these are, if known.
    """

    def __init__(self, *, demo: bool = False, root_url: str | None = None) -> None:
        self._document = {
            "demo": demo,
            "rootUrl": root_url,
            "exchanges": [_describe(exchange) for exchange in load_catalogue()],
        }

    async def __call__(self, _request: web.BaseRequest) -> web.Response:
        """Answer with ``{"demo", "rootUrl", "exchanges": [{…, "words": […]}]}``."""
        return json_answer(self._document)


def _describe(exchange: Exchange) -> dict[str, object]:
    return {
        "service": exchange.service,
        "event": exchange.event,
        "exchange": exchange.name,
        "words": [
            {
                "name": word.name,
                "constant": word.constant,
                "many": word.many,
                "optional": word.optional,
            }
            for word in exchange.words
        ],
    }


@cache
def _template() -> str:
    place = files("pulse_events.web") / "static" / "inspector" / "index.html"
    return place.read_text(encoding="utf-8")
