"""One stream's protocol after it left aiohttp: buffer limit, order of its bytes, end.

A stream costs one protocol object and a place in two sets.  It has no task and no timer.  A chunk
that the kernel takes in part waits in the transport, what follows in an `Unsent`, which there is
only as long as it is needed: from there it can be taken back, from the transport it could not.
"""

import asyncio
import os
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from pulse_events.cursors import NONE
from pulse_events.errors import PulseEventsError, StreamEnded
from pulse_events.web import kernel
from pulse_events.web.answers import raw_answer, status_of
from pulse_events.web.unsent import Unsent
from pulse_events.wire.wire import Wire

if TYPE_CHECKING:
    from pulse_events.hub.audience import Audience
    from pulse_events.web.streams import Streams

RECEIVED_LIMIT_BYTES = 64 << 10
"""What a client may send behind its request, and as much behind the end: nothing is expected."""
_TOO_TALKATIVE = StreamEnded(
    f"the client sent more than {RECEIVED_LIMIT_BYTES} bytes behind its request"
)


class SilenceAllowed(NamedTuple):
    """How long a client may be silent."""

    silent_s: float
    """In which its machine has said nothing."""
    looks: int
    """So many, before each of its pings, at which it has taken nothing of what waits."""


class ClientStream(asyncio.Protocol):
    """One client's connection; the hub's `Stream`."""

    __slots__ = (
        "_descriptor",
        "_received_bytes",
        "_streams",
        "_transport",
        "_unsent",
        "audience",
        "owner",
        "slot",
        "wire",
    )

    def __init__(self, streams: "Streams", transport: asyncio.Transport, wire: Wire) -> None:
        self.audience: Audience | None = None
        self.wire = wire
        self.owner = ""
        """What the client is counted by, if it was admitted."""
        self.slot = 0
        """Where the ping wheel holds this stream."""
        self._streams = streams
        self._transport = transport
        self._received_bytes = 0
        self._descriptor: int = transport.get_extra_info("socket").fileno()
        # What aiohttp's answers to earlier requests have left there comes first.
        self._unsent = Unsent() if transport.get_write_buffer_size() else None
        """What must wait behind what is in the transport; ``None`` if nothing is there."""

    def begin(self) -> None:
        """Send the head of the response."""
        self._send_head()

    def write(self, chunk: bytes) -> None:
        """Send complete events, encoded; what the kernel does not take waits.

        Straight to the kernel: uvloop's queue for the end of the turn costs 0.4 of 2.5 µs a
        write, and there is nothing to join, the hub writes once per flush.
        """
        if self._unsent is not None:
            self._unsent.add(chunk)
            self._check_unsent()
            return
        try:
            sent = os.write(self._descriptor, chunk)
        except OSError:  # full; or broken, which the transport finds out for itself
            sent = 0
        if sent < len(chunk):
            self._transport.write(memoryview(chunk)[sent:] if sent else chunk)  # not copied
            self._check_unsent()

    def tell(self, chunk: bytes) -> None:
        """Send an event that nothing need wait for."""
        self.write(chunk)

    @property
    def is_blocked(self) -> bool:
        """Whether something waits until the client reads."""
        return self._unsent is not None

    @property
    def unsent_bytes(self) -> int:
        """How much waits until the client reads, beside what the kernel has taken."""
        if self._unsent is None:
            return 0
        return self._transport.get_write_buffer_size() + self._unsent.size_bytes

    def has_been_silent(self, gone: SilenceAllowed, unread: SilenceAllowed) -> bool:
        """Tell whether the client is gone, or does not read; asked before each of its pings.

        Args:
            gone: With one that has yet to acknowledge something, or has nothing to read.
            unread: With one that is there and has no room for what waits.  The longer it has none
                the more seldom the kernel asks for it, and hears of it.
        """
        heard = kernel.heard(self._transport)
        if heard is None:
            return False
        unsent = self._unsent
        if unsent is None:
            return heard.ago_s >= gone.silent_s
        patience = gone if heard.is_owing else unread
        is_stuck = unsent.looks_in_vain(heard.acked_bytes) >= patience.looks
        return is_stuck or heard.ago_s >= patience.silent_s

    def drop(self) -> None:
        """Take back the whole events that the connection has not begun to send."""
        if self._unsent is not None:
            self._unsent.drop()

    def end(self, reason: PulseEventsError, cursor: bytes = NONE) -> None:
        """Send an ``error`` event that says ``reason``, then close."""
        self.write(self.wire.error(str(reason), cursor) + self.wire.end)
        self.close()

    def close(self) -> None:
        """Close when the client has read all, what waits here too, or after long; see `Endings`.

        Not before: the kernel would keep what is unread for minutes, counted by nobody.  And it
        would answer what the client still sends with a reset, which may overtake the last event.
        """
        if self._unsent is None:
            self._transport.write_eof()
        else:
            self._unsent.has_end = True
        self._streams.closing(self, self._transport)

    def close_if_read(self) -> bool:
        """Close an ended stream if its client has read all; return whether it has."""
        is_read = kernel.has_read_all(self._transport)
        if is_read:
            self._transport.close()
        return is_read

    def abort(self) -> None:
        """Close now, whatever is unread: the client sees a broken connection, not an early end."""
        kernel.reset(self._transport)

    def part(self) -> None:
        """Close now; the kernel may go on alone if it has all."""
        if self._transport.get_write_buffer_size():
            self.abort()
        else:
            self._transport.close()

    def pause_writing(self) -> None:
        """Keep what follows: the transport has something that the kernel did not take."""
        if self._unsent is None:
            self._unsent = Unsent()

    def resume_writing(self) -> None:
        """Send what waits, little by little, until the kernel takes no more again."""
        unsent = self._unsent
        assert unsent is not None  # the transport was not empty
        while unsent.size_bytes and self._takes_more():
            self._transport.writelines(unsent.take())
        if not self._takes_more():
            return
        self._unsent = None
        if unsent.has_end:
            self._transport.write_eof()
        else:
            self._streams.drained(self)

    def data_received(self, data: bytes) -> None:
        """Ignore what a client sends behind its request, up to a limit."""
        self._received_bytes += len(data)
        if self._received_bytes <= RECEIVED_LIMIT_BYTES:
            return
        if self.audience is None:  # told already
            self._transport.pause_reading()
        else:
            self._received_bytes = 0
            self._streams.end(self, _TOO_TALKATIVE)

    def eof_received(self) -> bool:
        """Close: the client has left, or has read the end; what it has not read waits for it.

        If it has only closed its side, the body that it gets is whole.
        """
        is_read = kernel.has_read_all(self._transport)
        if self.audience is not None:
            self._streams.leave(self)  # first, so that nothing follows the end
            self.write(self.wire.end)
            self.close()
        return not is_read  # the transport closes if it is

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._streams.lost(self)

    def _send_head(self) -> None:
        if self._unsent is None:
            self.write(self.wire.head)
        else:  # behind what aiohttp has left `write` would let it be taken back with the events
            self._transport.write(self.wire.head)

    def _takes_more(self) -> bool:
        # Closing, it takes everything, and throws it away: the connection is broken.
        return not (self._transport.get_write_buffer_size() or self._transport.is_closing())

    def _check_unsent(self) -> None:
        unsent = self._unsent
        if unsent is None or unsent.is_over:
            return
        if self.unsent_bytes > self._streams.unsent_limit_bytes:
            unsent.is_over = True
            # Called from within `write`, where the hub must not be called back.
            asyncio.get_running_loop().call_soon(self._streams.slow, self)


class HttpErrorStream(ClientStream):
    """A stream whose client asked for HTTP errors: the head waits for the first thing to send."""

    __slots__ = ("_request", "_told")

    def __init__(
        self,
        streams: "Streams",
        transport: asyncio.Transport,
        wire: Wire,
        request: web.BaseRequest,
    ) -> None:
        super().__init__(streams, transport, wire)
        self._request: web.BaseRequest | None = request
        self._told = b""

    def begin(self) -> None:
        """Hold the head back until something is to be sent, at the latest the first ping."""

    def write(self, chunk: bytes) -> None:
        """Send complete events, after the head if it has not been sent."""
        if self._request is not None:
            self._request = None
            self._send_head()
            chunk, self._told = self._told + chunk, b""
        super().write(chunk)

    def tell(self, chunk: bytes) -> None:
        """Send an event, before the next one if the head has not been sent."""
        if self._request is None:
            super().tell(chunk)
        else:
            self._told = chunk

    def end(self, reason: PulseEventsError, cursor: bytes = NONE) -> None:
        """Answer with an HTTP error if the head has not been sent, else as any stream."""
        if self._request is None:
            super().end(reason, cursor)
        else:
            self._transport.write(raw_answer(status_of(reason), str(reason), self._request))
            self.close()
