"""A client that reads a stream in a thread and keeps what it got: numbers, flags, times, end."""

import threading
import time
from typing import NamedTuple, Self

from tests.support.raw_stream import RawStream
from tests.support.waiting import wait_until


class Got(NamedTuple):
    """One message of a `Feed`."""

    number: int
    redelivered: bool
    published_s: float
    at_s: float


class Follower:
    """Reads from the moment the stream is ready: ``with Follower(port, target) as follower``."""

    def __init__(self, port: int, target: str) -> None:
        self._stream = RawStream(port, target)
        self.got: list[Got] = []
        self.readies = 0
        self.error: str | None = None
        """The text of the ``error`` event, if one came."""
        self.failure: BaseException | None = None
        self.ended = False
        self.ended_s = 0.0
        """When it ended."""
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def __enter__(self) -> Self:
        self._stream.ready(within_s=30)
        self.readies = 1
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave."""
        self._closing = True
        if not self.ended:
            self._stream.socket.shutdown(2)
        self._thread.join(10)
        self._stream.close()

    def has(self, count: int, *, within_s: float = 20.0) -> None:
        """Wait until ``count`` messages have come."""
        wait_until(lambda: len(self.got) >= count, f"{count} messages", within_s=within_s)

    def until_told(self, *, within_s: float = 30.0) -> str:
        """Wait for the ``error`` event and the end; return the event's text."""
        wait_until(lambda: self.ended, "the stream ends", within_s=within_s)
        assert self.error is not None, f"it ended untold: {self.failure!r}"
        return self.error

    def recovered_s(self, fault_s: float) -> float:
        """Return how long after ``fault_s`` the first message came that was published after it."""
        return next(got.at_s for got in self.got if got.published_s > fault_s) - fault_s

    def _run(self) -> None:
        try:
            while True:
                event = self._stream.event(within_s=120)
                now_s = time.monotonic()
                if event.kind == "message":
                    value = event.json
                    body = value["payload"]
                    self.got.append(Got(body["n"], value["redelivered"], body["t"], now_s))
                elif event.kind == "ready":
                    self.readies += 1
                elif event.kind == "error":
                    self.error = event.json
        except (EOFError, OSError) as end:
            self.failure = end
        except BaseException as failure:
            self.failure = failure
            raise
        finally:
            self.ended_s = time.monotonic()
            self.ended = True
