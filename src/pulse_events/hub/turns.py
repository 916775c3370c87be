"""Whose turn it is: owners one after the other, and the streams of each one after the other."""

from pulse_events.hub.ports import Stream


class Turns:
    """Streams that wait for their turn; each at most once."""

    def __init__(self) -> None:
        self._streams: dict[str, dict[Stream, None]] = {}

    def __bool__(self) -> bool:
        """Tell whether any stream waits."""
        return bool(self._streams)

    def add(self, stream: Stream) -> None:
        """Put ``stream`` at the end of its owner's line, unless it waits already."""
        self._streams.setdefault(stream.owner, {}).setdefault(stream)

    def discard(self, stream: Stream) -> None:
        """Take ``stream`` out, if it waits."""
        line = self._streams.get(stream.owner)
        if line is not None:
            line.pop(stream, None)
            if not line:
                del self._streams[stream.owner]

    def take(self) -> Stream:
        """Return the stream whose turn it is, of which there must be one; it waits no longer."""
        owner = next(iter(self._streams))
        line = self._streams.pop(owner)
        stream = next(iter(line))
        del line[stream]
        if line:
            self._streams[owner] = line  # behind all others
        return stream
