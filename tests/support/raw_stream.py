"""A raw-socket reader of event streams.

Parses by the contract's exact bytes and shares no code with the package: what a lenient decoder
would forgive is a failure here.  Like many clients it sees nothing of a chunk that is not complete.
"""

import json
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlencode

from tests.support.chunked import Chunks

CONNECT_PATH = "/events/v1/connect/"
_RETRY = rb"(?:retry: [1-9][0-9]{0,8}\n(?=event: ready\n))?"  # only there
_EVENT = re.compile(_RETRY + rb"event: ([a-z]+)\ndata: ([^\r\n]*)\nid: ([^\r\n]*)\n\n")
_EVENTS = re.compile(rb"(?:" + _RETRY + rb"event: [a-z]+\ndata: [^\r\n]*\nid: [^\r\n]*\n\n)*+")


def connect_target(*bindings: tuple[str, str], path: str = CONNECT_PATH, **query: str) -> str:
    """Return the request target for (exchange, pattern) pairs and further query parameters."""
    entries = [{"exchange": e, "routingKeyPattern": p} for e, p in bindings]
    wanted = {"bindings": json.dumps({"bindings": entries})} | query
    return f"{path}?{urlencode(wanted, quote_via=quote)}"


class Head(NamedTuple):
    """The head of an answer; header names in lower case, ``raw`` up to the blank line."""

    status: int
    headers: Mapping[str, str]
    raw: bytes


class RawEvent(NamedTuple):
    """One event; ``data`` is the text after ``data: ``."""

    kind: str
    data: str
    event_id: str
    raw: bytes

    @property
    def json(self) -> Any:
        """The value of ``data``."""
        return json.loads(self.data)


class RawStream:
    """One request on a socket of its own.

    Args:
        port: The server's, on 127.0.0.1.
        target: The request target; see :func:`connect_target`.
        method: Sent as it is.
        headers: Sent after ``Host``.
        version: Of HTTP, as the request says.
        receive_buffer_bytes: The kernel's buffer, for readers that are to seem slow.
        source: The address to come from, such as another one of this machine's own.
    """

    def __init__(
        self,
        port: int,
        target: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        version: str = "1.1",
        receive_buffer_bytes: int | None = None,
        source: str = "127.0.0.1",
    ) -> None:
        self._port = port
        self._version = version
        self._chunks: Chunks | None = None
        self._is_proxied = False
        self.socket = socket.socket()
        if receive_buffer_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.settimeout(10)
        self._unread = b""
        try:
            if source != "127.0.0.1":  # bound to one, it would need a free port of all
                self.socket.bind((source, 0))
            self.socket.connect(("127.0.0.1", port))
            self.request(target, method=method, headers=headers)
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close our end."""
        self.socket.close()

    def request(
        self, target: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a request on the same connection once more."""
        lines = [f"{method} {target} HTTP/{self._version}", f"Host: 127.0.0.1:{self._port}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def head(self, within_s: float = 10.0) -> Head:
        """Read and return the head; call it once, first."""
        raw = self._through(b"\r\n\r\n", time.monotonic() + within_s)
        status_line, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
        head = Head(int(status_line.split(" ")[1]), headers, raw)
        self._begin_body(head)
        return head

    def event(self, kind: str | None = None, *, within_s: float = 10.0) -> RawEvent:
        """Return the next event, or the next of ``kind`` with the pings before it left out.

        Raises:
            AssertionError: The bytes are not exactly an event's, or another kind came instead.
            TimeoutError: None came in time.
            EOFError: The server closed the stream.
        """
        deadline = time.monotonic() + within_s
        while True:
            event = self._next_event(deadline)
            if kind is None or event.kind == kind:
                return event
            assert event.kind == "ping", f"waited for {kind}, got {event.raw!r}"

    def events(self, count: int, *, within_s: float = 10.0) -> list[RawEvent]:
        """Return the next ``count`` events that are not pings."""
        deadline = time.monotonic() + within_s
        found: list[RawEvent] = []
        while len(found) < count:
            event = self._next_event(deadline)
            if event.kind != "ping":
                found.append(event)
        return found

    def ready(self, *, within_s: float = 10.0) -> Self:
        """Read a 200 head and the ``ready`` event; what is published from here on must come."""
        head = self.head(within_s)
        assert head.status == 200, head.raw
        event = self.event("ready", within_s=within_s)
        assert event.data == "{}", event.raw
        return self

    def body(self, within_s: float = 10.0) -> bytes:
        """Return an ordinary answer's body: ``Content-Length`` bytes after ``head``."""
        return self.content(self.head(within_s), within_s)

    def content(self, head: Head, within_s: float = 10.0) -> bytes:
        """Return the body of the answer whose head was just read."""
        length = int(head.headers.get("content-length", "0"))
        deadline = time.monotonic() + within_s
        while len(self._unread) < length:
            self._receive(deadline)
        found, self._unread = self._unread[:length], self._unread[length:]
        return found

    def rest(self, within_s: float = 10.0) -> bytes:
        """Return everything up to the server's close, which must come in time.

        Raises:
            AssertionError: The server closed in the middle of a chunked body.
        """
        deadline = time.monotonic() + within_s
        try:
            while True:
                self._receive(deadline)
        except EOFError:
            assert self._chunks is None or self._chunks.has_ended, "the last chunk is missing"
            found, self._unread = self._unread, b""
            return found

    def _next_event(self, deadline: float) -> RawEvent:
        raw = self._through(b"\n\n", deadline)
        match = _EVENT.fullmatch(raw)
        assert match, f"not exactly an event: {raw!r}"
        kind, text, event_id = (part.decode() for part in match.groups())
        return RawEvent(kind, text, event_id, raw)

    def _through(self, end: bytes, deadline: float) -> bytes:
        searched = 0
        while (at := self._unread.find(end, searched)) < 0:
            searched = max(0, len(self._unread) - len(end))
            self._receive(deadline)
        cut = at + len(end)
        found, self._unread = self._unread[:cut], self._unread[cut:]
        return found

    def _receive(self, deadline: float) -> None:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError(f"nothing more in time; unread: {self._unread[-500:]!r}")
        self.socket.settimeout(left_s)
        try:
            received = self.socket.recv(1 << 18)
        except TimeoutError:
            raise TimeoutError(f"nothing more in time; unread: {self._unread[-500:]!r}") from None
        if not received:
            raise EOFError(f"closed by the server; unread: {self._unread[-500:]!r}")
        self._unread += self._decoded(received)

    def _begin_body(self, head: Head) -> None:
        """Note how the bytes from here on are to be read."""
        if head.headers.get("transfer-encoding") == "chunked":
            self._chunks = Chunks()
        self._is_proxied = head.headers.get("server", "").startswith("nginx")
        self._unread = self._decoded(self._unread)

    def _decoded(self, received: bytes) -> bytes:
        """Return what the bytes received are to be read as."""
        if self._chunks is None:
            return self._unpacked(received)
        chunks = list(map(self._unpacked, self._chunks.feed(received)))
        for chunk in chunks if not self._is_proxied else ():  # a proxy makes its own
            assert _EVENTS.fullmatch(chunk), f"not whole events in a chunk: {chunk[:500]!r}"
        return b"".join(chunks)

    def _unpacked(self, piece: bytes) -> bytes:
        """Return what a piece of the body says, or of what comes before it."""
        return piece


@contextmanager
def ready_streams(port: int, target: str, count: int) -> Iterator[list[RawStream]]:
    """Open ``count`` streams, all of them ready, for the block."""
    with ExitStack() as opened:
        streams = [opened.enter_context(RawStream(port, target)) for _ in range(count)]
        for stream in streams:
            stream.ready()
        yield streams


def conversation(port: int, sent: bytes, *, within_s: float = 10.0) -> bytes:
    """Send ``sent``, whatever it is, and return all bytes up to the server's close."""
    with socket.create_connection(("127.0.0.1", port), within_s) as connection:
        connection.sendall(sent)
        received = bytearray()
        deadline = time.monotonic() + within_s
        while chunk := connection.recv(1 << 16):
            received += chunk
            connection.settimeout(max(0.01, deadline - time.monotonic()))
        return bytes(received)
