"""N processes on one port: started, restarted when they die, stopped together, counted as one.

The supervisor serves nothing.  Each worker is a new program that gets its settings through a
socket pair, so that no password is in its arguments; the same pair carries counts and the bindings
behind tokens (a token is redeemed at whichever worker the kernel picks), and its end tells a worker
that its supervisor is gone.
"""

import asyncio
import base64
import json
import logging
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import orjson

from pulse_events.backoff import delays
from pulse_events.configuration.settings import Settings
from pulse_events.hub.statistics import Statistics, total
from pulse_events.messages import Message
from pulse_events.process.peers import Publish
from pulse_events.process.system import stop_signal, url_of
from pulse_events.process.worker_counts import WorkerCounts
from pulse_events.process.worker_process import Patience, Spawn, WorkerProcess, spawn_worker
from pulse_events.web.tokens import Put, Shelf

log = logging.getLogger(__name__)

COUNT_WITHIN_S = 1.0
"""How long a worker may take to say its counts; then its last ones are the answer.  The supervisor
has as long for an answer about a token."""
LINE_LIMIT_BYTES = 128 << 20
"""Longest message between a worker and its supervisor: the bindings behind a token.  Also what one
of them may leave unread."""
STEADY_AFTER_S = 10.0
"""A worker that lived this long is restarted without delay."""


PATIENCE = Patience()


async def supervise(
    settings: Settings,
    reserved: socket.socket,
    announce: Callable[[str], None],
    patience: Patience = PATIENCE,
    spawn: Spawn = spawn_worker,
) -> None:
    """Run the workers until SIGTERM or SIGINT.

    Args:
        settings: What to serve, and by how many workers.
        reserved: Bound to the address, so that the workers can share its port; does not listen.
        announce: Called with the URL when all workers accept connections.
        patience: How often each worker is asked, and how long one may be silent.
        spawn: Starts the process of a worker.
    """
    stop = stop_signal()
    url, port = url_of(reserved), reserved.getsockname()[1]
    settings, shelf = settings.model_copy(update={"port": port}), Shelf[str]()
    workers = [_Worker(settings, shelf, patience, spawn) for _ in range(settings.workers)]
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
    if workers[0].keeps_history:
        log.warning(
            "each of %d workers has a history of its own, in memory: a client that comes back "
            "finds its own with a chance of 1 in %d, else it is told a gap",
            len(workers),
            len(workers),
        )


class _Worker:
    """One worker as its supervisor sees it, through all its restarts."""

    def __init__(
        self, settings: Settings, shelf: Shelf[str], patience: Patience, spawn: Spawn
    ) -> None:
        self.ready = asyncio.Event()
        self.serves = False
        self.counts = WorkerCounts()
        self._shelf = shelf
        self._settings = settings
        self.keeps_history = settings.history == "memory"
        self._patience = patience
        self._spawn = spawn
        self._channel: asyncio.StreamWriter | None = None
        self._lines_heard = 0

    async def run(self, workers: list["_Worker"]) -> None:
        """Start the worker, again and again with backoff, until cancelled."""
        waits: Iterator[float] = iter(())
        while True:
            started_s = time.monotonic()
            try:
                end = f"ended with code {await self._run_once(workers)}"
            except OSError as error:
                end = f"could not be started: {error}"
            if time.monotonic() - started_s > STEADY_AFTER_S:
                waits = iter(())
            wait_s = next(waits, 0.0)
            if not wait_s:
                waits = delays(random.random)
            log.error("a worker %s; restarting it in %.1f s", end, wait_s)
            await asyncio.sleep(wait_s)

    async def _run_once(self, workers: list["_Worker"]) -> int:
        process, channel = WorkerProcess.start(self._spawn)
        try:
            reader, self._channel = await asyncio.open_connection(
                sock=channel, limit=LINE_LIMIT_BYTES
            )
            # Not by orjson: a file's name may be no UTF-8.
            self._channel.write(json.dumps(self._settings.model_dump(mode="json")).encode() + b"\n")
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(
                    process.watch(self.ask, lambda: self._lines_heard, self._patience)
                )
                await self._converse(reader, workers, tasks)
                watching.cancel()
            self._hang_up()
            return await process.until_ended()
        except BaseException:
            await process.terminate()
            raise
        finally:
            self._hang_up()
            self.counts.ended()

    def _hang_up(self) -> None:
        self.serves = False
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    async def _converse(
        self, reader: asyncio.StreamReader, workers: list["_Worker"], answers: asyncio.TaskGroup
    ) -> None:
        """Answer the worker until it closes the channel, or says what makes no sense."""
        try:
            while line := await reader.readline():
                self._lines_heard += 1
                self._answer(orjson.loads(line), workers, answers)
        except ConnectionError:
            pass
        except ValueError as error:
            log.error("a worker is given up, which says what makes no sense: %s", error)

    def _answer(
        self, message: dict[str, Any], workers: list["_Worker"], answers: asyncio.TaskGroup
    ) -> None:
        if "ready" in message:
            self.serves = True
            self.ready.set()
        elif "counts" in message:
            self.counts.heard(Statistics(*message["counts"]))
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
        # One that is being started has nothing to count yet, and would be waited for.
        questions = [worker.ask() for worker in workers if worker.serves]
        if questions:
            await asyncio.wait(questions, timeout=COUNT_WITHIN_S)
        self._send({"total": list(total(worker.counts.total() for worker in workers))})

    def ask(self) -> "asyncio.Future[None]":
        """Ask the worker for its counts; return what is done with its answer, or with its end."""
        self._send({"count": True})
        return self.counts.asked()

    def _send(self, message: dict[str, Any]) -> None:
        if self._channel is not None:
            _write(self._channel, message)


def _write(
    channel: asyncio.StreamWriter, message: dict[str, Any], *, limit_bytes: int = LINE_LIMIT_BYTES
) -> None:
    """Send a message; give up a channel whose other end does not read."""
    if channel.is_closing():  # uvloop raises, and who reads from it has not had a turn to notice
        return
    if channel.transport.get_write_buffer_size() > limit_bytes:
        channel.transport.abort()
    else:
        channel.write(orjson.dumps(message) + b"\n")


class Supervisor:
    """The supervisor as a worker sees it; the server's `Peers`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._total: asyncio.Future[Statistics] | None = None
        self._last_total = Statistics()
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
                    self._last_total = Statistics(*message["total"])
                    self._total.set_result(self._last_total)

    async def total(self, own: Statistics) -> Statistics:
        """Return the counts of all workers; if the supervisor is too slow, those it said last."""
        if self._total is None or self._total.done():
            self._total = asyncio.get_running_loop().create_future()
            self._send({"sum": True})
        try:
            async with asyncio.timeout(2 * COUNT_WITHIN_S):
                return await asyncio.shield(self._total)
        except TimeoutError:
            return Statistics._make(map(max, zip(self._last_total, own, strict=True)))

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
        _write(self._writer, message)


def _message(exchange: str, routing_key: str, body: str, cc: list[str]) -> Message:
    return Message(exchange, routing_key, base64.b64decode(body), tuple(cc))
