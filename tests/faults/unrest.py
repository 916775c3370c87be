"""Clients that come, go, break off and ask for nonsense, by chance; none of them stays."""

import contextlib
import random
import socket
import struct
import threading
import time
from collections import Counter
from contextlib import ExitStack

from tests.faults.conftest import EXCHANGE
from tests.support.raw_stream import RawStream, connect_target

THREADS = 8
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close at once, by RST
_NONSENSE = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
)
_BEGINNINGS = (
    b"",
    b"GET /events/v1/conn",
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Half: ",
    b'POST /v1/bindings HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{"bindings"',
)
_WRONG = ("", "{", "[]", '{"bindings": []}', '{"bindings": [{"exchange": 1}]}')


class Unrest:
    """What happens at one server: ``Unrest(port, seed=1).last(60)``."""

    def __init__(self, port: int, *, seed: int) -> None:
        self._port = port
        self._seed = seed
        self._failures: list[BaseException] = []
        self.done: Counter[str] = Counter()
        """How often each thing was done."""

    def last(self, seconds: float) -> None:
        """Go on for so long; raise what went wrong."""
        deadline_s = time.monotonic() + seconds
        threads = [
            threading.Thread(target=self._act, args=(random.Random(self._seed + n), deadline_s))
            for n in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _act(self, rng: random.Random, deadline_s: float) -> None:
        acts = (
            self._stay,
            self._break_off,
            self._crowd,
            self._bind_what_is_missing,
            self._ask_wrongly,
            self._talk_nonsense,
            self._begin_only,
        )
        try:
            while time.monotonic() < deadline_s and not self._failures:
                act = rng.choice(acts)
                act(rng)
                self.done[act.__name__] += 1  # one of few threads; a lost count does not matter
        except BaseException as failure:
            self._failures.append(failure)

    def _stay(self, rng: random.Random) -> None:
        """Read for a while what was asked for."""
        with RawStream(self._port, _some_bindings(rng)) as stream:
            stream.ready()
            with contextlib.suppress(TimeoutError):
                stream.events(1 << 20, within_s=rng.random())

    def _break_off(self, rng: random.Random) -> None:
        """Reset the connection, at any time."""
        with RawStream(self._port, _some_bindings(rng)) as stream:
            if rng.random() < 0.5:
                stream.ready()
            _reset(stream.socket)

    def _crowd(self, rng: random.Random) -> None:
        """Come as many, all with the same bindings, and leave together."""
        target = _some_bindings(rng)
        with ExitStack() as opened:
            for _ in range(20):
                opened.enter_context(RawStream(self._port, target)).ready()

    def _bind_what_is_missing(self, rng: random.Random) -> None:
        name = f"exchange/missing/{rng.randrange(1000)}"
        with RawStream(self._port, connect_target((EXCHANGE, "n.1"), (name, "#"))) as stream:
            assert stream.head().status == 200
            assert name in stream.event("error").json
            stream.rest()

    def _ask_wrongly(self, rng: random.Random) -> None:
        target = f"/v1/connect?bindings={rng.choice(_WRONG)}".replace(" ", "").replace('"', "%22")
        with RawStream(self._port, target) as stream:
            assert stream.head().status == 200
            assert stream.event().kind == "error"

    def _talk_nonsense(self, rng: random.Random) -> None:
        with socket.create_connection(("127.0.0.1", self._port), 10) as connection:
            connection.sendall(rng.choice(_NONSENSE))
            assert connection.recv(1 << 16).startswith(b"HTTP/1.")

    def _begin_only(self, rng: random.Random) -> None:
        """Send the beginning of a request, and go in one way or the other."""
        with socket.create_connection(("127.0.0.1", self._port), 10) as connection:
            connection.sendall(rng.choice(_BEGINNINGS))
            if rng.random() < 0.5:
                _reset(connection)


def _some_bindings(rng: random.Random) -> str:
    patterns = ("#", "n.#", "*.*", "never", f"n.*{rng.randrange(10)}", f"#.{rng.randrange(100)}")
    return connect_target(*[(EXCHANGE, p) for p in rng.sample(patterns, rng.randint(1, 3))])


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()
