"""A server that answers connections with bytes that a test gives, and notes what it was sent."""

import contextlib
import socket
import ssl
import threading
from typing import Self

NOTHING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
"""Of a stream that ends with its connection."""
_WITHIN_S = 10.0


def answer(status: str, body: bytes = b"", kind: str = "application/json") -> bytes:
    """Return a whole answer, behind which the connection ends."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


class RawServer:
    """``with RawServer(answer, …) as server``; the last answer is for all other requests.

    Args:
        answers: What the requests get, in turn, but those for ``config``.
        config: What those get.
        stay: Whether connections that got the last answer stay open.
        tls: Speaks TLS with it.
    """

    def __init__(
        self,
        *answers: bytes,
        config: bytes = NOTHING,
        stay: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[bytes] = []
        """Head and body of all but those for ``config``."""
        self._answers = list(answers)
        self._config = config
        self._stay = stay
        self._tls = tls
        self._stop = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        """Its own: one accepts, each of the others has a connection."""
        self.port: int = self._listening.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        self.threads[0].start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._listening.shutdown(socket.SHUT_RDWR)  # ends the accept that waits
        self._listening.close()
        for thread in self.threads:
            thread.join(_WITHIN_S)
            assert not thread.is_alive(), "the raw server did not end"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                connection.settimeout(_WITHIN_S)
                thread = threading.Thread(target=self._answer, args=(connection,), daemon=True)
                self.threads.append(thread)
                thread.start()

    def _answer(self, plain: socket.socket) -> None:
        with plain, contextlib.suppress(OSError), self._secured(plain) as connection:
            request = _request(connection)
            if b"/config" in request.partition(b"\r\n")[0]:
                connection.sendall(self._config)
                return
            self.requests.append(request)
            is_last = len(self._answers) == 1
            connection.sendall(self._answers[0] if is_last else self._answers.pop(0))
            if is_last and self._stay:
                self._stop.wait(_WITHIN_S)

    def _secured(self, plain: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(plain, server_side=True) if self._tls else plain


def _request(connection: socket.socket) -> bytes:
    """Return one request, with as much of a body as its head says."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(fields.get(b"content-length", 0)):
        body += _some(connection)
    return head + b"\r\n\r\n" + body


def _some(connection: socket.socket) -> bytes:
    received = connection.recv(1 << 16)
    if not received:
        raise ConnectionResetError
    return received
