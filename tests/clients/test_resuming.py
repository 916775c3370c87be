"""Clients that come back by themselves go on where they were, with nothing but ``resume=true``.

What is published while a proxy cuts their connections comes when they are back, and nothing comes
twice.  Two of them come back after a stream's end only: they raise when a connection is lost.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.clients.cast import CLIENTS
from tests.clients.play import EXCHANGE
from tests.clients.worlds import RETRYING, WORLDS
from tests.faults.figures import Figures, keep
from tests.faults.proxy import Proxy
from tests.support.raw_stream import connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

RESUMING = (
    "sseclient",
    "requests-sse",
    "eventsource 2",
    "eventsource 3",
    "eventsource 4",
    "undici EventSource",
    "@microsoft/fetch-event-source",
    "Chromium",
    "event-source-polyfill",
)
NEWEST_NPM = "eventsource 4"
RAISING = {
    "launchdarkly-eventsource": "ProtocolError",
    "aiohttp-sse-client": "ClientPayloadError",
}
WORLD = {client.name: client.world for client in CLIENTS}
BEFORE, MEANWHILE = (1, 2, 3), (4, 5, 6)
BACK_S = 30.0
"""The server asks for 5 s at most; some double what it asks for."""


class Told:
    """What each client told: the kinds and texts."""

    def __init__(self) -> None:
        self._told: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        self._lock = threading.Lock()

    def note(self, name: str, kind: str, text: str) -> None:
        """Note what a client told; called in the threads of the worlds."""
        with self._lock:
            self._told[name].append((kind, text))

    def of(self, name: str, kind: str) -> list[str]:
        """Return the texts of one kind that a client told."""
        with self._lock:
            return [text for told, text in self._told[name] if told == kind]

    def wait(self, kind: str, count: int, *names: str) -> None:
        """Wait until these have told so many of ``kind``; who has not fails its own test."""
        with suppress(TimeoutError):
            wait_until(
                lambda: all(len(self.of(name, kind)) >= count for name in names),
                kind,
                within_s=BACK_S,
            )


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    """What each told before, during and after the cut."""
    found = Told()
    names = (*RESUMING, *RAISING)
    with Server() as server, Proxy(server.port) as proxy, ExitStack() as worlds:
        url = f"http://127.0.0.1:{proxy.port}{connect_target((EXCHANGE, '#'), resume='true')}"
        for world in sorted({WORLD[name] for name in names}):
            roles = {name: (name + RETRYING, url) for name in names if WORLD[name] == world}
            worlds.enter_context(WORLDS[world](roles, found.note))
        found.wait("ready", 1, *names)
        publish(server, BEFORE)
        found.wait("message", len(BEFORE), *names)
        proxy.cut()
        publish(server, MEANWHILE)
        proxy.mend()
        found.wait("message", len(BEFORE + MEANWHILE), *RESUMING)
        yield found


def publish(server: Server, numbers: tuple[int, ...]) -> None:
    """Publish messages that are numbers."""
    for number in numbers:
        server.publish(EXCHANGE, "a.b", number)


def numbers_of(told: Told, name: str) -> list[int]:
    """Return the messages that a client saw."""
    return [json.loads(text)["payload"] for text in told.of(name, "message")]


@pytest.mark.parametrize("name", RESUMING)
def test_a_client_goes_on_where_it_was(told: Told, name: str) -> None:
    numbers, due = numbers_of(told, name), [*BEFORE, *MEANWHILE]
    if name == NEWEST_NPM:
        lost = len(set(due) - set(numbers))
        doubled = len(numbers) - len(set(numbers))
        keep(Figures("connection cut: npm `eventsource`", len(due), lost, doubled))
    assert numbers == due
    assert not told.of(name, "end")


@pytest.mark.parametrize("name", RAISING)
def test_a_client_that_raises_tells_that_its_connection_is_lost(told: Told, name: str) -> None:
    assert numbers_of(told, name) == [*BEFORE]
    (end,) = told.of(name, "end")
    assert end.startswith(f"{RAISING[name]}: ")
