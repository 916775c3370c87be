"""The package's static files (browser client, page): read once, served from memory.

A file is found by its whole path in a table made at the start, so no request can name a file
outside the folder.  Knows neither what the files do nor which paths of the server lead to them.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web

from pulse_events.web.answers import CORS

CLIENT_PREFIXES = ("/events/v1", "/api/events/v1")
STATIC_PREFIX = "/static"
PAGE = "index.html"
"""Not among the routes: the page has headers, and relative links, that fit one path only."""

_CLIENT = "pulse-events.js"
_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ico": "image/x-icon",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "map": "application/json",
    "md": "text/markdown; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "ts": "text/plain; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "LICENSE": "text/plain; charset=utf-8",  # its whole name
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
"""By extension, not by the system's table, which differs between machines."""

Route = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class StaticFile:
    """One file's bytes and headers.

    Names hold no hash of the content, so browsers must ask each time; the tag makes that cheap.

    Args:
        name: Its extension picks the type.
        content: The bytes.
        headers: On top of those of every file.
    """

    def __init__(self, name: str, content: bytes, headers: Mapping[str, str] = CORS) -> None:
        self.content = content
        self.etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        extension = name.rpartition(".")[2]
        self.headers = {
            **headers,
            "Content-Type": _TYPES.get(extension, "application/octet-stream"),
            "Cache-Control": "no-cache",
            "ETag": self.etag,
            "X-Content-Type-Options": "nosniff",
        }

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        """Answer with the file, or with 304 if the client has it."""
        if _knows(request.headers.get("If-None-Match", ""), self.etag):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=self._without_type())
        return web.Response(body=self.content, headers=self.headers)

    def _without_type(self) -> dict[str, str]:
        return {name: value for name, value in self.headers.items() if name != "Content-Type"}


def static_folder() -> Traversable:
    """Return the folder of the static files."""
    return files("pulse_events.web") / "static"


def static_routes(folder: Traversable | None = None) -> dict[str, Route]:
    """Return the path of each file that the package serves, and its route.

    Everything in ``web/static`` but `PAGE` is under `STATIC_PREFIX`.  The browser client is also
    beside the streams, as ``client.js``; its parts are where its relative imports look for them.
    """
    found = {
        name: StaticFile(name, content)
        for name, content in _walk(folder or static_folder())
        if name != PAGE
    }
    routes: dict[str, Route] = {f"{STATIC_PREFIX}/{name}": file for name, file in found.items()}
    for prefix in CLIENT_PREFIXES:
        routes |= {f"{prefix}/{n}": file for n, file in found.items() if _is_client(n)}
        if _CLIENT in found:
            routes[f"{prefix}/client.js"] = found[_CLIENT]
    return routes


def _is_client(name: str) -> bool:
    return name.startswith(("pulse-events", "client/"))


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.name.startswith(("__", ".")) or entry.name == "node_modules":
            continue
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry.read_bytes()


def _knows(if_none_match: str, etag: str) -> bool:
    """Tell whether the client names ``etag``; weak and strong tags count (RFC 9110, 13.1.2)."""
    tags = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return any(tag in ("*", etag) for tag in tags)
