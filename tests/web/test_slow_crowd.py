"""A hundred readers that stop among five hundred: the others get all in time, memory is bounded."""

import json
import re
import time
import urllib.request
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from pulse_events.configuration.settings import Settings
from tests.support.crowd import SlowCrowd
from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until

READERS, STOPPED = 400, 100
TEXT = "x" * 64_000
LIMIT_BYTES = Settings.model_fields["max_unsent_bytes"].default
MOST_MESSAGES = 100
"""Enough to fill the limit and what the kernel keeps for a stream that nobody reads."""
ALLOWED_BYTES = STOPPED * LIMIT_BYTES // 4
"""What waits for several streams is held once; measured: 4 MB."""
IN_TIME_S = 2.0
KERNEL_BYTES = 64 << 10
"""Of a reader that stops: little, but enough for a hundred to read the rest in time, in turn."""
EXCHANGE = "exchange/crowd"
_START = rb'event: message\ndata: {"payload":"(\d{8})x'


def publish(server: Server, number: int) -> bytes:
    """Publish one message; return its event."""
    payload = f"{number:08d}{TEXT}"
    server.publish(EXCHANGE, "k", payload)
    return (
        f'event: message\ndata: {{"payload":"{payload}","exchange":"{EXCHANGE}","routingKey":"k",'
        '"redelivered":false,"routes":[],"cc":[]}\nid: -\n\n'
    ).encode()


def counts(server: Server) -> dict[str, int]:
    with urllib.request.urlopen(f"{server.url}events/v1/stats", timeout=10) as answer:
        found: dict[str, int] = json.load(answer)
    return found


def memory_bytes(server: Server) -> int:
    """Return the most memory that the process ever had resident."""
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


class Sending:
    """Messages to a crowd, one after the other: their bytes, and how long each was under way."""

    def __init__(self, server: Server, crowd: SlowCrowd) -> None:
        self.count = self.size = 0
        self.digest = sha256()
        self.delays_s: list[float] = []
        self._server = server
        self._crowd = crowd

    def send(self) -> None:
        """Publish a message and wait until the whole crowd has it."""
        started_s = time.monotonic()
        event = publish(self._server, self.count)
        self.count += 1
        self.size += len(event)
        self.digest.update(event)
        wait_until(lambda: self._crowd.has(self.size), "all who read have it", within_s=5)
        self.delays_s.append(max(m.last_at_s for m in self._crowd.members) - started_s)


def test_readers_that_stop_are_told_and_closed_and_cost_the_others_nothing() -> None:
    target = connect_target((EXCHANGE, "#"))
    with Server("--history", "off", "--ping-interval", "3600") as server, ExitStack() as opened:
        crowd = opened.enter_context(SlowCrowd(server.port, target, READERS))
        stopped = [
            opened.enter_context(RawStream(server.port, target, receive_buffer_bytes=KERNEL_BYTES))
            for _ in range(STOPPED)
        ]
        for stream in stopped:
            stream.ready()
        before = memory_bytes(server)
        sending = Sending(server, crowd)
        while counts(server)["slowClientsClosed"] < STOPPED:
            assert sending.count < MOST_MESSAGES
            sending.send()
        assert memory_bytes(server) - before < ALLOWED_BYTES
        for received in [stream.rest() for stream in stopped]:  # in time, so checked afterwards
            check_told(received, sending.count)
        for _ in range(10):
            sending.send()
        assert {member.digest.digest() for member in crowd.members} == {sending.digest.digest()}
        assert max(sending.delays_s) < IN_TIME_S
        assert counts(server)["clients"] == READERS


def test_what_the_kernel_did_not_take_of_a_message_is_held_once() -> None:
    target = connect_target((EXCHANGE, "#"))
    with Server("--history", "off", "--ping-interval", "3600") as server, ExitStack() as opened:
        for _ in range(STOPPED):
            opened.enter_context(RawStream(server.port, target, receive_buffer_bytes=4096).ready())
        before = memory_bytes(server)
        server.publish(EXCHANGE, "k", "x" * 1_000_000)
        assert memory_bytes(server) - before < ALLOWED_BYTES
        assert counts(server)["clients"] == STOPPED


def check_told(received: bytes, sent: int) -> None:
    """Check that a stopped reader finds what it had begun to get, the reason, and the end."""
    *messages, error, rest = received.split(b"\nid: -\n\n")
    found = [re.match(_START, message) for message in messages]
    numbers = [int(match[1]) for match in found if match]
    assert numbers == list(range(len(numbers)))
    # Of what waited for it, more than the limit, only the one in transit has come.
    assert (sent - len(numbers) + 1) * len(TEXT) > LIMIT_BYTES
    assert error.startswith(b'event: error\ndata: "slow reader')
    assert rest == b""
