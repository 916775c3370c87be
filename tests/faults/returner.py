"""A client that comes back with its cursor whenever its connection breaks, or is silent."""

from tests.faults.follower import Follower
from tests.support.gzip_stream import GzipStream
from tests.support.raw_stream import RawStream

_WAIT_S = 0.05
"""Far less than the server asks for, so that most of the time there is a connection to break."""
_READY_WITHIN_S = 10.0
_NOBODY_THERE = (502, 504)
"""What a proxy answers in front of servers that are away."""


class Returner(Follower):
    """A `Follower` that resumes: ``with Returner(port, target) as returner``.

    Its target must ask for ``resume``; its cursor goes along in ``Last-Event-ID``.

    Args:
        port: See `Follower`.
        target: See `Follower`.
        gzip: Whether it takes the stream compressed.
        cursor: Where it was when it left, for one that was away.
        silent_s: How long it believes a connection on which nothing comes.
        receive_buffer_bytes: See `Follower`.
        pause_s: See `Follower`.
    """

    def __init__(
        self,
        port: int,
        target: str,
        *,
        gzip: bool = False,
        cursor: str = "",
        silent_s: float = 60.0,
        receive_buffer_bytes: int | None = None,
        pause_s: float = 0.0,
    ) -> None:
        self._kind = GzipStream if gzip else RawStream
        self._silent_s = silent_s
        super().__init__(
            port,
            target,
            receive_buffer_bytes=receive_buffer_bytes,
            pause_s=pause_s,
            cursor=cursor,
        )

    def _open(self) -> RawStream:
        return self._kind(
            self._port,
            self._target,
            headers={"Last-Event-ID": self.cursor} if self.cursor else None,
            receive_buffer_bytes=self._receive_buffer_bytes,
        )

    def _begin(self, within_s: float) -> None:
        head = self._stream.head(within_s)
        if head.status in _NOBODY_THERE:
            raise EOFError(head.raw)
        assert head.status == 200, head.raw
        [event] = self._stream.events(1, within_s=within_s)
        if event.kind == "error":  # of a server that is about to end
            self.error = event.json
            raise EOFError(self.error)
        assert event.kind == "ready", event.raw
        self.readies = 1
        self._start = len(self.got)
        self.cursor = event.event_id

    def _follow(self, silent_s: float) -> None:
        while True:
            try:
                super()._follow(min(silent_s, self._silent_s))
            except (EOFError, OSError):
                self.breaks += not self._closing.is_set()
            self._return()

    def _return(self) -> None:
        """Have a stream again that goes on where this one ended."""
        while True:
            self._stream.close()
            if self._closing.wait(_WAIT_S):
                raise EOFError("it leaves")
            try:
                self._stream = self._open()
                self._begin(_READY_WITHIN_S)
            except (EOFError, OSError):
                continue
            if self._closing.is_set():
                raise EOFError("it leaves")
            return


def away(port: int, target: str) -> Returner:
    """Return a client that has got something, and left."""
    with Returner(port, target) as client:
        client.has(10)
    return client
