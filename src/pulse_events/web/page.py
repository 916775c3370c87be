"""The page at ``/``, the inspector; and the catalogue of known exchanges that it works with."""

from collections.abc import Callable, Mapping
from functools import cached_property

import orjson
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
_KNOWN = b' id="known">{}<'


class Page:
    """Answers with the page, whose links are relative: a proxy may add a prefix.

    Args:
        known: Returns what goes into the page, which would have to ask for it else, and wait.
    """

    def __init__(self, known: Callable[[], Mapping[str, object]]) -> None:
        self._known = known

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        """Answer with the page, or with 304 if the client has it."""
        return await self._file(request)

    @cached_property
    def _file(self) -> StaticFile:
        html = (static_folder() / PAGE).read_bytes()
        # In JSON the only place of a `<` is a text, which may have it in this form.
        content = orjson.dumps(self._known()).replace(b"<", b"\\u003c")
        return StaticFile(PAGE, html.replace(_KNOWN, _KNOWN.replace(b"{}", content)), _HEADERS)


class Catalogue:
    """Answers with what the page needs to help with bindings, and to link to Taskcluster.

    Args:
        demo: Whether messages are made up, so that there is always something to see.
        root_url: Of the Taskcluster deployment whose messages these are, if known.
    """

    def __init__(self, *, demo: bool = False, root_url: str | None = None) -> None:
        self.document = {
            "demo": demo,
            "rootUrl": root_url,
            "exchanges": [_describe(exchange) for exchange in load_catalogue()],
        }
        """``{"demo", "rootUrl", "exchanges": [{…, "words": […]}]}``"""

    async def __call__(self, _request: web.BaseRequest) -> web.Response:
        """Answer with the document."""
        return json_answer(self.document)


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
