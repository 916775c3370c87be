"""The way in: a place for each connection, or a refusal that its client can read.

Knows transports and addresses, nothing of requests.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from pulse_events.access.limits import Admission
from pulse_events.errors import AddressLimitReached, Count, LimitReached
from pulse_events.web.answers import raw_answer, status_of
from pulse_events.web.places import Places

FAREWELL_S = 1.0
"""How long a client is listened to that was answered before it had sent its request."""


class Door:
    """Lets connections in.

    Args:
        admission: Says who a peer is, and how many connections it may have.
        refused: Where it counts what it refuses.
        connections_limit: Of all connections; those of streams are not counted here, but by
            ``streams``.
        streams: Returns how many streams there are.
        refused_stream_closed: Closes a stream that has had its refusal, to make room; tells whether
            there was any.
    """

    def __init__(
        self,
        admission: Admission,
        refused: Counter[Count],
        *,
        connections_limit: int,
        streams: Callable[[], int],
        refused_stream_closed: Callable[[], bool],
    ) -> None:
        self._admission = admission
        self._refused = refused
        self._connections_limit = connections_limit
        self._streams = streams
        self._refused_stream_closed = refused_stream_closed
        self.places = Places()

    def address_of(self, peer: str | None) -> str:
        """Return what a peer is counted by."""
        return self._admission.address_of(peer)

    def check(self, peer: str | None, address: str) -> None:
        """Make sure that there is a place for one more connection of ``peer``.

        Raises:
            AddressLimitReached: The peer has as many as it may have.
            LimitReached: There is none, and none that could be given up.
        """
        limit, count = self._admission.connections_limit(peer), self.places.count(address)
        if count >= limit:
            raise AddressLimitReached(
                f"{address} has {count} connections open that are no streams, the limit is "
                f"{limit}; close some, or use those there are for more than one request",
                Count.REFUSED_CONNECTIONS_OF_ADDRESS,
            )
        if not self._has_room():
            text = "this server has no room for another connection; try again later"
            raise LimitReached(text, Count.REFUSED_CONNECTIONS)

    def refuse(self, reason: LimitReached, transport: asyncio.Transport, address: str) -> None:
        """Tell a client that its connection is one too many, and close it.

        Without delay if the server has too many: it needs the descriptor.
        """
        self._refused[reason.counted_as] += 1
        answer = raw_answer(status_of(reason), str(reason))
        if isinstance(reason, AddressLimitReached) and self._has_room():
            self.dismiss(transport, address, answer)
            return
        transport.set_protocol(asyncio.Protocol())
        transport.write(answer)
        transport.close()

    def dismiss(self, transport: asyncio.Transport, address: str, answer: bytes) -> None:
        """Answer on a connection that has no place, and close it when its client can know."""
        _Farewell(self.places, transport, address).begin(answer)

    def _has_room(self) -> bool:
        """Tell whether there is a place for one more, after one was given up if need be."""
        if len(self.places) + self._streams() < self._connections_limit:
            return True
        made = self._refused_stream_closed() or self.places.make_room()
        self._refused[Count.DISPLACED_CONNECTIONS] += made
        return made


class _Farewell(asyncio.Protocol):
    """A connection that was answered while its client still sends.

    Closed with something unread, the kernel would throw the answer away: so for a moment what
    comes is read, and ignored.
    """

    def __init__(self, places: Places, transport: asyncio.Transport, address: str) -> None:
        self.address = address
        self.has_place = self.is_waiting = False
        self._places = places
        self._transport = transport

    def begin(self, answer: bytes) -> None:
        """Answer on a connection that had another protocol."""
        self._places.take(self)
        self._transport.set_protocol(self)
        self._transport.write(answer)
        self._transport.write_eof()
        self._transport.resume_reading()
        asyncio.get_running_loop().call_later(FAREWELL_S, self._transport.abort)

    def abort(self) -> None:
        """Close the connection now; see `Occupant`."""
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._places.leave(self)
