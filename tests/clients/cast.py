"""Which clients there are, and what each can do.

``gzip`` in ``forms`` is a URL with ``compression=gzip``.  What is said of a client here is said to
people in docs/clients.md.
"""

from dataclasses import dataclass

BOTH = ("plain", "gzip")
PLAIN = ("plain",)
ROUTES = ("direct", "nginx")
BARE_NGINX = "bare nginx"
"""nginx with nothing set but where to go: HTTP/1.0 to the server."""


@dataclass(frozen=True, slots=True)
class Client:
    """One client."""

    name: str
    world: str
    """What it runs in."""
    forms: tuple[str, ...] = BOTH
    gets: str = "identity"
    """The coding that it gets without asking for one in the URL."""
    routes: tuple[str, ...] = ROUTES
    package: str = ""
    """What it is installed as, if that is not the beginning of its name."""
    breaks_behind_a_proxy: bool = False
    """Long events reach it broken where something between cuts the chunks anew."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A client on one way to the server."""

    client: Client
    form: str
    route: str

    def __str__(self) -> str:
        """Name it, as the play and pytest do."""
        return f"{self.client.name}, {self.form}, {self.route}"


_WITH_BARE_NGINX = (*ROUTES, BARE_NGINX)
CLIENTS = (
    Client("requests iter_lines", "python", routes=_WITH_BARE_NGINX),
    Client("requests iter_lines text", "python"),
    Client("requests iter_content", "python"),
    Client("sseclient-py", "python"),
    Client("sseclient", "python", PLAIN, breaks_behind_a_proxy=True),
    Client("requests-sse", "python"),
    Client("launchdarkly-eventsource", "python", PLAIN),
    Client("httpx iter_lines", "python"),
    Client("httpx-sse", "python"),
    Client("httpx-sse async", "python"),
    Client("urllib3 stream", "python"),
    Client("urllib3 lines", "python"),
    Client("urllib.request", "python", PLAIN),
    Client("aiohttp", "python"),
    Client("aiosseclient", "python"),
    Client("aiohttp-sse-client", "python"),
    Client("eventsource 2", "node", PLAIN, package="eventsource2"),
    Client("eventsource 3", "node", routes=_WITH_BARE_NGINX),
    Client("eventsource 4", "node", package="eventsource4"),
    Client("fetch", "node"),
    Client("undici fetch", "node"),
    Client("undici request", "node", PLAIN),
    Client("undici EventSource", "node"),
    Client("@microsoft/fetch-event-source", "node"),
    Client("node:http", "node"),
    Client("curl", "curl", PLAIN, routes=_WITH_BARE_NGINX),
    Client("curl --compressed", "curl", gets="gzip", routes=_WITH_BARE_NGINX),
    Client("curl --http1.0", "curl", PLAIN),
    Client("curl --http1.0 --compressed", "curl", gets="gzip"),
    Client("HTTP/1.0 socket", "raw", routes=_WITH_BARE_NGINX),
    Client("Chromium", "browser", gets="gzip", routes=_WITH_BARE_NGINX),
    Client("event-source-polyfill", "browser", gets="gzip"),
)
LISTENERS = tuple(
    Listener(client, form, route)
    for client in CLIENTS
    for route in client.routes
    for form in client.forms
)
