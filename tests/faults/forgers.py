"""Clients that come with cursors that are none, so many a second, and leave when they are told.

A process of its own, so that it takes nothing from who measures:
``with forgers(port, target, 5000) as found: …``.
"""

import contextlib
import json
import random
import selectors
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

_AT_ONCE = 200
_STEP_S = 0.005
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: else their ports would be in use for a minute
_TOLD = b"event: gap\n"
_READY = b"event: ready\ndata: {}\n"


class Forgers:
    """What became of them, at the end of the block."""

    told = 0
    """How many had ``ready`` and a ``gap``."""
    others = 0
    """How many had something else."""
    seconds = 0.0


@contextlib.contextmanager
def forgers(port: int, target: str, rate: int) -> Iterator[Forgers]:
    """Have ``rate`` of them a second, or as many as are answered, come for the block."""
    command = [sys.executable, "-m", __name__, str(port), target, str(rate)]
    found = Forgers()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield found
            assert process.poll() is None, "they have given up"
        finally:
            output, _ = process.communicate(timeout=20)  # it ends when its stdin does
        found.told, found.others, found.seconds = json.loads(output)


class _Crowd:
    def __init__(self, port: int, target: str, rate: int) -> None:
        self._address = ("127.0.0.1", port)
        self._target = target
        self._rate = rate
        self._rng = random.Random(1)
        self._selector = selectors.DefaultSelector()
        self._open = 0
        self.told = self.others = 0

    def run(self, stop: threading.Event) -> float:
        """Come and go until told to stop; return for how many seconds."""
        started_s, begun = time.monotonic(), 0
        while not stop.is_set():
            due = int(self._rate * (time.monotonic() - started_s))
            while begun < due and self._open < _AT_ONCE:
                self._begin()
                begun += 1
            for key, _ in self._selector.select(_STEP_S):
                self._go_on(key)
        return time.monotonic() - started_s

    def _begin(self) -> None:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.connect(self._address)
        connection.sendall(self._request())
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, bytearray())
        self._open += 1

    def _request(self) -> bytes:
        number = self._rng.randrange(1 << 32)
        cursor = (f"1mAAAAAAAAAAA{number:x}", f"1m{number}", f"{number:064x}")[number % 3]
        lines = (f"GET {self._target} HTTP/1.1", "Host: x", f"Last-Event-ID: {cursor}", "", "")
        return "\r\n".join(lines).encode()

    def _go_on(self, key: selectors.SelectorKey) -> None:
        connection, received = key.fileobj, key.data
        assert isinstance(connection, socket.socket)
        try:
            chunk = connection.recv(1 << 16)
        except OSError:
            chunk = b""
        received += chunk
        ready, told = received.find(_READY), received.find(_TOLD)
        if chunk and told < 0:
            return
        self.told += 0 <= ready < told
        self.others += not 0 <= ready < told
        self._selector.unregister(connection)
        connection.close()
        self._open -= 1


def _main() -> None:
    stop = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait).start()
    crowd = _Crowd(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    seconds = crowd.run(stop)
    json.dump([crowd.told, crowd.others, seconds], sys.stdout)


if __name__ == "__main__":
    _main()
