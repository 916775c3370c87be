"""The streams that get the same bytes, and what is pending for them.

Owns who waits for ``ready`` and who had it, which bindings are missing, and the frames of the next
flush.  Knows neither how messages are matched nor what the broker is asked for.
"""

from typing import TYPE_CHECKING

from pulse_events.bindings import Binding, BindingSet
from pulse_events.wire.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulse_events.hub.ports import Stream
    from pulse_events.hub.reading import Start


class Audience:
    """All streams with the same bindings and form.

    A stream is in exactly one of `waiting`, `behind` and `streams` from `join` to its end, but for
    the moment between the first and the others.  Nothing is pending unless there are streams to
    write it to.  Nobody else changes any of this.
    """

    __slots__ = (
        "append",
        "behind",
        "bindings",
        "missing",
        "pending",
        "pending_after",
        "streams",
        "waiting",
        "wire",
    )

    def __init__(self, bindings: BindingSet, wire: Wire) -> None:
        self.bindings = bindings
        self.wire = wire
        self.streams: set[Stream] = set()
        """Those that are live: they had ``ready``, and all that followed it but what is pending."""
        self.waiting: dict[Stream, Start] = {}
        """Those that had no ``ready``, as some binding is not in force yet, or the log is not read
        so far; where they begin."""
        self.behind: set[Stream] = set()
        """Those that read the history."""
        self.missing: set[Binding] = set()
        """What the broker has yet to confirm."""
        self.pending: list[bytes] = []
        """Frames for `streams`."""
        self.pending_after = 0
        """The position in the history that they follow."""
        # The list's own: a method of ours would cost 20 ns more, for each message and audience.
        self.append: Callable[[bytes], None] = self.pending.append
        """Let `streams` have a frame at the next flush; `begin_pending` goes before the first."""

    def join(self, stream: "Stream", start: "Start") -> bool:
        """Add a stream; return whether it can begin, or is to wait as something is missing."""
        stream.audience = self
        if self.missing:
            self.wait(stream, start)
        return not self.missing

    def wait(self, stream: "Stream", start: "Start") -> None:
        """Let a stream that had no ``ready`` wait for it."""
        self.waiting[stream] = start

    def end_wait(self, stream: "Stream") -> "Start":
        """Let a stream wait no more; return where it begins."""
        return self.waiting.pop(stream)

    def go_live(self, stream: "Stream") -> None:
        """Let a stream have all that comes from now on; nothing may be pending."""
        assert not self.pending
        self.behind.discard(stream)
        self.streams.add(stream)

    def begin_pending(self, position: int) -> None:
        """Note that what is appended next is pending for `streams` from there on."""
        assert self.streams
        self.pending_after = position - 1

    def fall_behind(self, stream: "Stream") -> None:
        """Let a stream have nothing of what comes: it is to read the history."""
        self.streams.discard(stream)
        self.behind.add(stream)
        self._drop_pending()

    def leave(self, stream: "Stream") -> None:
        """Remove a stream, which gets nothing any more."""
        self.streams.discard(stream)
        self.waiting.pop(stream, None)
        self.behind.discard(stream)
        self._drop_pending()
        stream.audience = None

    def _drop_pending(self) -> None:
        if not self.streams:
            self.pending.clear()  # else who comes next would get it, and miss what follows

    @property
    def is_empty(self) -> bool:
        """Whether it has no stream at all."""
        return not (self.streams or self.waiting or self.behind)

    def miss(self, binding: Binding) -> None:
        """Note that ``binding`` is not in force: who comes from now on waits for it."""
        self.missing.add(binding)

    def confirm(self, binding: Binding) -> "dict[Stream, Start]":
        """Note that ``binding`` is in force; return who can begin, if it was the last missing."""
        self.missing.discard(binding)
        if self.missing:
            return {}
        ready, self.waiting = self.waiting, {}
        return ready

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

    def everybody(self) -> "tuple[Stream, ...]":
        """Return all its streams."""
        return (*self.streams, *self.behind, *self.waiting)
