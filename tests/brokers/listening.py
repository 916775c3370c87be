"""What the brokers' tests listen with: a recorder, and a broker that runs for one block."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pulse_events.bindings import Binding
from pulse_events.errors import BindingRefused, MessagesMissed
from pulse_events.hub.ports import Broker, Listener
from pulse_events.messages import Message


class Recorder:
    """A `Listener` that writes down what it is told."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.confirmations: list[Binding] = []
        self.refusals: list[tuple[Binding, str]] = []
        self.losses = 0
        self.misses: list[str] = []
        self.failures: list[tuple[Message, Exception]] = []
        self._news = asyncio.Event()

    def publish(self, message: Message) -> None:
        """See `Listener.publish`."""
        self.messages.append(message)
        self._news.set()

    def confirmed(self, binding: Binding) -> None:
        """See `Listener.confirmed`."""
        self.confirmations.append(binding)
        self._news.set()

    def refused(self, binding: Binding, reason: BindingRefused) -> None:
        """See `Listener.refused`."""
        self.refusals.append((binding, str(reason)))
        self._news.set()

    def lost(self) -> None:
        """See `Listener.lost`."""
        self.losses += 1
        self._news.set()

    def missed(self, reason: MessagesMissed) -> None:
        """See `Listener.missed`."""
        self.misses.append(str(reason))
        self._news.set()

    def failed(self, message: Message, error: Exception) -> None:
        """See `Listener.failed`."""
        self.failures.append((message, error))
        self._news.set()

    async def until(
        self, condition: Callable[[], object], what: str, *, within_s: float = 15.0
    ) -> None:
        """Wait until ``condition()`` is true; it is asked again after each thing told.

        Raises:
            TimeoutError: It was not within ``within_s``; the text names ``what``.
        """
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise TimeoutError(f"not within {within_s} s: {what}") from None


@asynccontextmanager
async def running(broker: Broker, listener: Listener) -> AsyncIterator[None]:
    """Run ``broker`` for the block; its failure fails the block."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(broker.run(listener))
        try:
            yield
        finally:
            task.cancel()
