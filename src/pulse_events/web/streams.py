"""All streams of the process: their limits, their pings over time, and how they end."""

import asyncio
import math
import time
from typing import TYPE_CHECKING

from pulse_events.access.limits import Admission
from pulse_events.errors import PulseEventsError, StreamEnded
from pulse_events.hub.hubs import Hubs
from pulse_events.web import kernel
from pulse_events.web.answers import timestamp
from pulse_events.web.client_stream import ClientStream, SilenceAllowed
from pulse_events.web.endings import LATE_LIMIT, Endings
from pulse_events.web.pings import PingWheel
from pulse_events.web.status import BrokerStatus

if TYPE_CHECKING:
    from pulse_events.wire.wire import Wire

CLOSE_WITHIN_S = 60.0
"""How long the client of an ended stream may take to read the rest, where there are few of them."""

BEHIND_BYTES = 64 << 10
"""With a history, what a stream may leave unsent before it goes on in there.

A thousand that read too slowly hold that much each at most, most of it the same bytes."""

SILENT_PINGS = 3
SILENT_AT_LEAST_S = 10.0
"""How many pings, and how long, a client's acknowledgement is waited for."""

UNREAD_S = 60.0
"""How long a client may read nothing of what waits for it, if that is longer: it may read on as
late as that, and is to see then what it has missed."""

_DRAIN_GAP_S = 0.25
"""Between the ends of two streams, where they are few."""
_DRAIN_STEP_S = 0.02
_DRAIN_LOOK_S = 0.1

_PLACES_PER_LATE = 8
"""There is one late reader of an ended stream for so many streams that there may be."""

_LOOK_S = 0.5
"""At most so long between two looks at what ended streams have read."""


class Streams:
    """All streams of the process.

    Args:
        hub: Is told of the streams that leave.
        admission: Counts those that were admitted.
        status: How the broker is.
        ping_interval_s: Between two pings of a stream.
        unsent_limit_bytes: What the client of one may leave unread, beside what the kernel takes.
        has_history: Whether one that leaves more can go on in it.
        close_within_s: How long the client of one that ended may take to read the rest.
    """

    def __init__(
        self,
        hub: Hubs,
        admission: Admission,
        status: BrokerStatus,
        *,
        ping_interval_s: float,
        unsent_limit_bytes: int,
        has_history: bool = False,
        close_within_s: float = CLOSE_WITHIN_S,
    ) -> None:
        self._hub = hub
        self._admission = admission
        self._has_history = has_history
        limits = (unsent_limit_bytes, BEHIND_BYTES) if has_history else (unsent_limit_bytes,)
        self.unsent_limit_bytes = min(limits)
        self._wheel = PingWheel(ping_interval_s)
        silent_s = max(SILENT_PINGS * ping_interval_s, SILENT_AT_LEAST_S)
        self._gone = self._patience(silent_s, ping_interval_s)
        self._unread = self._patience(max(silent_s, UNREAD_S), ping_interval_s)
        self._status = status
        self._told: set[ClientStream] = set()  # that are told of the broker
        # They have descriptors, so they may not take many of the places that streams have.
        late_limit = min(LATE_LIMIT, admission.limits.streams // _PLACES_PER_LATE)
        self._endings = Endings(close_within_s, late_limit=late_limit)

    def _patience(self, silent_s: float, ping_interval_s: float) -> SilenceAllowed:
        looks = math.ceil(silent_s / ping_interval_s)
        return SilenceAllowed(silent_s - self._wheel.step_s, looks)

    def __len__(self) -> int:
        """Number of streams that are open, or ended and not yet gone from the kernel."""
        return len(self._wheel) + len(self._endings)

    @property
    def ends_unread(self) -> int:
        """How many were cut off before their clients had read the last event."""
        return self._endings.cut

    def make_room(self) -> bool:
        """Close one that was refused; return whether there was any."""
        return self._endings.make_room()

    def add(self, stream: ClientStream, transport: asyncio.Transport) -> None:
        """Take the connection of a new stream; it gets its head, and pings from now on."""
        kernel.limit_silence(transport, 0)  # who reads little is not silent; see `_ping`
        transport.set_protocol(stream)
        transport.resume_reading()  # aiohttp stops where much came behind the request
        transport.set_write_buffer_limits(high=0)  # it says when something waits, and when nothing
        stream.begin()
        self._wheel.add(stream)

    def tell_status(self, stream: ClientStream) -> None:
        """Tell a stream that was given to the hub how the broker is, and of each change."""
        self._look_at_the_broker()
        self._told.add(stream)
        self._tell(stream)

    def closing(self, stream: ClientStream, transport: asyncio.Transport) -> None:
        """Note that ``stream`` has had its last event, which may be read late."""
        self._forget(stream)
        self._endings.add(stream, time.monotonic())

    def leave(self, stream: ClientStream) -> None:
        """Give up a stream whose client has left without reading all."""
        self._hub.leave(stream, time.monotonic())

    def slow(self, stream: ClientStream) -> None:
        """Note that a stream has more unsent than the limit.

        With a history it reads that from now on.  Without one it ends; then the events that wait
        for it are dropped, so that what it has to read before the reason is little.  No other end
        does that: who is refused, or missed something, or sees the server stop, has read what came
        so far, and gets what was there before the end.
        """
        if stream.audience is None:
            return
        if not self._has_history:
            stream.drop()
        reason = StreamEnded(
            f"slow reader: more than {self.unsent_limit_bytes} bytes were unsent; "
            "messages are missing; connect again and read faster, or ask for fewer"
        )
        self._hub.slow(stream, reason, time.monotonic())
        if not self._has_history and stream.owner:
            # Its client may come back before it has read the rest, and must find a place.  To end
            # like this takes megabytes, so that nobody gets many places by it; of all streams it
            # is still one, and `Endings` bounds how many there are for long.
            stream.owner = self._admission.disown(stream.owner)

    def drained(self, stream: ClientStream) -> None:
        """Note that the kernel has taken all that waited for a stream, which is open."""
        self._hub.drained(stream)

    def end(self, stream: ClientStream, reason: PulseEventsError) -> None:
        """End a stream that is open, with an event that says ``reason``."""
        self._hub.end(stream, reason, time.monotonic())

    def lost(self, stream: ClientStream) -> None:
        """Forget a stream whose connection is gone."""
        self._forget(stream)
        self._endings.discard(stream)
        self._hub.leave(stream, time.monotonic())
        if stream.owner:
            self._admission.leave(stream.owner)

    async def run(self) -> None:
        """Send pings, spread over the interval, tell of the broker, and close what has ended."""
        clock, step_s = asyncio.get_running_loop().time, self._wheel.step_s
        due_s, has_more = clock() + step_s, False
        while True:
            await asyncio.sleep(0 if has_more else min(due_s - clock(), _LOOK_S))
            if clock() >= due_s:
                due_s = max(due_s + step_s, clock() - step_s)
                self._ping()
            if not has_more:
                self._endings.close(time.monotonic())
            self._look_at_the_broker()
            has_more = self._hub.tick(time.monotonic())

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
        streams = list(self._wheel)
        gap_s = min(_DRAIN_GAP_S, spread_s / max(1, len(streams)))
        started_s, ended = clock(), 0
        while ended < len(streams):
            due = min(len(streams), 1 + int((clock() - started_s) / gap_s))
            for stream in streams[ended:due]:
                self.end(stream, reason)
            ended = due
            await asyncio.sleep(_DRAIN_STEP_S)
        while len(self) and clock() < started_s + within_s:
            self._endings.close(time.monotonic())
            await asyncio.sleep(_DRAIN_LOOK_S)
        self._endings.part()

    def _forget(self, stream: ClientStream) -> None:
        self._wheel.discard(stream)
        self._told.discard(stream)

    def _look_at_the_broker(self) -> None:
        if self._status.look():
            for stream in tuple(self._told):
                self._tell(stream)

    def _tell(self, stream: ClientStream) -> None:
        status = stream.wire.status(self._status.document(), self._hub.cursor_of(stream))
        # While the broker is lost, there will be no `ready` and no refusal: why is said at once.
        send = stream.tell if self._status.is_ok else stream.write
        send(status)

    def _ping(self) -> None:
        streams = self._wheel.turn()
        if streams:
            now = timestamp()
            pings: dict[tuple[Wire, bytes], bytes] = {}
            for stream in streams:
                # A client whose network is gone acknowledges no ping.
                if stream.has_been_silent(self._gone, self._unread):
                    self._endings.cut_off(stream)
                    continue
                if stream.is_blocked:
                    continue  # it has more to read; and who goes on reading needs no proof of life
                form = stream.wire, self._hub.cursor_of(stream)
                ping = pings.get(form)
                if ping is None:
                    ping = pings[form] = form[0].ping(now, form[1])
                stream.write(ping)
