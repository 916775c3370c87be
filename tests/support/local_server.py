"""The server inside the test process: the real composition, on a loop in a thread of its own.

Gives what the console script hides: the embedded broker to publish any bytes to, the objects that
live in the loop, and limits short enough to wait for.  Everything from the socket on is the real
thing; only the process's signals are not.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pulse_events.brokers.memory import Memory
from pulse_events.configuration.settings import Settings
from pulse_events.hub.ports import Broker
from pulse_events.hub.statistics import Statistics
from pulse_events.messages import Message
from pulse_events.process.loops import new_event_loop
from pulse_events.process.peers import Alone, Publish
from pulse_events.process.server import PARTS, Parts, serve
from tests.support.waiting import wait_until

T = TypeVar("T")
_WITHIN_S = 10.0


class _Watch(Alone):
    """Keeps the URL and the way to the counts."""

    def __init__(self) -> None:
        self.url: Future[str] = Future()
        self.counts: Callable[[], Statistics] | None = None
        super().__init__(self.url.set_result)

    async def run(self, own: Callable[[], Statistics], publish: Publish | None) -> None:
        self.counts = own
        await super().run(own, publish)


class LocalServer:
    """One running server; made by `local_server`."""

    def __init__(self, broker: Broker | None, parts: dict[str, Any], **settings: Any) -> None:
        self.port = 0
        self._settings = Settings.model_construct(**{"port": 0} | settings)
        self._watch = _Watch()
        self._loop = new_event_loop()
        self._stop = asyncio.Event()
        self._broker = broker or Memory(self._settings.max_message_bytes)
        self._parts = Parts(
            open_broker=lambda _settings: self._broker, stop_signal=lambda: self._stop, **parts
        )
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)

    def start(self) -> None:
        """Run until `stop`; return when connections are accepted and the broker runs."""
        self._thread.start()
        self.port = urlsplit(self._watch.url.result(_WITHIN_S)).port or 0
        wait_until(lambda: self.call(self._is_up), "the server runs")

    def stop(self) -> None:
        """Drain and end, as SIGTERM does."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_WITHIN_S)
        assert not self._thread.is_alive(), "the server did not end"

    def call(self, function: Callable[[], T], *, within_s: float = _WITHIN_S) -> T:
        """Return what ``function`` returns when the loop calls it."""
        answer: Future[T] = Future()
        self._loop.call_soon_threadsafe(lambda: answer.set_result(function()))
        return answer.result(within_s)

    def publish(self, *messages: Message) -> None:
        """Publish ``messages`` in one turn of the loop."""
        publish = self._broker.publish
        assert publish is not None

        def publish_all() -> None:
            for message in messages:
                publish(message)

        self.call(publish_all)

    def say(self, exchange: str, routing_key: str, body: bytes = b"{}", **others: Any) -> None:
        """Publish one message."""
        self.publish(Message(exchange, routing_key, body, **others))

    def counts(self) -> Statistics:
        """Return the process's counts."""
        assert self._watch.counts is not None
        return self.call(self._watch.counts)

    def tasks(self) -> int:
        """Return how many tasks the loop has."""
        return self.call(lambda: len(asyncio.all_tasks(self._loop)))

    def _is_up(self) -> bool:
        return self._broker.health.connected and self._watch.counts is not None

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            with socket.create_server(("127.0.0.1", self._settings.port)) as listening:
                runner.run(serve(self._settings, listening, self._watch, self._parts))


@contextmanager
def local_server(
    limits: dict[str, dict[str, float]] | None = None,
    broker: Broker | None = None,
    connections: int | None = None,
    **settings: Any,
) -> Iterator[LocalServer]:
    """Run a server for the block.

    Args:
        limits: Arguments for the parts that `server.py` puts together, by class name:
            ``{"HttpServer": {"idle_s": 0.2}}``.
        broker: Instead of an embedded one.
        connections: How many there may be, instead of what the descriptors allow.
        settings: Values of `Settings`, not checked.
    """
    makers = {part.name: getattr(PARTS, part.name) for part in fields(PARTS)}
    parts: dict[str, Any] = {
        part: partial(maker, **limits[maker.__name__])
        for part, maker in makers.items()
        if limits and maker.__name__ in limits
    }
    if connections is not None:
        parts["connections_limit"] = lambda _descriptors: connections
    local = LocalServer(broker, parts, **settings)
    local.start()
    try:
        yield local
    finally:
        local.stop()  # once more does no harm
