"""What the server says of itself: its life, its health, its counts, its version and settings."""

import time
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from aiohttp import web

from pulse_events.web.answers import CORS, SERVER, json_answer, timestamp
from pulse_events.web.metrics import exposition
from pulse_events.web.services import Services

SOURCE = "https://github.com/taskcluster/pulse-events"


@cache
def release() -> str:
    """Return the version of this package."""
    return version("pulse-events")  # which reads files, as long as five pings take


class Reports:
    """Answers what is asked about the server; ``release`` says its version."""

    def __init__(self, services: Services, *, release: Callable[[], str]) -> None:
        self._services = services
        self._release = release
        self._started_s = time.monotonic()

    def settings(self) -> dict[str, Any]:
        """Return what clients may want to know of the settings."""
        services = self._services
        return {
            "pingInterval": services.ping_interval_s,
            "maxBindings": services.max_bindings,
            "history": services.history,
            "historyAge": services.reach.age_s,
            "historyBytes": services.reach.size_bytes,
            "broker": services.broker,
            "demo": services.demo,
            "server": SERVER,
            "version": self._release(),
        }

    async def config(self, _request: web.BaseRequest) -> web.Response:
        """Answer with the settings, and the time."""
        return json_answer({**self.settings(), "time": timestamp()})

    async def ping(self, _request: web.BaseRequest) -> web.Response:
        """Answer that it lives, and for how long."""
        return json_answer({"alive": True, "uptime": time.monotonic() - self._started_s})

    async def version(self, _request: web.BaseRequest) -> web.Response:
        """Answer with the version, as Dockerflow has it."""
        return json_answer(
            {"source": SOURCE, "version": self._release(), "commit": "", "build": ""}
        )

    async def lbheartbeat(self, _request: web.BaseRequest) -> web.Response:
        """Answer that it lives, as Dockerflow has it."""
        return json_answer({"status": "ok"})

    async def heartbeat(self, _request: web.BaseRequest) -> web.Response:
        """Answer whether the broker can be used, as Dockerflow has it."""
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

    async def stats(self, _request: web.BaseRequest) -> web.Response:
        """Answer with the counts of all processes, as JSON."""
        counts = await self._services.total()
        return json_answer({_camel(name): count for name, count in counts._asdict().items()})

    async def metrics(self, _request: web.BaseRequest) -> web.Response:
        """Answer with the counts of all processes, as Prometheus has them."""
        connected, *_ = self._services.health()
        content, content_type = exposition(await self._services.total(), connected=connected)
        return web.Response(body=content, headers={**CORS, "Content-Type": content_type})


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))
