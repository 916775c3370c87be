"""Connections that are no streams yet, in whose name they are, and which of them makes room.

A connection that waits for its client (for a request, its rest, or that an answer is taken) costs a
descriptor and does nothing with it.  When there are no more, the one goes that has waited longest
of the address that has most of such; who has few keeps them.  Pure; each step takes constant time.
"""

from collections import Counter
from typing import Protocol


class Place(Protocol):
    """A connection."""

    address: str

    def abort(self) -> None:
        """Close the connection now, without a word."""


class Places:
    """The connections of the process that are no streams."""

    def __init__(self) -> None:
        self._places: set[Place] = set()
        self._of_address: Counter[str] = Counter()
        self._waiting: dict[str, dict[Place, None]] = {}  # by address; longest first
        self._levels: list[dict[str, None]] = [{}]
        """The addresses that have so many waiting, by how many; each level's oldest first."""

    def __len__(self) -> int:
        """Number of all."""
        return len(self._places)

    def count(self, address: str) -> int:
        """Return how many an address has."""
        return self._of_address[address]

    def take(self, place: Place) -> None:
        """Add a connection, which waits for its client."""
        self._places.add(place)
        self._of_address[place.address] += 1
        self.wait(place)

    def wait(self, place: Place) -> None:
        """Note that a connection waits for its client from now on."""
        if place not in self._places:
            return  # made room meanwhile, or a stream
        self.serve(place)
        waiting = self._waiting.setdefault(place.address, {})
        waiting[place] = None
        self._move(place.address, len(waiting) - 1, len(waiting))

    def serve(self, place: Place) -> None:
        """Note that a connection's client waits for the server."""
        waiting = self._waiting.get(place.address, {})
        if place in waiting:
            del waiting[place]
            self._move(place.address, len(waiting) + 1, len(waiting))
        if not waiting:
            self._waiting.pop(place.address, None)

    def leave(self, place: Place) -> None:
        """Forget a connection, if it is known."""
        if place not in self._places:
            return
        self.serve(place)
        self._places.remove(place)
        self._of_address[place.address] -= 1
        if not self._of_address[place.address]:
            del self._of_address[place.address]

    def make_room(self) -> bool:
        """Close one that waits for its client; return whether there was any."""
        address = next(iter(self._levels[-1]), None)
        if address is None:
            return False
        place = next(iter(self._waiting[address]))
        self.leave(place)
        place.abort()
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
