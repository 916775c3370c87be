"""Lets costly requests in one by one, the addresses in turn; the loop turns in between."""

import asyncio
from collections import OrderedDict, deque


class Turnstile:
    """Who waits for a turn, by address."""

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._is_turning = False

    async def wait(self, address: str) -> None:
        """Return in a turn of the loop in which no other costly request is served."""
        loop = asyncio.get_running_loop()
        mine = loop.create_future()
        self._lines.setdefault(address, deque()).append(mine)
        if not self._is_turning:
            self._is_turning = True
            loop.call_soon(self._turn, loop)
        await mine  # if it is cancelled, its turn passes

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the next address's oldest request in."""
        while self._lines:
            address, line = self._lines.popitem(last=False)
            next_one = line.popleft()
            if line:
                self._lines[address] = line
            if not next_one.done():
                next_one.set_result(None)
                # Not in this turn: those who have their turn run behind what was called before.
                loop.call_soon(loop.call_soon, self._turn, loop)
                return
        self._is_turning = False
