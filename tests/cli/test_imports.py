"""What a command loads: whoever asks for help does not wait for a server's imports."""

import subprocess
import sys

import pytest

from tests.support.server import clean_environment

LISTING = """
import sys
from pulse_events.cli import main

try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""
SERVERS = {
    "aiohttp",
    "pika",
    "prometheus_client",
    "pulse_events.access.limits",
    "pulse_events.brokers",
    "pulse_events.hub",
    "pulse_events.process.server",
    "pulse_events.web",
    "pydantic",
    "pydantic_settings",
    "yaml",
    "yarl",
}
CLIENTS = {"httpx", "uvloop", "pulse_events.client.course"}


def modules_of(*arguments: str) -> set[str]:
    """Return what a command has loaded at its end."""
    done = subprocess.run(
        [sys.executable, "-c", LISTING, *arguments],
        env=clean_environment(),
        capture_output=True,
        timeout=20,
        check=False,
    )
    loaded = set(done.stderr.decode().splitlines()[-1].split())
    assert "pulse_events.cli" in loaded
    return loaded


HELP = [["--help"], ["-h"], ["listen", "--help"], ["serve", "-h"]]
NO_SERVER = [["--version"], [], ["explain", "e=#"], ["listen"], ["wait", "-x"], ["no-command"]]


@pytest.mark.parametrize("arguments", HELP, ids=" ".join)
def test_help_does_not_even_load_click(arguments: list[str]) -> None:
    assert modules_of(*arguments).isdisjoint(SERVERS | CLIENTS | {"click", "asyncio"})


@pytest.mark.parametrize("arguments", NO_SERVER, ids=" ".join)
def test_what_works_with_no_server_loads_nothing_of_one(arguments: list[str]) -> None:
    loaded = modules_of(*arguments)
    assert "click" in loaded
    assert loaded.isdisjoint(SERVERS | CLIENTS | {"rich"})


def test_a_wrong_option_of_the_server_loads_its_options_but_not_the_server() -> None:
    loaded = modules_of("serve", "--no-such-option")
    assert "pydantic" in loaded
    assert loaded.isdisjoint({"aiohttp", "pika", "pulse_events.process.server"})


CONNECTING = [
    ["listen", "-b", "e=#"],
    ["wait", "--task", "T"],
    ["listen", "--exec", "x", "--group", "G"],
]


@pytest.mark.parametrize("arguments", CONNECTING, ids=" ".join)
def test_a_client_loads_nothing_of_a_server_nor_of_terminals(arguments: list[str]) -> None:
    loaded = modules_of(*arguments, "http://127.0.0.1:1/")
    assert loaded >= CLIENTS
    assert loaded.isdisjoint(SERVERS | {"rich"})


def test_publishing_loads_no_http() -> None:
    loaded = modules_of("publish", "--broker", "amqp://127.0.0.1:1/", "e", "k")
    assert "pika" in loaded
    assert loaded.isdisjoint({"aiohttp", "pulse_events.process.server", "pulse_events.web"})
