"""Connections that are no streams yet, in whose name they are, and which of them makes room.

A connection that waits for its client (for a request, its rest, or that an answer is taken) costs a
descriptor and does nothing with it.  When there are no more, the one goes that has waited longest
of the address that has most of such; who has few keeps them.  Pure; each step takes constant time.
"""

from typing import Protocol


class Occupant(Protocol):
    """A connection; what it is here, `Places` alone changes."""

    address: str
    has_place: bool
    is_waiting: bool

    def abort(self) -> None:
        """Close the connection now, without a word."""


class Places:
    """The connections of the process that are no streams."""

    def __init__(self) -> None:
        self._count = 0
        self._of_address: dict[str, int] = {}
        self._waiting: dict[str, dict[Occupant, None]] = {}  # by address; longest first
        self._levels: list[dict[str, None]] = [{}]
        """The addresses that have so many waiting, by how many; each level's oldest first."""

    def __len__(self) -> int:
        """Number of all."""
        return self._count

    def count(self, address: str) -> int:
        """Return how many an address has."""
        return self._of_address.get(address, 0)

    def take(self, occupant: Occupant) -> None:
        """Add a connection, which waits for its client."""
        occupant.has_place = True
        self._count += 1
        self._of_address[occupant.address] = self._of_address.get(occupant.address, 0) + 1
        self.wait(occupant)

    def wait(self, occupant: Occupant) -> None:
        """Note that a connection waits for its client from now on."""
        if not occupant.has_place:
            return  # made room meanwhile, or a stream
        self.serve(occupant)
        occupant.is_waiting = True
        waiting = self._waiting.setdefault(occupant.address, {})
        waiting[occupant] = None
        self._move(occupant.address, len(waiting) - 1, len(waiting))

    def serve(self, occupant: Occupant) -> None:
        """Note that a connection's client waits for the server."""
        if not occupant.is_waiting:
            return
        occupant.is_waiting = False
        waiting = self._waiting[occupant.address]
        del waiting[occupant]
        if not waiting:
            del self._waiting[occupant.address]
        self._move(occupant.address, len(waiting) + 1, len(waiting))

    def leave(self, occupant: Occupant) -> None:
        """Forget a connection, if it is known."""
        if not occupant.has_place:
            return
        self.serve(occupant)
        occupant.has_place = False
        self._count -= 1
        left = self._of_address.pop(occupant.address) - 1
        if left:
            self._of_address[occupant.address] = left

    def make_room(self) -> bool:
        """Close one that waits for its client; return whether there was any."""
        address = next(iter(self._levels[-1]), None)
        if address is None:
            return False
        occupant = next(iter(self._waiting[address]))
        self.leave(occupant)
        occupant.abort()
        return True

    def _move(self, address: str, old: int, new: int) -> None:
        """Put an address that had ``old`` waiting to those that have ``new``, one more or less."""
        if old:
            del self._levels[old][address]
        if new == len(self._levels):
            self._levels.append({})
        if new:
            self._levels[new][address] = None
        while len(self._levels) > 1 and not self._levels[-1]:
            self._levels.pop()
