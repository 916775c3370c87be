"""The package's static files (browser client, page): read once, served from memory.

A file is found by its whole path in a table made at the start, so no request can name a file
outside the folder.  Knows neither what the files do nor which paths of the server lead to them.
"""

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import cached_property
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web

from pulse_events.web.answers import CORS
from pulse_events.wire.compression import accepted_codings

CLIENT_PREFIXES = ("/events/v1", "/api/events/v1")
STATIC_PREFIX = "/static"
PAGE = "page/index.html"
"""What `make browser` has built from ``inspector/index.html`` and all that it loads."""

_CLIENT = "pulse-events.js"
_PAGES = "index.html"
"""Not among the routes: the page has headers, and relative links, that fit one path only."""
_HASHED = "page/"
"""What is in there has the hash of its content in its name."""
_BROTLI = ".br"
"""What `make browser` has packed: the best that there is, and slow to make."""
_FOR_EVER = f"public, max-age={365 * 24 * 3600}, immutable"
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
    """One file's bytes and headers; compressed for who can read that.

    Where a name holds no hash of the content browsers must ask each time; the tag makes that cheap.

    Args:
        name: Its extension picks the type.
        content: The bytes.
        headers: On top of those of every file.
        is_immutable: Whether another content would have another name, so that nobody need ask.
        brotli: The content, packed.
        source_map: Where its map is, for debuggers.
    """

    def __init__(
        self,
        name: str,
        content: bytes,
        headers: Mapping[str, str] = CORS,
        *,
        is_immutable: bool = False,
        brotli: bytes | None = None,
        source_map: str = "",
    ) -> None:
        self.content = content
        digest = hashlib.sha256(content).hexdigest()[:32]
        self._brotli = brotli
        self._tags = {"": f'"{digest}"', "br": f'"{digest}-br"', "gzip": f'"{digest}-gzip"'}
        extension = name.rpartition(".")[2]
        self._headers = {
            **headers,
            "Content-Type": _TYPES.get(extension, "application/octet-stream"),
            "Cache-Control": _FOR_EVER if is_immutable else "no-cache",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if source_map:
            self._headers["SourceMap"] = source_map

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        """Answer with the file, or with 304 if the client has it."""
        coding, body = self._body_for(request.headers.get("Accept-Encoding", ""))
        headers = self._headers | {"ETag": self._tags[coding]}
        if self._is_known(request.headers.get("If-None-Match", "")):
            del headers["Content-Type"]
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        if coding:
            headers["Content-Encoding"] = coding
        return web.Response(body=body, headers=headers)

    def _body_for(self, accept_encoding: str) -> tuple[str, bytes]:
        """Return the shortest body that is accepted, and what it is packed with, if it is."""
        accepted = accepted_codings(accept_encoding)
        if self._brotli is not None and "br" in accepted:
            return "br", self._brotli
        if "gzip" in accepted and len(self._gzip) < len(self.content):
            return "gzip", self._gzip
        return "", self.content

    @cached_property
    def _gzip(self) -> bytes:
        """Made when first asked for, since nobody asks for most files: 3 ms for the largest."""
        return gzip.compress(self.content, mtime=0)

    def _is_known(self, if_none_match: str) -> bool:
        """Tell whether the client has this, packed or not; weak tags count (RFC 9110, 13.1.2)."""
        tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return not tags.isdisjoint(("*", *self._tags.values()))


def static_folder() -> Traversable:
    """Return the folder of the static files."""
    return files("pulse_events.web") / "static"


def static_routes(folder: Traversable | None = None) -> dict[str, Route]:
    """Return the path of each file that the package serves, and its route.

    Everything in ``web/static`` but the page is under `STATIC_PREFIX`.  The browser client is also
    beside the streams, as ``client.js``; its parts are where its relative imports look for them.
    """
    contents = dict(_walk(folder or static_folder()))
    found = {
        name: StaticFile(
            name,
            content,
            is_immutable=name.startswith(_HASHED),
            brotli=contents.get(name + _BROTLI),
            source_map=_map_of(name, contents),
        )
        for name, content in contents.items()
        if not name.endswith((_PAGES, _BROTLI))
    }
    routes: dict[str, Route] = {f"{STATIC_PREFIX}/{name}": file for name, file in found.items()}
    for prefix in CLIENT_PREFIXES:
        routes |= {f"{prefix}/{n}": file for n, file in found.items() if _is_client(n)}
        if _CLIENT in found:
            routes[f"{prefix}/client.js"] = found[_CLIENT]
    return routes


def _map_of(name: str, contents: Mapping[str, bytes]) -> str:
    """Return where the map of a file is, as seen from there, if there is one."""
    found = f"{name}.map"
    return found.rpartition("/")[2] if found in contents else ""


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
