"""The programs of docs/clients.md go on where they were, and say so where they cannot.

All run at once against one server, behind nginx behind a proxy that is cut, and later swallows what
comes.  What is published meanwhile comes when they are back; then the server is killed, so that its
history is gone, and nginx says 502 until it is there again.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.blocks import Block, blocks
from tests.docs.pages import page_of
from tests.docs.programs import ADDRESS, RUN, can_run, started
from tests.faults.proxy import Proxy
from tests.support.browser import Browser
from tests.support.files import served
from tests.support.nginx import Nginx
from tests.support.rabbit import free_port
from tests.support.server import Server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(400)

EXCHANGE = "exchange/taskcluster-queue/v1/task-pending"
"""What all of them listen to."""
PROGRAMS = {
    str(block): block
    for block in blocks()
    if block.mark == "comes back" and (block.words == "browser" or can_run(block.words))
}
FIRST, CUT, SWALLOWED, AFTERWARDS = (1, 2, 3), (4, 5, 6), (7, 8), (9, 10)
HELD = (*FIRST, *CUT, *SWALLOWED)
SILENCE = re.compile(r"\b45\b|\b45(?=_000\b)")
"""Seconds after which the programs take a connection for dead: two pings and a bit."""
PING_S, SILENCE_S = 1, 4
DOWN_S = 6.0
"""The server asks for 5 s at most, so that each program comes at least once in vain."""
START_S, BACK_S = 150.0, 60.0
"""Go and Java are compiled first, Go's library with it; a wait is doubled after each attempt."""


class Line(NamedTuple):
    """One event, as a program prints it."""

    kind: str
    text: str


Screens = Mapping[str, Callable[[], str]]


def lines_on(screen: str) -> list[Line]:
    """Return the events on a screen; what else is there is for people."""
    found = re.findall(r"^(ready|message|gap|ping|error)\b(.*)$", screen, re.MULTILINE)
    return [Line(*each) for each in found]


def numbers(lines: list[Line]) -> list[int]:
    """Return the numbers of the messages."""
    keys = (re.search(r"primary\.(\d+)", line.text) for line in lines if line.kind == "message")
    return [int(key[1]) for key in keys if key]


class Play:
    """What the programs print, as long as they run; who was late once is not waited for again."""

    def __init__(self, screens: Screens) -> None:
        self._screens = screens
        self._late: set[str] = set()

    def wait(self, kind: str, count: int, *, within_s: float = BACK_S) -> None:
        """Wait until each has printed so many events of ``kind``."""
        missing = set(self._screens) - self._late

        def all_have() -> bool:
            missing.difference_update(
                [name for name in missing if self._count(name, kind) >= count]
            )
            return not missing

        try:
            wait_until(all_have, kind, within_s=within_s)
        except TimeoutError:  # fails the test of each that is missing
            self._late |= missing

    def screens(self) -> dict[str, str]:
        """Return all that was printed."""
        return {name: screen() for name, screen in self._screens.items()}

    def _count(self, name: str, kind: str) -> int:
        return sum(line.kind == kind for line in lines_on(self._screens[name]()))


def begin(
    block: Block, address: str, folder: Path, browser: Browser, running: ExitStack
) -> Callable[[], str]:
    """Start a program; return what tells what it has printed."""
    folder.mkdir()
    text, count = SILENCE.subn(str(SILENCE_S), block.text)
    assert count, f"{block} would wait for ever for a dead connection"
    block = block._replace(text=text)
    if block.words in RUN:
        terminal = running.enter_context(started(block, block.words, address, folder))
        return lambda: terminal.screen
    (folder / "page.html").write_text(page_of(block.text.replace(ADDRESS, address)))
    tab = browser.open(f"{running.enter_context(served(folder))}page.html")
    return lambda: str(tab.run("return document.body.innerText;"))


@pytest.fixture(scope="module")
def screens(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What each program printed, from its start to the server's end."""
    folder = tmp_path_factory.mktemp("programs")
    with (
        Server("--port", str(free_port()), "--ping-interval", str(PING_S)) as server,
        Nginx(server.port) as nginx,
        Proxy(nginx.port) as proxy,
        ExitStack() as running,
    ):
        address = f"127.0.0.1:{proxy.port}"
        play = Play(
            {
                name: begin(block, address, folder / str(number), browser, running)
                for number, (name, block) in enumerate(PROGRAMS.items())
            }
        )
        play.wait("ready", 1, within_s=START_S)
        perform(play, server, proxy)
        yield play.screens()


def perform(play: Play, server: Server, proxy: Proxy) -> None:
    """Lose the connections, with a word and in silence, then the server; publish meanwhile."""
    publish(server, FIRST)
    play.wait("message", len(FIRST))
    proxy.cut()
    publish(server, CUT)
    proxy.mend()
    play.wait("message", len(FIRST + CUT))
    proxy.swallow()
    publish(server, SWALLOWED)
    play.wait("message", len(HELD))
    server.kill()
    time.sleep(DOWN_S)
    server.start()
    play.wait("gap", 1)
    publish(server, AFTERWARDS)
    play.wait("message", len(HELD + AFTERWARDS))
    server.stop()
    play.wait("error", 1)


def publish(server: Server, published: tuple[int, ...]) -> None:
    """Publish messages whose keys tell their numbers."""
    for number in published:
        server.publish(EXCHANGE, f"primary.{number}", {})


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_loses_nothing_and_shows_nothing_twice(
    screens: dict[str, str], name: str
) -> None:
    assert numbers(lines_on(screens[name])) == [*HELD, *AFTERWARDS], screens[name]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_tells_where_the_history_is_gone(screens: dict[str, str], name: str) -> None:
    lines = lines_on(screens[name])
    (gap,) = [place for place, line in enumerate(lines) if line.kind == "gap"]
    assert "the history was another process'" in lines[gap].text
    assert numbers(lines[:gap]) == [*HELD]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_shows_why_the_server_ends_its_stream(screens: dict[str, str], name: str) -> None:
    *_, last = [line for line in lines_on(screens[name]) if line.kind == "error"]
    assert "the server is stopping" in last.text


def test_each_client_s_page_has_a_program_that_comes_back() -> None:
    marked = {block.words for block in blocks() if block.mark == "comes back"}
    assert marked == {*RUN, "browser"}
