"""How long one turn of a server's loop takes at most: what a message makes all others wait.

In seconds of the thread's own time: that the machine is busy is no fault of the message.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.local_server import LocalServer


class Turns:
    """The longest turn of a loop."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def _watch(self) -> None:
        then_s = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now_s = time.thread_time()
            self.longest_s = max(self.longest_s, now_s - then_s)
            then_s = now_s

    @contextmanager
    def watched(self, server: LocalServer) -> Iterator[None]:
        """Look at the server's loop for the block."""

        def start() -> None:
            self._task = asyncio.get_running_loop().create_task(self._watch())

        server.call(start)
        yield
        assert self._task is not None
        server.call(self._task.cancel)
