"""Many streams read by one thread, as fast as they come: what each got, and when.

For plain streams with the same bindings and without pings, which must all get the same events.
"""

import selectors
import socket
import threading
import time
from contextlib import ExitStack
from hashlib import sha256
from typing import Self

from tests.support.chunked import Chunks

_STEP_S = 0.05
_READY = b"event: ready\ndata: {}\nid: -\n\n\r\n"


class Member:
    """One stream of a `SlowCrowd`."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.size = 0
        """Bytes of events received after ``ready``."""
        self.digest = sha256()
        """Of these bytes."""
        self.last_at_s = 0.0
        """When the last of them came, by the monotonic clock."""
        self.is_open = True
        self._chunks = Chunks()

    def read(self) -> None:
        """Take what is there."""
        try:
            chunk = self.connection.recv(1 << 18)
        except BlockingIOError:
            return
        self.is_open = bool(chunk)
        for events in self._chunks.feed(chunk):
            self.size += len(events)
            self.digest.update(events)
        self.last_at_s = time.monotonic()


class SlowCrowd:
    """Readers of one target: ``with SlowCrowd(port, target, 400) as crowd: …``, all ready.

    Args:
        port: The server's, on 127.0.0.1.
        target: The request target.
        count: How many streams.
    """

    def __init__(self, port: int, target: str, count: int) -> None:
        self.members: list[Member] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="crowd", daemon=True)
        self._opened = ExitStack()
        self._selector = self._opened.enter_context(selectors.DefaultSelector())
        with ExitStack() as undo:
            undo.push(self._opened)
            for _ in range(count):
                self.members.append(Member(self._connect(port, target)))
            for member in self.members:
                _read_ready(member.connection)
                member.connection.setblocking(False)
                self._selector.register(member.connection, selectors.EVENT_READ, member)
            undo.pop_all()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._opened.close()

    def has(self, size: int) -> bool:
        """Tell whether every stream has received so many bytes after ``ready``."""
        return all(member.size >= size for member in self.members)

    def _connect(self, port: int, target: str) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port), 10)
        self._opened.enter_context(connection)
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return connection

    def _read(self) -> None:
        while not self._stop.is_set():
            for key, _ in self._selector.select(_STEP_S):
                member: Member = key.data
                member.read()
                if not member.is_open:
                    self._selector.unregister(member.connection)


def _read_ready(connection: socket.socket) -> None:
    received = b""
    while not received.endswith(_READY):
        chunk = connection.recv(4096)
        assert chunk, f"closed before ready: {received!r}"
        received += chunk
