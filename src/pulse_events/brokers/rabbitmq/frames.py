"""Deliveries straight from the bytes: the hot path beside pika, which does everything else.

pika decodes a delivery's three frames through a dozen objects and callbacks, in 17 µs.  Here the
frames of the one consuming channel are read where they lie (AMQP 0-9-1, section 4.2.3), in 4 µs;
methods of other channels go to pika untouched.  ``docs/design.md`` has both figures.

What the broker sends against the protocol ends the connection with a reason.  What a publisher
can make it send does not: RabbitMQ splits bodies at the negotiated frame-max, but not headers, and
of a message that was dead-lettered those are twice what they were published with.
"""

from struct import Struct
from time import perf_counter
from typing import Any, TypeVar

from pika.adapters.asyncio_connection import AsyncioConnection

from pulse_events.brokers.rabbitmq.content import (
    BODY,
    HEADER,
    METHOD,
    Content,
    ProtocolBreach,
    Receive,
)
from pulse_events.messages import DEFAULT_LIMIT_BYTES

AnyContent = TypeVar("AnyContent", bound=Content)

_HEARTBEAT = 8
_KINDS = (METHOD, HEADER, BODY, _HEARTBEAT)
_FRAME_END = 0xCE
_FRAME = Struct(">BHI")  # type, channel, size of the payload
_FRAME_EXTRA = _FRAME.size + 1
_DELIVER = b"\x00\x3c\x00\x3c"  # class basic, method deliver
_FRAME_MAX = 131_072
"""What pika proposes as frame-max; a broker may tune it down."""
_WITHOUT_END = "the broker sent a frame that does not end where it says"
_RECEIVE_BYTES = 64 << 10
_TURN_BYTES = 4 << 20
_TURN_S = 0.02
"""What is read in one turn of the loop, and for how long: some headers take longer than others."""
_SLOW_BYTES = 4 << 10


class FrameConnection(AsyncioConnection):  # type: ignore[misc]  # pika ships no types
    """pika's connection, with a by-pass for the deliveries of one channel."""

    _direct_channel = -1
    _reads_ahead = _read_once = False
    _turn_s = 0.0
    _payload_limit = _FRAME_MAX - _FRAME_EXTRA
    _content: Content = Content(lambda *_delivery: None, 0)
    _dropping_bytes = 0  # of a long header's frame, its end included

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._rest = _Rest()
        super().__init__(*arguments, **options)

    def deliver_directly(
        self,
        channel_number: int,
        receive: Receive,
        body_limit_bytes: int = DEFAULT_LIMIT_BYTES,
        kind: type[AnyContent] = Content,  # type: ignore[assignment]  # the default of any
    ) -> AnyContent:
        """Hand what is delivered on one channel to ``receive`` instead of to pika's callback.

        A longer body than ``body_limit_bytes`` is not even held: the message says so instead.
        Returns what reads the deliveries, one of ``kind``.
        """
        self._direct_channel = channel_number
        content = self._content = kind(receive, body_limit_bytes)
        self._payload_limit = (self.params.frame_max or _FRAME_MAX) - _FRAME_EXTRA
        # pika reads 4 KB at a time, three messages, and 100 KB a turn: in a flood a bind-ok then
        # waits behind a whole prefetch for 25 turns, 50 ms each with 500 streams.
        self.read_slowly(False)
        # TLS holds back what it has decrypted, so there a short read says nothing.
        self._read_once = self.params.ssl_options is None
        return content

    def read_slowly(self, slowly: bool) -> None:
        """Read 4 KB a turn of the loop, enough for heartbeats, or as much as there is again."""
        self._reads_ahead = not slowly
        self._transport._MAX_RECV_BYTES = _SLOW_BYTES if slowly else _RECEIVE_BYTES
        self._transport._MAX_CONSUME_BYTES = 1 if slowly else _TURN_BYTES

    def _adapter_emit_data(self, data: bytes) -> None:
        """Write; pika's own, but for a socket that uvloop has given up.

        Of a connection that was reset while something was unread, uvloop has it read once more, and
        tells the end to nobody but the next who writes.
        """
        try:
            super()._adapter_emit_data(data)
        except RuntimeError as error:
            # In a later turn: pika's heartbeat goes on behind this one, and is stopped then.
            self._transport._initiate_abort(ConnectionResetError(f"it was reset: {error}"))

    @property
    def piece_bytes(self) -> int:
        """The most that one frame may hold of a body."""
        return int(self._body_max_length)

    def write_at_once(self, frames: bytes) -> None:
        """Write whole frames behind all that was written before, to the socket if nothing waits.

        pika writes in a later turn of the loop, and has it say when: as dear as all else of it.
        """
        transport = self._transport
        sent = 0
        # TLS may have to read before it can write: that is pika's.
        if (
            self.params.ssl_options is None
            and transport._state == transport._STATE_ACTIVE
            and not transport.get_write_buffer_size()
        ):
            try:
                sent = transport._sock.send(frames)
            except OSError:
                sent = 0  # full, or dead: then pika finds out as ever, and ends the connection
            self.bytes_sent += sent
        if sent < len(frames):
            self._output_marshaled_frames([frames[sent:]])

    def _on_data_available(self, data_in: bytes) -> None:
        """Cut what came into frames; pika's own method of this name gets them one by one."""
        size = len(data_in)
        # A short read says that the socket is empty; pika asks again, for 4 µs a turn.
        is_last = self._read_once and size < _RECEIVE_BYTES
        start_s = 0.0 if is_last else perf_counter()
        self.bytes_received += size  # what pika's heartbeat looks at
        try:
            data = self._rest.join(data_in) if self._rest.pieces else data_in
            while data:
                data = self._cut(self._drop(data) if self._dropping_bytes else data)
        except ProtocolBreach as breach:
            self._terminate_stream(breach)
            return
        if self._reads_ahead:
            spent_s = _TURN_S if is_last else self._turn_s + perf_counter() - start_s
            goes_on = spent_s < _TURN_S
            self._turn_s = spent_s if goes_on else 0.0
            self._transport._MAX_CONSUME_BYTES = _TURN_BYTES if goes_on else 1

    def _cut(self, data: bytes) -> bytes:
        """Hand on the frames in ``data``; return what follows if one was a long header's.

        Raises:
            ProtocolBreach: Something is no frame, or no frame that may come.
        """
        # Local names: the loop runs three times a message.
        content, direct, limit = self._content, self._direct_channel, self._payload_limit
        start, available = 0, len(data)
        while available - start >= _FRAME_EXTRA:
            kind, channel, size = _FRAME.unpack_from(data, start)
            end = start + size + _FRAME_EXTRA
            if end > available or size > limit:
                return self._begin_long(data, start)
            if data[end - 1] != _FRAME_END:
                raise ProtocolBreach(_WITHOUT_END)
            payload = start + _FRAME.size
            if channel != direct:
                self._leave_to_pika(kind, channel, data[start:end])
            elif kind == BODY:
                # Copied, no view: it may be held for long, and a view would hold 64 KB with it.
                content.add_body(data[payload : end - 1])
            elif kind == HEADER:
                content.add_header(data, payload, end - 1)
            elif kind == METHOD and data.startswith(_DELIVER, payload):
                content.begin(data, payload, end - 1)
            else:
                self._leave_to_pika(kind, channel, data[start:end])
            start = end
        if start < available:
            self._rest.keep(data[start:], _FRAME_EXTRA)
        return b""

    def _begin_long(self, data: bytes, start: int) -> bytes:
        """Keep a frame that is not whole, or read the start of a long header's; see `_cut`."""
        kind, channel, size = _FRAME.unpack_from(data, start)
        limit, payload = self._payload_limit, start + _FRAME.size
        if kind not in _KINDS:
            raise _no_frame(data[start:])
        if size <= limit:
            self._rest.keep(data[start:], size + _FRAME_EXTRA)
            return b""
        if kind != HEADER or channel != self._direct_channel:
            of, most = size + _FRAME_EXTRA, limit + _FRAME_EXTRA
            raise ProtocolBreach(f"the broker sent a frame of {of} bytes, the limit is {most}")
        if len(data) < payload + limit:
            self._rest.keep(data[start:], _FRAME.size + limit)
            return b""
        self._content.add_header(data, payload, payload + limit)
        self._dropping_bytes = size - limit + 1
        return data[payload + limit :]

    def _drop(self, data: bytes) -> bytes:
        """Return what follows the frame of a long header."""
        dropped = min(self._dropping_bytes, len(data))
        self._dropping_bytes -= dropped
        if not self._dropping_bytes and data[dropped - 1] != _FRAME_END:
            raise ProtocolBreach(_WITHOUT_END)
        return data[dropped:]

    def _leave_to_pika(self, kind: int, channel: int, frame: bytes) -> None:
        """Have pika decode one frame; what it cannot decode breaks the protocol.

        Content never gets there.  Nothing is consumed, got or returned on other channels, and a
        publisher's headers would reach pika's decoder, which recurses.
        """
        if kind not in _KINDS:
            raise _no_frame(frame)
        if kind in (HEADER, BODY):
            raise ProtocolBreach(f"content came on channel {channel}, where nothing is consumed")
        self.bytes_received -= len(frame)  # pika counts it too
        try:
            super()._on_data_available(frame)
        except Exception as error:  # struct.error, IndexError, KeyError, and its own
            raise ProtocolBreach(f"a frame of the broker cannot be read: {error!r}") from error


def unexpected(*_delivery: object) -> None:
    """Stand for pika's callback, which is not called for what is delivered directly."""
    raise AssertionError("pika saw a delivery that its connection hands over directly")


def _no_frame(data: bytes) -> ProtocolBreach:
    return ProtocolBreach(f"what came is no AMQP frame: {data[:12]!r}")


class _Rest:
    """The bytes of a frame that is not whole yet, as they came: each is copied once more."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self._held_bytes = self._needed_bytes = 0

    def keep(self, data: bytes, needed_bytes: int) -> None:
        """Hold the start of a frame until there are ``needed_bytes``; nothing needs no place."""
        if data:
            self.pieces.append(data)
            self._held_bytes = len(data)
            self._needed_bytes = needed_bytes

    def join(self, data: bytes) -> bytes:
        """Return all that is held, and ``data``; nothing as long as there is too little."""
        # Not joined with each read: what comes in a thousand pieces would be copied as often.
        self.pieces.append(data)
        self._held_bytes += len(data)
        if self._held_bytes < self._needed_bytes:
            return b""
        joined = b"".join(self.pieces)
        self.pieces.clear()
        return joined
