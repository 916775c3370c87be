"""N processes on one port: started, restarted when they die, stopped together, counted as one.

The supervisor serves nothing.  Each worker is a new program that gets its settings through a
socket pair, so that no password is in its arguments; the same pair carries counts and the bindings
behind tokens (a token is redeemed at whichever worker the kernel picks), and its end tells a worker
that its supervisor is gone.
"""

import asyncio
import base64
import logging
import random
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import orjson

from pulse_events.backoff import delays
from pulse_events.logs import configure_logging
from pulse_events.loops import new_event_loop
from pulse_events.messages import Message
from pulse_events.server import Publish, serve
from pulse_events.settings import Settings
from pulse_events.statistics import Statistics
from pulse_events.system import open_socket, stop_signal, url_of
from pulse_events.web.tokens import Put, Shelf

log = logging.getLogger(__name__)

STOP_WITHIN_S = 9.0
COUNT_WITHIN_S = 1.0
"""How long a worker may take to say its counts; then those of the others are the answer.  The
supervisor has as long for an answer about a token."""
LINE_LIMIT_BYTES = 128 << 20
"""Longest message between a worker and its supervisor: the bindings behind a token."""
STEADY_AFTER_S = 10.0
"""A worker that lived this long is restarted without delay."""


async def supervise(
    settings: Settings, reserved: socket.socket, announce: Callable[[str], None]
) -> None:
    """Run the workers until SIGTERM or SIGINT.

    Args:
        settings: What to serve, and by how many workers.
        reserved: Bound to the address, so that the workers can share its port; does not listen.
        announce: Called with the URL when all workers accept connections.
    """
    stop = stop_signal()
    url, port = url_of(reserved), reserved.getsockname()[1]
    settings, shelf = settings.model_copy(update={"port": port}), Shelf[str]()
    workers = [_Worker(settings, shelf) for _ in range(settings.workers)]
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(worker.run(workers)) for worker in workers]
        announcing = tasks.create_task(_announce_when_ready(workers, partial(announce, url)))
        await stop.wait()
        for task in (announcing, *running):
            task.cancel()


async def _announce_when_ready(workers: list["_Worker"], announce: Callable[[], None]) -> None:
    for worker in workers:
        await worker.ready.wait()
    announce()


class _Worker:
    """One worker as its supervisor sees it, through all its restarts."""

    def __init__(self, settings: Settings, shelf: Shelf[str]) -> None:
        self.ready = asyncio.Event()
        self._shelf = shelf
        self._settings = settings
        self._channel: asyncio.StreamWriter | None = None
        self._counts: asyncio.Future[Statistics] | None = None

    async def run(self, workers: list["_Worker"]) -> None:
        """Start the worker, again and again with backoff, until cancelled."""
        waits: Iterator[float] = iter(())
        while True:
            started_s = time.monotonic()
            code = await self._run_once(workers)
            if time.monotonic() - started_s > STEADY_AFTER_S:
                waits = iter(())
            wait_s = next(waits, 0.0)
            if not wait_s:
                waits = delays(random.random)
            log.error("a worker ended with code %s; restarting it in %.1f s", code, wait_s)
            await asyncio.sleep(wait_s)

    async def _run_once(self, workers: list["_Worker"]) -> int:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", __name__, str(theirs.fileno()), pass_fds=[theirs.fileno()]
            )
        reader, self._channel = await asyncio.open_connection(sock=ours, limit=LINE_LIMIT_BYTES)
        self._send({"settings": self._settings.model_dump(mode="json")})
        try:
            await self._converse(reader, workers)
            return await process.wait()
        except asyncio.CancelledError:
            await _terminate(process)
            raise
        finally:
            self._channel.close()
            self._channel = None

    async def _converse(self, reader: asyncio.StreamReader, workers: list["_Worker"]) -> None:
        """Answer the worker until it closes the channel."""
        async with asyncio.TaskGroup() as answers:
            with suppress(ConnectionError):
                while line := await reader.readline():
                    message = orjson.loads(line)
                    if "ready" in message:
                        self.ready.set()
                    elif "counts" in message and self._counts and not self._counts.done():
                        self._counts.set_result(Statistics(*message["counts"]))
                    elif "publish" in message:
                        self._relay(message, workers)
                    elif "keep" in message:
                        self._keep(*message["keep"])
                    elif "find" in message:
                        self._find(message["find"])
                    elif "sum" in message:  # a task: this worker's own count comes through here
                        answers.create_task(self._say_total(workers))

    def _keep(self, token: str, text: str, owner: str) -> None:
        put = self._shelf.put(token, text, len(text), owner=owner, now_s=time.monotonic())
        self._send({"kept": [token, owner], "put": list(put)})

    def _find(self, token: str) -> None:
        self._send({"found": token, "text": self._shelf.get(token, time.monotonic())})

    def _relay(self, message: dict[str, Any], workers: list["_Worker"]) -> None:
        for other in workers:
            if other is not self:
                other._send(message)

    async def _say_total(self, workers: list["_Worker"]) -> None:
        self._send({"total": await _total(workers)})

    async def counts(self) -> Statistics | None:
        """Ask the worker for its counts; ``None`` if it does not answer in time."""
        if self._channel is None:
            return None
        if self._counts is None or self._counts.done():
            self._counts = asyncio.get_running_loop().create_future()
            self._send({"count": True})
        try:
            async with asyncio.timeout(COUNT_WITHIN_S):
                return await asyncio.shield(self._counts)
        except TimeoutError:
            return None

    def _send(self, message: dict[str, Any]) -> None:
        if self._channel is not None:
            self._channel.write(orjson.dumps(message) + b"\n")


async def _total(workers: list[_Worker]) -> list[float]:
    """Return the sum of the counts of all workers that answer in time."""
    counts = await asyncio.gather(*(worker.counts() for worker in workers))
    total = Statistics()
    for count in filter(None, counts):
        total = total.plus(count)
    return list(total)


async def _terminate(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


class _Supervisor:
    """The supervisor as a worker sees it; the server's `Peers`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._total: asyncio.Future[Statistics] | None = None
        self._asked: dict[tuple[str, ...], asyncio.Future[Any]] = {}

    def announce(self, _url: str) -> None:
        """Say that connections are accepted."""
        self._send({"ready": True})

    def relay(self, message: Message) -> None:
        """Hand a message to the embedded brokers of the other workers."""
        body = base64.b64encode(message.body).decode()
        self._send({"publish": [message.exchange, message.routing_key, body, message.cc]})

    async def run(self, own: Callable[[], Statistics], publish: Publish | None) -> None:
        """Say this worker's counts whenever asked; return when the supervisor is gone."""
        with suppress(ConnectionError):
            while line := await self._reader.readline():
                message = orjson.loads(line)
                if "count" in message:
                    self._send({"counts": list(own())})
                elif "publish" in message and publish is not None:
                    publish(_message(*message["publish"]))
                elif "kept" in message:
                    self._answered("keep", *message["kept"], answer=Put(*message["put"]))
                elif "found" in message:
                    self._answered("find", message["found"], answer=message["text"])
                elif self._total is not None and not self._total.done():
                    self._total.set_result(Statistics(*message["total"]))

    async def total(self, own: Statistics) -> Statistics:
        """Return the counts of all workers; of this one alone if the supervisor is too slow."""
        if self._total is None or self._total.done():
            self._total = asyncio.get_running_loop().create_future()
            self._send({"sum": True})
        try:
            async with asyncio.timeout(2 * COUNT_WITHIN_S):
                return await asyncio.shield(self._total)
        except TimeoutError:
            return own

    async def keep(self, token: str, text: str, owner: str) -> Put | None:
        """Put ``text`` where all workers find it; too slow a supervisor leaves it here alone."""
        answer: Put | None = await self._ask([token, text, owner], "keep", token, owner)
        return answer

    async def find(self, token: str) -> str | None:
        """Return what a worker put there."""
        answer: str | None = await self._ask(token, "find", token)
        return answer

    async def _ask(self, content: Any, *question: str) -> Any:
        """Return the supervisor's answer; ``None`` if it is too slow."""
        answer = self._asked.get(question)
        if answer is None:
            answer = asyncio.get_running_loop().create_future()
            self._asked[question] = answer
            self._send({question[0]: content})
        try:
            async with asyncio.timeout(COUNT_WITHIN_S):
                return await asyncio.shield(answer)
        except TimeoutError:
            self._asked.pop(question, None)
            return None

    def _answered(self, *question: str, answer: Any) -> None:
        asked = self._asked.pop(question, None)
        if asked is not None and not asked.done():
            asked.set_result(answer)

    def _send(self, message: dict[str, Any]) -> None:
        self._writer.write(orjson.dumps(message) + b"\n")


def _message(exchange: str, routing_key: str, body: str, cc: list[str]) -> Message:
    return Message(exchange, routing_key, base64.b64decode(body), tuple(cc))


async def _work(descriptor: int) -> None:
    """Be a worker whose supervisor is at the other end of ``descriptor``."""
    channel = socket.socket(fileno=descriptor)
    reader, writer = await asyncio.open_connection(sock=channel, limit=LINE_LIMIT_BYTES)
    # Not read and checked again: the environment and the config file may say something else now.
    settings = Settings.model_construct(**orjson.loads(await reader.readline())["settings"])
    configure_logging(settings.log_level, settings.log_format)
    listening = open_socket(settings.host, settings.port, shared=True)
    await serve(settings, listening, _Supervisor(reader, writer))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_work(int(sys.argv[1])))
