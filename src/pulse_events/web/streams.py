"""One stream's protocol after it left aiohttp: buffer limit, pings, end.

A stream costs one protocol object and a place in two sets.  It has no task, no timer and no buffer
of its own; what the kernel does not take waits in the transport.
"""

import asyncio
import os
import time
from typing import TYPE_CHECKING

from aiohttp import web

from pulse_events.access.limits import Admission
from pulse_events.errors import PulseEventsError, StreamEnded
from pulse_events.hub.hubs import Hubs
from pulse_events.web import kernel
from pulse_events.web.answers import raw_answer, status_of, timestamp
from pulse_events.wire.wire import WIRES, Wire

if TYPE_CHECKING:
    from pulse_events.hub.audience import Audience

CLOSE_WITHIN_S = 5.0
"""How long the client of an ended stream may take to read the rest."""

RECEIVED_LIMIT_BYTES = 64 << 10
"""What a client may send behind its request, and as much behind the end: nothing is expected."""
_TOO_TALKATIVE = StreamEnded(
    f"the client sent more than {RECEIVED_LIMIT_BYTES} bytes behind its request"
)

SILENT_PINGS = 3
SILENT_AT_LEAST_S = 10.0
"""How many pings, and how long, the kernel waits for a client's acknowledgement."""

_DRAIN_GAP_S = 0.25
"""Between the ends of two streams, where they are few."""
_DRAIN_STEP_S = 0.02
_DRAIN_LOOK_S = 0.1

_LOOK_S = 0.5
"""At most so long between two looks at what ended streams have read."""

_PING_STEPS = 64
_PING_SPREAD = 8
"""Streams that come at once get their pings in so many turns, an eighth of the interval early."""
_SHORTEST_STEP_S = 0.05


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

    def end(self, reason: PulseEventsError) -> None:
        """Send an ``error`` event that says ``reason``, then close."""
        self.write(self.wire.error(str(reason)) + self.wire.end)
        self.close()

    def close(self) -> None:
        """Close when the client has read all, or after `CLOSE_WITHIN_S`.

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

    def end(self, reason: PulseEventsError) -> None:
        """Answer with an HTTP error if the head has not been sent, else as any stream."""
        if self._request is None:
            super().end(reason)
        else:
            self._transport.write(raw_answer(status_of(reason), str(reason), self._request))
            self.close()


class Streams:
    """All streams of the process: their pings, their limits and their end."""

    def __init__(
        self,
        hub: Hubs,
        admission: Admission,
        *,
        ping_interval_s: float,
        unsent_limit_bytes: int,
    ) -> None:
        self._hub = hub
        self._admission = admission
        self._silent_s = max(SILENT_PINGS * ping_interval_s, SILENT_AT_LEAST_S)
        self._unsent_limit_bytes = unsent_limit_bytes
        steps = max(1, min(_PING_STEPS, int(ping_interval_s / _SHORTEST_STEP_S)))
        self._step_s = ping_interval_s / steps
        self._slots: list[set[ClientStream]] = [set() for _ in range(steps)]
        self._spread = max(1, steps * _PING_SPREAD // _PING_STEPS)
        self._added = 0
        self._now = 0
        self._closing: dict[ClientStream, float] = {}

    def __len__(self) -> int:
        """Number of streams that are open, or ended and not yet gone from the kernel."""
        return sum(map(len, self._slots)) + len(self._closing)

    def add(self, stream: ClientStream, transport: asyncio.Transport) -> None:
        """Take the connection of a new stream; it gets its head, and pings from now on."""
        # A client whose network is gone acknowledges no ping: the kernel ends the connection.
        kernel.limit_silence(transport, self._silent_s)
        transport.set_protocol(stream)
        transport.resume_reading()  # aiohttp stops where much came behind the request
        transport.set_write_buffer_limits(high=self._unsent_limit_bytes)
        stream.begin()
        # The slot that was served last comes round after just one interval, those before it sooner.
        stream.slot = (self._now - self._added % self._spread) % len(self._slots)
        self._added += 1
        self._slots[stream.slot].add(stream)

    def closing(self, stream: ClientStream) -> None:
        """Note that ``stream`` has had its last event."""
        self._slots[stream.slot].discard(stream)
        self._closing[stream] = time.monotonic() + CLOSE_WITHIN_S

    def leave(self, stream: ClientStream) -> None:
        """Give up a stream whose client has left without reading all."""
        self._hub.leave(stream, time.monotonic())

    def evict(self, stream: ClientStream) -> None:
        """End a stream that leaves too much unread."""
        reason = StreamEnded(
            f"slow reader: more than {self._unsent_limit_bytes} bytes were unsent; "
            "messages are missing; connect again and read faster, or ask for fewer"
        )
        self._hub.evict(stream, reason, time.monotonic())

    def end(self, stream: ClientStream, reason: PulseEventsError) -> None:
        """End a stream that is open, with an event that says ``reason``."""
        self._hub.end(stream, reason, time.monotonic())

    def lost(self, stream: ClientStream) -> None:
        """Forget a stream whose connection is gone."""
        self._slots[stream.slot].discard(stream)
        self._closing.pop(stream, None)
        self._hub.leave(stream, time.monotonic())
        if stream.owner:
            self._admission.leave(stream.owner)

    async def run(self) -> None:
        """Send pings, spread over the interval, and close what has ended."""
        clock = asyncio.get_running_loop().time
        due_s = clock() + self._step_s
        while True:
            await asyncio.sleep(min(due_s - clock(), _LOOK_S))
            if clock() >= due_s:
                due_s = max(due_s + self._step_s, clock() - self._step_s)
                self._ping()
            now_s = time.monotonic()
            self._hub.tick(now_s)
            self._close_ended(now_s)

    async def drain(self, reason: PulseEventsError, spread_s: float, within_s: float) -> None:
        """End every stream with an event that says ``reason``, one after the other.

        Args:
            reason: Why.
            spread_s: Over how long many streams are spread, so that they do not all come back at
                once; a few take less.
            within_s: After how long those are left to the kernel that have not read all, and those
                aborted for whom that would not be all.
        """
        clock = asyncio.get_running_loop().time
        streams = [stream for slot in self._slots for stream in slot]
        gap_s = min(_DRAIN_GAP_S, spread_s / max(1, len(streams)))
        started_s, ended = clock(), 0
        while ended < len(streams):
            due = min(len(streams), 1 + int((clock() - started_s) / gap_s))
            for stream in streams[ended:due]:
                self.end(stream, reason)
            ended = due
            await asyncio.sleep(_DRAIN_STEP_S)
        while len(self) and clock() < started_s + within_s:
            self._close_ended(time.monotonic())
            await asyncio.sleep(_DRAIN_LOOK_S)
        for stream in tuple(self._closing):
            stream.part()

    def _ping(self) -> None:
        self._now = (self._now + 1) % len(self._slots)
        streams = self._slots[self._now]
        if streams:
            now = timestamp()
            pings = {wire: wire.ping(now) for wire in WIRES}
            for stream in streams:
                stream.write(pings[stream.wire])

    def _close_ended(self, now_s: float) -> None:
        for stream, deadline_s in tuple(self._closing.items()):
            if not stream.close_if_read() and deadline_s <= now_s:
                stream.abort()
