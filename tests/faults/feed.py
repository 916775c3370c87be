"""A publisher with confirms that numbers its messages and goes on over lost connections.

Counts as sent only what the broker confirmed.  What was under way when a connection broke is
neither: it may arrive or not, and is published no second time.
"""

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from typing import Any, Self

import pika
from pika.adapters.asyncio_connection import AsyncioConnection

from tests.support.waiting import wait_until

_STEP_S = 0.01
_CONFIRM_WITHIN_S = 10.0
_UNCONFIRMED_LIMIT = 4000


class Feed:
    """Publishes ``{"n": number, "t": time}`` until stopped: ``with Feed([url], exchange) as feed``.

    Args:
        urls: Brokers that are tried in turn.
        exchange: What to publish to; the routing key is ``n.<number>``.
        rate: Messages per second.
        padding_bytes: How much longer each message is made.
        copies: Whether each has a second key, ``copy.<number>``, in its ``CC`` header.
    """

    def __init__(
        self,
        urls: Sequence[str],
        exchange: str,
        *,
        rate: int = 500,
        padding_bytes: int = 0,
        copies: bool = False,
    ) -> None:
        self._urls = urls
        self._exchange = exchange
        self._rate = rate
        self._padding = {"padding": "x" * padding_bytes} if padding_bytes else {}
        self._copies = copies
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._tags: dict[int, int] = {}
        self.confirmed: set[int] = set()
        self.refused: set[int] = set()
        """RabbitMQ 4 refuses what some queue cannot take; others may have it."""
        self.published_s: list[float] = []
        """When each was, by the monotonic clock."""

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self.confirmed, "a first message is confirmed", within_s=20)
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Publish no more; return when the broker has confirmed what it will."""
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive(), "the feed did not end"

    def goes_on(self, count: int = 100, *, within_s: float = 60.0) -> None:
        """Wait until ``count`` more messages are confirmed or refused."""
        enough = len(self.answered) + count
        wait_until(lambda: len(self.answered) >= enough, "more is answered", within_s=within_s)

    @property
    def published(self) -> int:
        """How many were published, confirmed or not."""
        return len(self.published_s)

    @property
    def answered(self) -> set[int]:
        """What the broker has confirmed or refused."""
        return self.confirmed | self.refused

    def _run(self) -> None:
        asyncio.run(self._publish_until_stopped())

    async def _publish_until_stopped(self) -> None:
        attempt = 0
        while not self._stop.is_set():
            await self._session(self._urls[attempt % len(self._urls)])
            attempt += 1
            await asyncio.sleep(0.1)

    async def _session(self, url: str) -> None:
        """Publish over one connection until it is lost or the feed is stopped."""
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[Any] = loop.create_future()
        ended: asyncio.Future[Any] = loop.create_future()

        def end(*_: object) -> None:
            for future in (opened, ended):
                if not future.done():
                    future.set_result(None)

        def begin(channel: Any) -> None:
            channel.add_on_close_callback(end)
            channel.confirm_delivery(self._confirm, callback=lambda _: opened.set_result(channel))

        parameters = pika.URLParameters(url)
        parameters.connection_attempts = 1
        parameters.socket_timeout = parameters.stack_timeout = 3
        connection = AsyncioConnection(
            parameters,
            on_open_callback=lambda c: c.channel(on_open_callback=begin),
            on_open_error_callback=end,
            on_close_callback=end,
            custom_ioloop=loop,
        )
        channel = await opened
        self._tags.clear()
        if channel is not None:
            await self._publish(channel, ended)
        if not (connection.is_closed or connection.is_closing):
            connection.close()
            await asyncio.wait((ended,), timeout=5)

    async def _publish(self, channel: Any, ended: "asyncio.Future[Any]") -> None:
        due_s = time.monotonic()
        tag = 0
        while not ended.done() and not self._stop.is_set():
            while time.monotonic() >= due_s and len(self._tags) < _UNCONFIRMED_LIMIT:
                if not channel.is_open:
                    return
                tag += 1
                self._tags[tag] = self.published
                now_s = time.monotonic()
                body = json.dumps({"n": self.published, "t": now_s, **self._padding}).encode()
                key, properties = f"n.{self.published}", self._properties()
                self.published_s.append(now_s)
                channel.basic_publish(self._exchange, key, body, properties)
                due_s = max(due_s + 1 / self._rate, time.monotonic() - 0.1)
            await asyncio.sleep(_STEP_S)
        await self._until_confirmed(ended)

    def _properties(self) -> pika.BasicProperties:
        """Return those of the next message."""
        headers = {"CC": [f"copy.{self.published}"]} if self._copies else None
        return pika.BasicProperties(delivery_mode=2, headers=headers)

    async def _until_confirmed(self, ended: "asyncio.Future[Any]") -> None:
        for _ in range(round(_CONFIRM_WITHIN_S / _STEP_S)):
            if not self._tags or ended.done():
                return
            await asyncio.sleep(_STEP_S)

    def _confirm(self, frame: Any) -> None:
        method = frame.method
        is_ack = method.NAME == "Basic.Ack"
        tags = [method.delivery_tag]
        if method.multiple:
            tags = [tag for tag in self._tags if tag <= method.delivery_tag]
        for tag in tags:
            number = self._tags.pop(tag, None)
            if number is not None:
                (self.confirmed if is_ack else self.refused).add(number)
