"""Whose turn it is: owners one after the other, and the streams of each one after the other."""

from pulse_events.hub.ports import Stream


class StreamTurns:
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


class Line:
    """Streams that wait, with what they wait for: one owner after the other has its turn."""

    def __init__(self) -> None:
        self.values: dict[Stream, int] = {}
        self._turns = StreamTurns()

    def __len__(self) -> int:
        """Number of streams."""
        return len(self.values)

    def add(self, stream: Stream, value: int) -> None:
        """Put ``stream`` at its owner's end."""
        self.values[stream] = value
        self._turns.add(stream)

    def discard(self, stream: Stream) -> None:
        """Take ``stream`` out, if it waits."""
        self.values.pop(stream, None)
        self._turns.discard(stream)

    def next(self) -> Stream:
        """Return whose turn it is, of which there must be one; it waits on."""
        stream = self._turns.take()
        self._turns.add(stream)
        return stream
