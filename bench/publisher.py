"""A process that publishes the workload: to RabbitMQ, or by HTTP to nchan.

``python -m bench.publisher amqp URL [TASKS [EXCHANGE]]`` or ``… http URL``.  Each line on stdin is
a rate, messages per second from then on: ``0`` pauses, ``max`` is as fast as the other side takes
it.  Each line is answered with what was sent at the rate before, as JSON; the end of stdin ends it.
Each message says when it was sent, in ``t``.  At a rate the messages are evenly spaced.
"""

import json
import os
import select
import socket
import sys
import time
from collections.abc import Callable
from io import BufferedReader
from typing import Protocol
from urllib.parse import urlsplit

from bench.amqp_frames import RawConnection, encode_publish, write_time
from bench.workload import EXCHANGE, TIME_MARK, Sample, make_pool, task_ids

_FLAT_OUT_BATCH = 32
_HTTP_OUTSTANDING = 8
"""Requests sent to nchan before the answers to earlier ones are read."""
_LOOK_EVERY = 4 * _FLAT_OUT_BATCH
"""Messages between two looks at stdin while there is no time to wait."""
_MOST_OVERDUE = 256
_PAUSE_LIMIT_S = 3600.0


class Target(Protocol):
    """Where messages go."""

    def send(self, messages: list[bytearray]) -> None:
        """Send complete messages; may block."""


class Nchan:
    """An nchan publisher endpoint; it takes no pipelined requests, so there are connections."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        address = parts.hostname or "", parts.port or 80
        self._sockets = [socket.create_connection(address, 10) for _ in range(_HTTP_OUTSTANDING)]
        for connection in self._sockets:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = [connection.makefile("rb") for connection in self._sockets]
        self._sent = 0

    def send(self, messages: list[bytearray]) -> None:
        """Send one request for each message, on the connection whose turn it is."""
        for message in messages:
            turn = self._sent % _HTTP_OUTSTANDING
            if self._sent >= _HTTP_OUTSTANDING:
                self._read_answer(self._read[turn])
            self._sockets[turn].sendall(message)
            self._sent += 1

    @staticmethod
    def _read_answer(answer: BufferedReader) -> None:
        length = 0
        while (line := answer.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        answer.read(length)

    @staticmethod
    def encode(path: str, sample: Sample) -> tuple[bytes, int]:
        """Return the request that publishes ``sample``, and where the time's digits stand."""
        head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(sample.body)}\r\n\r\n"
        request = head.encode() + sample.body
        return request, request.rindex(TIME_MARK) + len(TIME_MARK)


def _told(within_s: float = 0.0) -> bool:
    return bool(select.select([sys.stdin], [], [], within_s)[0])


def _read_line() -> str:
    """Return the next line of stdin and read no further: `_told` must see what comes behind it."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(sys.stdin.fileno(), 1)):
        line += byte
    return line.decode()


class StampedMessages:
    """Takes the messages in turn, each with the time of its sending."""

    def __init__(self, encoded: list[tuple[bytes, int]]) -> None:
        self._messages = [(bytearray(raw), at) for raw, at in encoded]
        self._next = 0

    def take(self, count: int) -> list[bytearray]:
        """Return the next ``count`` messages; they are valid until their turn comes again."""
        now_s, taken = time.time(), []
        for _ in range(count):
            message, at = self._messages[self._next]
            write_time(message, at, now_s)
            taken.append(message)
            self._next = (self._next + 1) % len(self._messages)
        return taken


def flat_out(feed: StampedMessages, target: Target) -> int:
    """Publish as fast as the target takes it until told otherwise; return the number."""
    sent = 0
    while sent % _LOOK_EVERY or not _told():
        target.send(feed.take(_FLAT_OUT_BATCH))
        sent += _FLAT_OUT_BATCH
    return sent


def evenly(feed: StampedMessages, target: Target, rate: float) -> int:
    """Publish ``rate`` messages per second until told otherwise; return the number."""
    sent, looked_at, start_s = 0, 0, time.monotonic()
    while True:
        wait_s = start_s + sent / rate - time.monotonic()
        if wait_s > 0 and _told(wait_s):
            return sent
        if wait_s <= 0:
            if sent - looked_at >= _LOOK_EVERY:
                looked_at = sent
                if _told():
                    return sent
            # What is overdue goes out together, as it would from a service that was held up.
            due = max(1, min(_MOST_OVERDUE, int((time.monotonic() - start_s) * rate) + 1 - sent))
            target.send(feed.take(due))
            sent += due


def publish(feed: StampedMessages, target: Target, rate: str) -> int:
    """Publish at ``rate`` until told otherwise; return the number of messages."""
    if rate == "max":
        return flat_out(feed, target)
    if float(rate):
        return evenly(feed, target, float(rate))
    _told(_PAUSE_LIMIT_S)
    return 0


def _open(
    kind: str, url: str, tasks: int, exchange: str
) -> tuple[Target, Callable[[], None], StampedMessages]:
    pool = make_pool(task_ids(tasks) if tasks else ())
    if kind == "http":
        path = urlsplit(url).path
        return (
            Nchan(url),
            lambda: None,
            StampedMessages([Nchan.encode(path, sample) for sample in pool]),
        )
    connection = RawConnection(url)
    connection.declare_exchange(exchange)
    return (
        connection,
        connection.close,
        StampedMessages([encode_publish(exchange, s) for s in pool]),
    )


def main(kind: str, url: str, tasks: str = "0", exchange: str = EXCHANGE) -> None:
    """Obey stdin until its end."""
    target, close, feed = _open(kind, url, int(tasks), exchange)
    print(json.dumps({"event": "open"}), flush=True)
    for line in iter(_read_line, ""):
        start_s = time.monotonic()
        sent = publish(feed, target, line.strip())
        seconds = round(time.monotonic() - start_s, 4)
        print(json.dumps({"messages": sent, "seconds": seconds}), flush=True)
    close()


if __name__ == "__main__":
    main(*sys.argv[1:])
