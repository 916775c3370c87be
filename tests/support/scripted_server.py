"""A server with a history as a client sees it: each connect gets what a script says.

Speaks the wire of a stream that resumes, and of servers that do not; notes what it was asked.
"""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Self

from aiohttp import web

STAY = b""
"""A script's last step: the stream stays open."""
MEMORY = json.dumps({"pingInterval": 20.0, "history": "memory"}).encode()

Script = int | Sequence[bytes]
"""A status to answer with, or the pieces of a stream, which is cut behind the last one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One connect: its query, its headers, and ``Last-Event-ID`` if it had one."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    last_event_id: str | None


def ready(cursor: str = "-", *, retry_ms: int | None = None) -> bytes:
    """Return the event with which a stream begins."""
    retry = "" if retry_ms is None else f"retry: {retry_ms}\n"
    return f"{retry}event: ready\ndata: {{}}\nid: {cursor}\n\n".encode()


def event(kind: str, value: object, cursor: str = "-") -> bytes:
    """Return any event."""
    return f"event: {kind}\ndata: {json.dumps(value)}\nid: {cursor}\n\n".encode()


def message(payload: object, cursor: str = "-") -> bytes:
    """Return a message."""
    return event("message", {"payload": payload}, cursor)


def gap(reason: str, cursor: str, begin: str | None = None) -> bytes:
    """Return a gap up to a certain moment."""
    return event("gap", {"reason": reason, "from": begin, "to": "2026-11-25T10:12:31Z"}, cursor)


class ScriptedServer:
    """``with ScriptedServer(script, …) as server``; the last script is for all other connects.

    Args:
        scripts: What the connects get, in turn.
        config: What ``/events/v1/config`` answers; 404 if ``None``.
        tls: With it the server speaks HTTPS.
    """

    def __init__(
        self,
        *scripts: Script,
        config: bytes | None = MEMORY,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.asked: list[Asked] = []
        self.configs = 0
        """How often it was asked whether it has a history."""
        self.written = 0
        """Pieces of streams that were taken from it, by clients or by the system."""
        self.written_s = 0.0
        """When the last one was, of `time.monotonic`."""
        self.url = ""
        self._scripts = list(scripts)
        self._config = config
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._listening: Future[int] = Future()
        self._thread = threading.Thread(target=self._run, name="scripted server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        scheme = "https" if self._tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listening.result(10)}/"
        return self

    def __exit__(self, *_exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the scripted server did not end"

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_get("/events/v1/config", self._answer_config)
        app.router.add_get("/events/v1/connect/", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self._listening.set_result(runner.addresses[0][1])
        await self._stop.wait()
        await runner.cleanup()

    async def _answer_config(self, _request: web.Request) -> web.Response:
        self.configs += 1
        if self._config is None:
            return web.Response(status=404)
        return web.Response(body=self._config)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        headers = request.headers
        self.asked.append(Asked(dict(request.query), headers, headers.get("Last-Event-ID")))
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        if isinstance(script, int):
            return _status(script)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in filter(None, script):
            await response.write(piece)
            self.written += 1
            self.written_s = time.monotonic()
        if script[-1] == STAY:
            await self._stop.wait()
        elif request.transport is not None:
            request.transport.close()
        return response


def _status(status: int) -> web.Response:
    if status == 204:
        return web.Response(status=status)
    return web.json_response({"code": "InputError", "message": f"a {status}"}, status=status)
