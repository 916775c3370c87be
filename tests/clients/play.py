"""The play: all clients listen at once to one server, and each is to see each event when it comes.

In acts: ready; three messages, each published when all have seen the one before; a ping; the end,
with an ``error`` event.  What a client sees is noted with the act in which it saw it.  Who misses
an act is not waited for any more.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, NamedTuple

from tests.clients.cast import BARE_NGINX, LISTENERS, Listener
from tests.clients.worlds import WORLDS
from tests.support.nginx import Nginx
from tests.support.raw_stream import connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until

EXCHANGE = "exchange/clients"
LONG_CHARS = 100_000
PAYLOADS: tuple[Any, ...] = (
    {"n": 1},
    {"text": "two \u2028 lines? \x85 é " * 80},
    # Like nothing before it, so that its blocks are large compressed too.
    {"text": "".join(f"{n * 2654435761 % (1 << 32):08x}" for n in range(LONG_CHARS // 8))},
)
READY_S, ACT_S, END_S = 25.0, 4.0, 10.0


class Seen(NamedTuple):
    """One thing that a client told: an event, the coding, or how it ended."""

    act: str
    kind: str
    text: str


class Stage(NamedTuple):
    """The server and what is in front of it."""

    server: Server
    nginx: Nginx

    def url(self, listener: Listener) -> str:
        """Return where a listener is to listen."""
        ports = {"nginx": self.nginx.port, BARE_NGINX: self.nginx.bare_port}
        port = ports.get(listener.route, self.server.port)
        more = {"compression": "gzip"} if listener.form == "gzip" else {}
        return f"http://127.0.0.1:{port}{connect_target((EXCHANGE, '#'), **more)}"


class Play:
    """What was seen so far, and in which act that is."""

    def __init__(self) -> None:
        self.act = "ready"
        self._seen: defaultdict[str, list[Seen]] = defaultdict(list)
        self._lock = threading.Lock()
        self._late: set[str] = set()

    def note(self, name: str, kind: str, text: str) -> None:
        """Note what a listener told; called in the threads of the worlds."""
        with self._lock:
            self._seen[name].append(Seen(self.act, kind, text))

    def of(self, listener: Listener) -> list[Seen]:
        """Return what one listener told."""
        return self._seen[str(listener)]

    def begin(self, act: str) -> None:
        """Note that what is seen from now on is seen in another act."""
        with self._lock:
            self.act = act

    def wait(self, kind: str, within_s: float) -> None:
        """Wait until all who were never late have told ``kind`` in this act."""
        try:
            wait_until(lambda: not self._missing(kind), kind, within_s=within_s)
        except TimeoutError:
            self._late |= self._missing(kind)

    def _missing(self, kind: str) -> set[str]:
        with self._lock:
            have = {
                name
                for name, seen in self._seen.items()
                if any((it.act, it.kind) == (self.act, kind) for it in seen)
            }
        return {str(listener) for listener in LISTENERS} - have - self._late


def perform(stage: Stage) -> Play:
    """Play it, and return what was seen."""
    play = Play()
    with ExitStack() as worlds:
        for name, world in WORLDS.items():
            worlds.enter_context(world(_roles(name, stage), play.note))
        play.wait("ready", READY_S)
        for number, payload in enumerate(PAYLOADS):
            play.begin(f"message {number}")
            stage.server.publish(EXCHANGE, "a.b", payload)
            play.wait("message", ACT_S)
        play.begin("ping")
        play.wait("ping", ACT_S)
        play.begin("end")
        stage.server.stop()
        play.wait("end", END_S)
    return play


def _roles(world: str, stage: Stage) -> dict[str, tuple[str, str]]:
    """Return the clients of a world and their URLs, by the names of the listeners."""
    return {
        str(listener): (listener.client.name, stage.url(listener))
        for listener in LISTENERS
        if listener.client.world == world
    }


def payloads(seen: Iterable[Seen]) -> list[tuple[str, Any]]:
    """Return the messages in it: in which act each was seen, and its payload."""
    return [(it.act, json.loads(it.text)["payload"]) for it in seen if it.kind == "message"]
