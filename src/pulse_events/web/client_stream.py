"""One stream's protocol after it left aiohttp: buffer limit, order of its bytes, end.

A stream costs one protocol object and a place in two sets.  It has no task, no timer and no buffer
of its own; what the kernel does not take waits in the transport.
"""

import asyncio
import os
from typing import TYPE_CHECKING

from aiohttp import web

from pulse_events.cursors import NONE
from pulse_events.errors import PulseEventsError, StreamEnded
from pulse_events.web import kernel
from pulse_events.web.answers import raw_answer, status_of
from pulse_events.wire.wire import Wire

if TYPE_CHECKING:
    from pulse_events.hub.audience import Audience
    from pulse_events.web.streams import Streams

RECEIVED_LIMIT_BYTES = 64 << 10
"""What a client may send behind its request, and as much behind the end: nothing is expected."""
_TOO_TALKATIVE = StreamEnded(
    f"the client sent more than {RECEIVED_LIMIT_BYTES} bytes behind its request"
)


class ClientStream(asyncio.Protocol):
    """One client's connection; the hub's `Stream`."""

    __slots__ = (
        "_behind",
        "_descriptor",
        "_received_bytes",
        "_streams",
        "_transport",
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
        self._behind = transport.get_write_buffer_size() > 0
        """Some bytes wait in the transport; what follows must wait behind them."""

    def begin(self) -> None:
        """Send the head of the response."""
        self.write(self.wire.head)

    def write(self, chunk: bytes) -> None:
        """Send complete events, encoded; what the kernel does not take waits in the transport.

        Straight to the kernel: uvloop's queue for the end of the turn costs 0.4 of 2.5 µs a
        write, and there is nothing to join, the hub writes once per flush.
        """
        sent = 0
        if not self._behind or not self._transport.get_write_buffer_size():
            try:
                sent = os.write(self._descriptor, chunk)
            except OSError:  # full; or broken, which the transport finds out for itself
                sent = 0
        if sent < len(chunk):
            self._behind = True
            self._transport.write(memoryview(chunk)[sent:] if sent else chunk)  # not copied

    def end(self, reason: PulseEventsError, cursor: bytes = NONE) -> None:
        """Send an ``error`` event that says ``reason``, then close."""
        self.write(self.wire.error(str(reason), cursor) + self.wire.end)
        self.close()

    def close(self) -> None:
        """Close when the client has read all, or after some seconds; see `Endings`.

        Not before: the kernel would keep what is unread for minutes, counted by nobody.  And it
        would answer what the client still sends with a reset, which may overtake the last event.
        """
        self._transport.write_eof()
        self._streams.closing(self)

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
        """Note that the client leaves more unsent than the limit."""
        # Called from within `write`, where the hub must not be called back.
        asyncio.get_running_loop().call_soon(self._streams.evict, self)

    def resume_writing(self) -> None:
        """Do nothing: a stream over the limit is evicted at once."""

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
        """Close: the client has left, or has read the end; what it has not read waits for it."""
        if kernel.has_read_all(self._transport):
            return False  # the transport closes
        if self.audience is not None:
            self._streams.leave(self)
            self.close()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._streams.lost(self)


class HttpErrorStream(ClientStream):
    """A stream whose client asked for HTTP errors: the head waits for the first thing to send."""

    __slots__ = ("_request",)

    def __init__(
        self,
        streams: "Streams",
        transport: asyncio.Transport,
        wire: Wire,
        request: web.BaseRequest,
    ) -> None:
        super().__init__(streams, transport, wire)
        self._request: web.BaseRequest | None = request

    def begin(self) -> None:
        """Hold the head back until something is to be sent, at the latest the first ping."""

    def write(self, chunk: bytes) -> None:
        """Send complete events, after the head if it has not been sent."""
        if self._request is not None:
            self._request = None
            chunk = self.wire.head + chunk
        super().write(chunk)

    def end(self, reason: PulseEventsError, cursor: bytes = NONE) -> None:
        """Answer with an HTTP error if the head has not been sent, else as any stream."""
        if self._request is None:
            super().end(reason, cursor)
        else:
            self._transport.write(raw_answer(status_of(reason), str(reason), self._request))
            self.close()
