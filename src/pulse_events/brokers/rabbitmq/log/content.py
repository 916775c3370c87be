"""Deliveries of a stream: what `Content` reads, and the offset at which each stands."""

from struct import Struct

from pulse_events.brokers.rabbitmq.content import Content

_OFFSET_FIELD = b"\x0fx-stream-offsetl"
"""Its name in the table of headers, and the sign of a 64-bit number."""
_OFFSET = Struct(">q")


class StreamContent(Content):
    """The delivery of a stream that is being received."""

    offset = -1
    """Where in the stream it is; -1 if the broker does not say."""

    def add_header(self, data: bytes, start: int, end: int) -> None:
        """Take a header; see `Content`."""
        # The broker's own header comes first; others nobody but us could have written.
        at = data.find(_OFFSET_FIELD, start, end) + len(_OFFSET_FIELD)
        is_there = at >= len(_OFFSET_FIELD) and at + _OFFSET.size <= end
        self.offset = _OFFSET.unpack_from(data, at)[0] if is_there else -1
        super().add_header(data, start, end)
