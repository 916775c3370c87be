"""The processes that share the port with this one, as it sees them."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from pulse_events.hub.statistics import Statistics
from pulse_events.messages import Message
from pulse_events.web.tokens import Put

Publish = Callable[[Message], None]


class Peers(Protocol):
    """The processes that share the port with this one, if any."""

    def announce(self, url: str) -> None:
        """Say that connections are accepted at ``url``."""

    async def run(self, own: Callable[[], Statistics], publish: Publish | None) -> None:
        """Report ``own`` counts when asked; return when this process must stop.

        What another process relays goes to ``publish``, the embedded broker's.
        """

    def relay(self, message: Message) -> None:
        """Hand a message to the embedded brokers of the other processes."""

    async def total(self, own: Statistics) -> Statistics:
        """Return the counts of all processes together."""

    async def keep(self, token: str, text: str, owner: str) -> Put | None:
        """Put ``text`` where the other processes find it (see `tokens.Common`)."""

    async def find(self, token: str) -> str | None:
        """Return what a process put under ``token``."""


class Alone:
    """The only process: nobody asks it, and its counts are all there are."""

    def __init__(self, announce: Callable[[str], None]) -> None:
        self.announce = announce

    async def run(self, own: Callable[[], Statistics], publish: Publish | None) -> None:
        """Wait until cancelled."""
        await asyncio.get_running_loop().create_future()

    async def total(self, own: Statistics) -> Statistics:
        """Return the counts as they are."""
        return own

    async def keep(self, token: str, text: str, owner: str) -> Put | None:
        """Do nothing: nobody else will look for it."""
        return None

    async def find(self, token: str) -> str | None:
        """Return nothing: nobody else has put anything."""
        return None

    def relay(self, message: Message) -> None:
        """Do nothing: nobody else has an embedded broker."""
