"""The page at ``/``, the inspector; and the catalogue of known exchanges that it works with."""

from aiohttp import web

from pulse_events.catalogue import KnownExchange, load_catalogue
from pulse_events.web.answers import json_answer
from pulse_events.web.static_files import PAGE, StaticFile, static_folder

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "worker-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "default",  # lets through the address of the SharedWorker, nothing else
}
_HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


def page() -> StaticFile:
    """Return the route of the page, whose links are relative: a proxy may add a prefix."""
    return StaticFile(PAGE, (static_folder() / PAGE).read_bytes(), _HEADERS)


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


def _describe(exchange: KnownExchange) -> dict[str, object]:
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
