"""A process of ill will: 50 client addresses and a publisher that do what costs others most.

``python -m bench.peers.hostile PORT AMQP_URL EXCHANGE``: begins at once, says so in a line, ends
with its stdin.  Each address has one bad habit, and does it `ACTS_PER_S` times a second from
127.0.1.N; the publisher sends `POISONS_PER_S` messages a second to the exchange that others listen
to.  Knows nothing of the server's inside.
"""

import asyncio
import itertools
import json
import os
import random
import struct
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

from bench.amqp_frames import RawConnection, encode_message
from bench.load import connect_path

ADDRESSES = 50
ACTS_PER_S = 4.0
POISONS_PER_S = 20.0
HELD = 20
"""Connections that one address keeps open, the oldest goes first."""
LEAST_POLITE = 19
_PATIENCE_S = 2.0
_DEEP = 3000
_BINDINGS = 100


class HostileAddress:
    """One address; all that it opens is closed sooner or later."""

    def __init__(self, number: int, port: int, exchange: str) -> None:
        self.rng = random.Random(number)
        self.exchange = exchange
        self._host = f"127.0.1.{number + 1}"
        self._port = port
        self._held: list[asyncio.StreamWriter] = []

    async def send(self, request: bytes, *, listen_s: float = _PATIENCE_S) -> None:
        """Open a connection, send, perhaps read the answer for a while; keep it open."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self._port, local_addr=(self._host, 0)
        )
        self._held.append(writer)
        writer.write(request)
        if len(self._held) > HELD:
            self._held.pop(0).transport.abort()
        if listen_s:
            with suppress(TimeoutError):
                async with asyncio.timeout(listen_s):
                    await reader.read(65536)

    def word(self) -> str:
        """Return a word that nobody has used."""
        return f"{self.rng.getrandbits(64):x}"


Habit = Callable[[HostileAddress], Awaitable[None]]


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


async def ask_for_missing_exchanges(me: HostileAddress) -> None:
    """Each refusal costs the broker a channel."""
    bindings = [{"exchange": me.word(), "routingKeyPattern": "#"} for _ in range(_BINDINGS)]
    await me.send(_get_many(bindings))


async def ask_for_literals(me: HostileAddress) -> None:
    """Each costs the broker a durable binding."""
    await me.send(_get(connect_path(*(me.word() for _ in range(_BINDINGS)), exchange=me.exchange)))


async def ask_for_hashes(me: HostileAddress) -> None:
    """Each once cost the broker's publishers a second."""
    patterns = [".".join(me.rng.choices("##*a", k=20)) for _ in range(_BINDINGS)]
    await me.send(_get(connect_path(*patterns, exchange=me.exchange)))


async def read_nothing(me: HostileAddress) -> None:
    """Ask for everything, and leave it in the kernel."""
    await me.send(_get(connect_path("#", exchange=me.exchange)), listen_s=0)


async def send_half_a_head(me: HostileAddress) -> None:
    """Hold a connection that is nothing yet."""
    await me.send(b"GET /events/v1/connect/ HTTP/1.1\r\nHost: be", listen_s=0)


async def post_lists(me: HostileAddress) -> None:
    """Fill the shelf of tokens."""
    bindings = [{"exchange": me.word(), "routingKeyPattern": me.word()} for _ in range(_BINDINGS)]
    body = json.dumps({"bindings": bindings}).encode()
    head = f"POST /events/v1/bindings HTTP/1.1\r\nHost: b\r\nContent-Length: {len(body)}\r\n\r\n"
    await me.send(head.encode() + body)


async def ask_for_much(me: HostileAddress) -> None:
    """Send many requests behind each other."""
    await me.send(_get("/events/v1/config") * 50 + b"\x00nonsense\r\n\r\n")


HABITS: tuple[Habit, ...] = (
    ask_for_missing_exchanges,
    ask_for_literals,
    ask_for_hashes,
    read_nothing,
    send_half_a_head,
    post_lists,
    ask_for_much,
)


def _get_many(bindings: list[dict[str, str]]) -> bytes:
    """Return the request for a stream of many exchanges."""
    text = json.dumps({"bindings": bindings}, separators=(",", ":"))
    quoted = "".join(c if c.isalnum() else f"%{ord(c):02x}" for c in text)
    return _get(f"/events/v1/connect/?bindings={quoted}")


async def live(number: int, port: int, exchange: str) -> None:
    """Be one address for ever."""
    me, habit = HostileAddress(number, port, exchange), HABITS[number % len(HABITS)]
    while True:
        start_s = time.monotonic()
        with suppress(OSError):
            await habit(me)
        await asyncio.sleep(max(0.0, start_s + 1 / ACTS_PER_S - time.monotonic()))


# What the publisher sends: keys, header tables, bodies.


def _long(raw: bytes) -> bytes:
    return struct.pack(">I", len(raw)) + raw


def _field(name: str, value: bytes) -> bytes:
    return struct.pack(">B", len(name)) + name.encode() + value


def _cc(*keys: bytes) -> bytes:
    return _field("CC", b"A" + _long(b"".join(b"S" + _long(key) for key in keys)))


def _nested(depth: int) -> bytes:
    table = b""
    for _ in range(depth):
        table = _field("a", b"F" + _long(table))
    return table


_TABLES = (
    _nested(_DEEP) + _cc(b"a"),
    _cc(b"a") + _nested(_DEEP),
    _field("t", b"T" + struct.pack(">Q", (1 << 63) + 5)) + _cc(b"a.b"),
    _cc(b".".join([b"a"] * 50_000)),
    _cc(*(b"%d.a" % number for number in range(9_000))),
    _cc(*(b".".join([b"a"] * 127) for _ in range(120))),
    _cc(b"\xff\xfe"),
    b"",
)
_BODIES = (b"1", b"[" * 100_000, b"\xff" * 1000, b'"\\ud800"', b"{}" * 100_000)
_KEYS = ("a", ".".join(["a"] * 128), "." * 255, "")


def poisons(exchange: str) -> Iterator[bytearray]:
    """Yield messages, each with another fault, without end."""
    kinds = itertools.product(_TABLES, _BODIES, _KEYS)
    for table, body, key in itertools.cycle(kinds):
        yield bytearray(encode_message(exchange, key, table, body))


def publish(url: str, exchange: str) -> None:
    """Send poison at its pace for ever."""
    connection = RawConnection(url)
    for message in poisons(exchange):
        connection.send([message])
        time.sleep(1 / POISONS_PER_S)


async def main(port: int, url: str, exchange: str) -> None:
    """Be everybody until stdin ends."""
    os.nice(LEAST_POLITE)  # the broker and those who measure share its CPU
    loop = asyncio.get_running_loop()
    loop.run_in_executor(None, publish, url, exchange)
    print("hostile", flush=True)
    async with asyncio.TaskGroup() as tasks:
        for number in range(ADDRESSES):
            tasks.create_task(live(number, port, exchange))
        await loop.run_in_executor(None, sys.stdin.read)
        os._exit(0)  # the publisher's thread has no end


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
