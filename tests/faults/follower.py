"""A client that reads a stream in a thread and keeps what it got: numbers, flags, times, end."""

import socket
import threading
import time
from contextlib import suppress
from typing import NamedTuple, Self

from tests.support.raw_stream import RawEvent, RawStream
from tests.support.waiting import wait_until

_SILENT_S = 120.0
_HURRY_BUFFER_BYTES = 1 << 20


class Got(NamedTuple):
    """One message of a `Feed`."""

    number: int
    redelivered: bool
    published_s: float
    at_s: float
    cursor: str


class Told(NamedTuple):
    """One ``gap`` event."""

    place: int
    """How many messages had come before it."""
    start: int
    """How many before its connection."""
    reason: str
    from_time: str | None
    to_time: str


class Follower:
    """Reads from the moment the stream is ready: ``with Follower(port, target) as follower``.

    Args:
        port: The server's, or that of a proxy in front of it.
        target: What to ask for.
        receive_buffer_bytes: The kernel's buffer, for one that is to be slow.
        pause_s: What it waits behind each event, until `hurry`.
        cursor: What it comes back with, if it can.
    """

    def __init__(
        self,
        port: int,
        target: str,
        *,
        receive_buffer_bytes: int | None = None,
        pause_s: float = 0.0,
        cursor: str = "",
    ) -> None:
        self._port = port
        self._target = target
        self._receive_buffer_bytes = receive_buffer_bytes
        self._pause_s = pause_s
        self.got: list[Got] = []
        self.gaps: list[Told] = []
        self._start = 0
        self.readies = 0
        """On the connection that it has."""
        self.breaks = 0
        """How often it lost a connection and came back."""
        self.cursor = cursor
        """The ``id`` of the last event."""
        self.error: str | None = None
        """The text of the ``error`` event, if one came."""
        self.failure: BaseException | None = None
        self.ended = False
        self.ended_s = 0.0
        """When it ended."""
        self._closing = threading.Event()
        self._stream = self._open()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def __enter__(self) -> Self:
        self._begin(within_s=30)
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave."""
        self._closing.set()
        with suppress(OSError):  # it has ended
            self._stream.socket.shutdown(2)
        self._thread.join(10)
        self._stream.close()

    def hurry(self) -> None:
        """Read as fast as can be from now on."""
        self._pause_s = 0.0
        self._stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _HURRY_BUFFER_BYTES)

    def has(self, count: int, *, within_s: float = 20.0) -> None:
        """Wait until ``count`` messages have come."""
        wait_until(lambda: len(self.got) >= count, f"{count} messages", within_s=within_s)

    def reaches(self, number: int, *, within_s: float = 40.0) -> None:
        """Wait until message ``number`` has come, or a later one."""
        wait_until(
            lambda: self.got and self.got[-1].number >= number,
            f"message {number}",
            within_s=within_s,
        )

    def until_told(self, *, within_s: float = 30.0) -> str:
        """Wait for the ``error`` event and the end; return the event's text."""
        wait_until(lambda: self.ended, "the stream ends", within_s=within_s)
        assert self.error is not None, f"it ended untold: {self.failure!r}"
        return self.error

    def recovered_s(self, fault_s: float) -> float:
        """Return how long after ``fault_s`` the first message came that was published after it."""
        return next(got.at_s for got in self.got if got.published_s > fault_s) - fault_s

    def _open(self) -> RawStream:
        return RawStream(self._port, self._target, receive_buffer_bytes=self._receive_buffer_bytes)

    def _begin(self, within_s: float) -> None:
        self._stream.ready(within_s=within_s)
        self.readies = 1

    def _run(self) -> None:
        try:
            self._follow(_SILENT_S)
        except (EOFError, OSError) as end:
            self.failure = end
        except BaseException as failure:
            self.failure = failure
            raise
        finally:
            self.ended_s = time.monotonic()
            self.ended = True

    def _follow(self, silent_s: float) -> None:
        """Take what comes, until the stream ends or nothing came for so long."""
        while True:
            self._take(self._stream.event(within_s=silent_s))
            if self._pause_s:
                self._closing.wait(self._pause_s)

    def _take(self, event: RawEvent) -> None:
        now_s = time.monotonic()
        if event.kind == "message":
            value = event.json
            body = value["payload"]
            self.got.append(Got(body["n"], value["redelivered"], body["t"], now_s, event.event_id))
        elif event.kind == "gap":
            gap = event.json
            self.gaps.append(
                Told(len(self.got), self._start, gap["reason"], gap["from"], gap["to"])
            )
        elif event.kind == "ready":
            self.readies += 1
        elif event.kind == "error":
            self.error = event.json
        self.cursor = event.event_id
