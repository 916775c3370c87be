"""The streams that get the same bytes, and what is pending for them.

Owns who waits for ``ready`` and who had it, which bindings are missing, and the frames of the next
flush.  Knows neither how messages are matched nor what the broker is asked for.
"""

from typing import TYPE_CHECKING

from pulse_events.bindings import Binding, BindingSet
from pulse_events.errors import PulseEventsError
from pulse_events.wire.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulse_events.hub.ports import Stream


class Audience:
    """All streams with the same bindings and form.

    A stream is in exactly one of `streams` and `waiting` from `join` to its end.  Nothing is
    pending unless there are streams to write it to.  Nobody else changes any of this.
    """

    __slots__ = ("append", "bindings", "missing", "pending", "streams", "waiting", "wire")

    def __init__(self, bindings: BindingSet, wire: Wire) -> None:
        self.bindings = bindings
        self.wire = wire
        self.streams: set[Stream] = set()
        """Those that had ``ready``."""
        self.waiting: set[Stream] = set()
        """Those that have not: some binding is not in force yet."""
        self.missing: set[Binding] = set()
        """What the broker has yet to confirm."""
        self.pending: list[bytes] = []
        """Frames for `streams`."""
        # The list's own: a method of ours would cost 20 ns more, for each message and audience.
        self.append: Callable[[bytes], None] = self.pending.append
        """Let `streams`, of which there must be some, have a frame at the next flush."""

    def join(self, stream: "Stream") -> None:
        """Add a stream; it gets ``ready`` now, or when nothing is missing."""
        stream.audience = self
        if self.missing:
            self.waiting.add(stream)
        else:
            self.streams.add(stream)
            stream.write(self.wire.ready)

    def leave(self, stream: "Stream") -> None:
        """Remove a stream, which gets nothing any more."""
        self.streams.discard(stream)
        self.waiting.discard(stream)
        if not self.streams:
            self.pending.clear()  # else who comes next would get it, and miss what follows
        stream.audience = None

    @property
    def is_empty(self) -> bool:
        """Whether it has no stream at all."""
        return not self.streams and not self.waiting

    def miss(self, binding: Binding) -> None:
        """Note that ``binding`` is not in force: who comes from now on waits for it."""
        self.missing.add(binding)

    def confirm(self, binding: Binding) -> None:
        """Note that ``binding`` is in force; who waits is ready if it was the last one missing."""
        self.missing.discard(binding)
        if not self.missing:
            for stream in self.waiting:
                stream.write(self.wire.ready)
            self.streams |= self.waiting
            self.waiting.clear()

    def pending_bytes(self) -> int:
        """Return about how many bytes a flush would be for all streams together."""
        return sum(map(len, self.pending)) * len(self.streams) // self.wire.shrinks

    def flush(self) -> int:
        """Write what is pending: one chunk, the same bytes object to each stream.

        Returns:
            How many bytes that was for all of them together.
        """
        chunk = self.wire.encode(b"".join(self.pending))
        self.pending.clear()
        for stream in self.streams:
            stream.write(chunk)
        return len(chunk) * len(self.streams)

    def end(self, reason: PulseEventsError) -> int:
        """End all streams; return how many they were."""
        return self._end((*self.streams, *self.waiting), reason)

    def end_ready(self, reason: PulseEventsError) -> int:
        """End those that had ``ready``, return how many they were; the others go on waiting."""
        return self._end(tuple(self.streams), reason)

    def _end(self, streams: "tuple[Stream, ...]", reason: PulseEventsError) -> int:
        for stream in streams:
            self.leave(stream)
            stream.end(reason)
        return len(streams)
