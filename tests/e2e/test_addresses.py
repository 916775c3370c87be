"""A broker's name that has several addresses, the first of which swallows packets."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server, run_cli
from tests.support.waiting import wait_until

NAME = "two.addresses.test"
SWALLOWS, ANSWERS = "127.0.0.2", "127.0.0.1"
RESOLVER = f"""
import socket, sys

sys.modules["uvloop"] = None  # it asks libc beside Python; asyncio's own loop does not
ask = socket.getaddrinfo

def getaddrinfo(host, *others, **named):
    hosts = [{SWALLOWS!r}, {ANSWERS!r}] if host == {NAME!r} else [host]
    return [record for host in hosts for record in ask(host, *others, **named)]

socket.getaddrinfo = getaddrinfo
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables with which a Python program finds both addresses behind `NAME`."""
    (tmp_path / "sitecustomize.py").write_text(RESOLVER)
    path = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, path))}


@pytest.fixture
def swallowing(rabbit: Rabbit) -> Iterator[None]:
    """The broker's port at an address where the kernel drops what comes: its backlog is full."""
    with ExitStack() as opened:
        listening = opened.enter_context(socket.socket())
        listening.bind((SWALLOWS, rabbit.port))
        listening.listen(0)
        for _ in range(3):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(listening.getsockname())
        with pytest.raises(TimeoutError):
            socket.create_connection(listening.getsockname(), 0.3)
        yield


@pytest.mark.usefixtures("swallowing")
def test_the_server_gets_to_the_second_address_in_its_first_try(
    rabbit: Rabbit, amqp: Amqp, exchange: str, environment: dict[str, str]
) -> None:
    url = f"amqp://guest:guest@{NAME}:{rabbit.port}/"
    with Server("--broker", url, environment=environment) as server:
        with RawStream(server.port, connect_target((exchange, "#"))) as stream:
            stream.socket.settimeout(14)
            stream.ready()
            amqp.publish(exchange, "k", b"1")
            assert stream.event("message").json["payload"] == 1
        assert "no broker at" not in server.stderr


@pytest.mark.usefixtures("swallowing")
def test_what_is_published_gets_there_within_the_time_that_the_url_gives(
    rabbit: Rabbit, amqp: Amqp, exchange: str, environment: dict[str, str]
) -> None:
    queue = amqp.declare_queue()
    amqp.bind_queue(queue, exchange, "#")
    url = f"amqp://guest:guest@{NAME}:{rabbit.port}/?connection_timeout=1000"
    start_s = time.monotonic()
    done = run_cli("publish", "--broker", url, exchange, "k", environment=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert time.monotonic() - start_s < 10
    assert amqp.take(queue, 1)[0].body == b"{}"


@pytest.mark.usefixtures("swallowing")
def test_a_name_none_of_whose_addresses_answers_is_given_up_with_each_reason(
    rabbit: Rabbit, environment: dict[str, str]
) -> None:
    url = f"amqp://u:geheim@{NAME}:{rabbit.port}/?connection_timeout=1000"
    expected = f"{SWALLOWS}: it does not answer; {ANSWERS}: the login is refused"
    with Server("--broker", url, environment=environment) as server:
        wait_until(lambda: expected in server.stderr, "both reasons", within_s=15)
        assert "geheim" not in server.stderr
