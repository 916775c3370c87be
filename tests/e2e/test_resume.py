"""The Python client and ``listen`` go on where they were: cut off, killed, the server restarted."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pulse_events import Gap, Message, Ready, listen
from tests.faults.feed import Feed
from tests.faults.proxy import Proxy
from tests.support.amqp import Amqp
from tests.support.listening import line_of, listening, said
from tests.support.rabbit import Rabbit, free_port
from tests.support.server import Server
from tests.support.waiting import wait_until

CUTS = 8
KILLS = 5


class Listener:
    """The Python client on a loop in a thread; keeps what it got."""

    def __init__(self, url: str, exchange: str) -> None:
        self.numbers: list[int] = []
        self.readies = 0
        self.gaps: list[Gap] = []
        self._url = url
        self._binding = (exchange, "#")
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Return when it is ready."""
        self._thread.start()
        self.is_ready(1)

    def is_ready(self, count: int) -> None:
        """Wait until it was so for the ``count``-th time."""
        wait_until(lambda: self.readies >= count, f"{count} times ready", within_s=30)

    def has(self, count: int) -> None:
        """Wait until ``count`` messages have come."""
        wait_until(lambda: len(self.numbers) >= count, f"{count} messages", within_s=30)

    def stop(self) -> None:
        """Leave."""
        assert self._task is not None
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the listener did not end"

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._listen())
            except asyncio.CancelledError:
                pass

    async def _listen(self) -> None:
        self._task = asyncio.current_task()
        async for item in listen(self._url, self._binding, events=True):
            if isinstance(item, Message):
                self.numbers.append(item.payload["n"])
            elif isinstance(item, Gap):
                self.gaps.append(item)
            elif isinstance(item, Ready):
                self.readies += 1


@contextmanager
def client(url: str, exchange: str) -> Iterator[Listener]:
    """Have a client listen for the block; it is ready when that begins."""
    listener = Listener(url, exchange)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


@pytest.mark.timeout(180)
def test_a_client_that_is_cut_off_again_and_again_gets_each_message_once(
    server: Server, rabbit: Rabbit, exchange: str
) -> None:
    with (
        Proxy(server.port) as proxy,
        client(f"http://127.0.0.1:{proxy.port}/", exchange) as listener,
    ):
        with Feed([rabbit.amqp_url], exchange, rate=1000) as feed:
            for number in range(CUTS):
                listener.has(len(listener.numbers) + 200)
                proxy.cut()
                proxy.mend()
                listener.is_ready(number + 2)
        listener.has(len(feed.confirmed))
        assert listener.numbers == sorted(feed.confirmed)
        assert not listener.gaps


@pytest.mark.timeout(90)
def test_a_server_that_is_started_anew_is_one_gap(
    rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    port = str(free_port())
    with Server("--broker", rabbit.amqp_url, "--port", port) as server:
        with client(server.url, exchange) as listener:
            amqp.publish(exchange, "k", b'{"n": 1}')
            listener.has(1)
            server.stop()
            server.start()
            listener.is_ready(2)
            amqp.publish(exchange, "k", b'{"n": 2}')
            listener.has(2)
    assert listener.numbers == [1, 2]
    (gap,) = listener.gaps
    assert gap.reason == "the history was another process'"


@pytest.mark.timeout(120)
def test_a_listener_that_is_killed_misses_nothing_when_it_is_started_again(
    server: Server, rabbit: Rabbit, exchange: str, tmp_path: Path
) -> None:
    arguments = ["-b", f"{exchange}=#", "--fail-on-gap", "--resume-file", str(tmp_path / "f")]
    got: list[list[int]] = []
    with Feed([rabbit.amqp_url], exchange) as feed:
        for _ in range(KILLS):
            with listening(*arguments, server.url) as process:
                got.append([number(process) for _ in range(300)])
    last = max(feed.confirmed)
    with listening(*arguments, server.url) as process:
        got.append([])
        while not got[-1] or got[-1][-1] != last:
            got[-1].append(number(process))
    assert set().union(*got) >= set(range(got[0][0], last + 1))
    for numbers in got:
        assert numbers == list(range(numbers[0], numbers[-1] + 1))


def number(process: Any) -> int:
    """Return what the next message is numbered."""
    return int(json.loads(line_of(process))["payload"]["n"])


def test_a_listener_begins_with_what_the_server_holds(
    server: Server, amqp: Amqp, exchange: str, tmp_path: Path
) -> None:
    with listening("-b", f"{exchange}=#", server.url) as process:
        for count in range(1, 5):
            amqp.publish(exchange, "k", b'{"n": %d}' % count)
            assert number(process) == count
    for option, value, numbers in (("--last", "2", [3, 4]), ("--since", "10m", [1, 2, 3, 4])):
        file = tmp_path / option
        begin = ["-b", f"{exchange}=#", option, value, "--resume-file", str(file)]
        with listening(*begin, server.url) as process:
            assert [number(process) for _ in numbers] == numbers


def test_a_server_without_a_history_says_so(exchange: str) -> None:
    with Server("--history", "off") as server:
        with listening("-b", f"{exchange}=#", server.url) as process:
            server.publish(exchange, "k", {"n": 1})
            assert number(process) == 1
            server.stop()
            assert "messages may be missing" in said(process).decode()
