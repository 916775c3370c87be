"""One address that takes all it can get, in all ways at once, and does not mind refusals.

A process of its own, so that it takes nothing from who measures: ``with greed(port, exchange): …``.
"""

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import count

from tests.support.raw_stream import connect_target

_SOURCE = "127.0.0.2"
_HALF_HEADS = 300
_STREAMS = 30
_BINDINGS = 100
_BINDERS = 4
_PAUSE_S = 0.2


@contextlib.contextmanager
def greed(port: int, exchange: str) -> Iterator[None]:
    """Have the address do all that at one server, for the block."""
    command = [sys.executable, "-m", __name__, str(port), exchange]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            yield
            assert process.poll() is None, "it has given up"
        finally:
            assert process.stdin is not None
            process.stdin.close()  # it ends then, as it does if this process is gone
            process.wait(20)


class _Greed:
    def __init__(self, port: int, exchange: str) -> None:
        self._port = port
        self._exchange = exchange
        self._numbers = count()
        self._stop = threading.Event()

    def run(self) -> None:
        """Do everything until the end of stdin."""
        self._bind()  # alone at first: later its connections may all be refused or displaced
        acts = (self._begin_heads, self._listen, self._bind, self._post, self._ping)
        threads = [threading.Thread(target=self._repeat, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        sys.stdin.read()
        self._stop.set()
        for thread in threads:
            thread.join()

    def _repeat(self, act: Callable[[], None]) -> None:
        """Do it over and over, as fast as it goes, whatever the answer."""
        while not self._stop.is_set():
            with contextlib.suppress(OSError):
                act()

    def _begin_heads(self) -> None:
        with contextlib.ExitStack() as opened:
            for _ in range(_HALF_HEADS):
                opened.enter_context(self._connect()).sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            self._stop.wait(_PAUSE_S)

    def _listen(self) -> None:
        target = connect_target((self._exchange, "#"), errors="http")
        with contextlib.ExitStack() as opened:
            for _ in range(_STREAMS):
                self._ask(opened.enter_context(self._connect()), f"GET {target}")
            self._stop.wait(_PAUSE_S)

    def _bind(self) -> None:
        with contextlib.ExitStack() as opened:
            for _ in range(_BINDERS):
                target = connect_target(*self._bindings(), errors="http")
                self._ask(opened.enter_context(self._connect()), f"GET {target}")

    def _post(self) -> None:
        with self._connect() as connection:
            while not self._stop.is_set():
                entries = [{"exchange": e, "routingKeyPattern": p} for e, p in self._bindings()]
                self._ask(connection, "POST /v1/bindings", json.dumps({"bindings": entries}))

    def _ping(self) -> None:
        with self._connect() as connection:
            while not self._stop.is_set():
                self._ask(connection, "GET /events/v1/ping")

    def _bindings(self) -> list[tuple[str, str]]:
        return [(self._exchange, f"greedy.{next(self._numbers)}.#") for _ in range(_BINDINGS)]

    def _ask(self, connection: socket.socket, line: str, body: str = "") -> None:
        head = f"{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(f"{head}{body}".encode())
        if not connection.recv(1 << 16):
            raise ConnectionResetError("closed")

    def _connect(self) -> socket.socket:
        address = ("127.0.0.1", self._port)
        return socket.create_connection(address, 5, source_address=(_SOURCE, 0))


if __name__ == "__main__":
    _Greed(int(sys.argv[1]), sys.argv[2]).run()
