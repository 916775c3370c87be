"""What docs/walks.md has its reader write keeps what it promises, whatever happens meanwhile.

What is typed there is run in ``test_commands.py``; here the server is killed, the network cut, and
the programs themselves are.  What was published says what they must have.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.blocks import Command, files_of
from tests.docs.programs import ADDRESS
from tests.docs.terminal import Terminal, working_folder
from tests.faults.feed import Feed
from tests.faults.proxy import Proxy
from tests.support.rabbit import Rabbit, free_port
from tests.support.server import Server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

FILES = files_of("docs/walks.md")
QUEUE = "exchange/taskcluster-queue/v1/task-"
COMPLETED = f"{QUEUE}completed"
TASK, OTHER = "fN1SbArXTPSVFNUvaOlinQ", "dSlITZ4yQgmvxxAi4A8fHQ"
SILENCE = "stale_after_s=45"
PING_S, SILENCE_S = 1, 4
BACK_S = 40.0
"""The server asks for 5 s at most; a wait is doubled after each attempt."""


class Desk:
    """A folder with the page's files, whose server is at ``port``: programs run in it."""

    def __init__(self, folder: Path, environment: dict[str, str], port: int, exchange: str) -> None:
        self.folder = folder
        self._environment = environment
        for name, text in FILES.items():
            text = text.replace(ADDRESS, f"127.0.0.1:{port}").replace(COMPLETED, exchange)
            (folder / name).write_text(text.replace(SILENCE, f"stale_after_s={SILENCE_S}"))

    def run(self, command: str, *printed: str) -> Terminal:
        """Run a command, which is to print these lines."""
        return Terminal(Command(command, printed), self.folder, self._environment)


@contextmanager
def desk(port: int, exchange: str = COMPLETED) -> Iterator[Desk]:
    """Yield a new desk."""
    with working_folder() as (folder, environment):
        yield Desk(folder, environment, port, exchange)


def resolve(server: Server, outcome: str, task: str = TASK) -> None:
    """Publish that a task is resolved."""
    server.publish(f"{QUEUE}{outcome}", f"primary.{task}.0.x.y.z.a.b._", {})


def bot(at: Desk, *printed: str) -> Terminal:
    """Start the bot, which is to print these lines."""
    return at.run(f"exec python bot.py {TASK}", *printed)


def test_the_bot_acts_on_its_own_task_though_its_connection_was_lost() -> None:
    waits = f"waiting for {TASK}"
    with (
        Server() as server,
        Proxy(server.port) as proxy,
        desk(proxy.port) as at,
        bot(at, waits, waits, f"{TASK}: failed") as terminal,
    ):
        terminal.until_printed(1)
        resolve(server, "completed", OTHER)
        server.publish(f"{QUEUE}running", f"primary.{TASK}.0.x.y.z.a.b._", {})
        proxy.cut()
        resolve(server, "failed")
        proxy.mend()
        terminal.finish()


def test_the_bot_that_comes_too_late_knows_at_once() -> None:
    with Server("--record", f"{QUEUE}exception=#") as server, desk(server.port) as at:
        resolve(server, "exception")
        with bot(at, f"waiting for {TASK}", f"{TASK}: exception") as terminal:
            terminal.finish()


def test_the_bot_waits_for_a_server_and_tells_that_it_was_started_anew() -> None:
    port = free_port()
    waits, acts = f"waiting for {TASK}", f"{TASK}: completed"
    server = Server("--port", str(port))
    gap = "messages may be missing …the history was another process'"
    with desk(port) as at, bot(at, waits, waits, gap, acts) as terminal, server:
        terminal.until_printed(1)
        server.kill()
        server.start()
        terminal.until_printed(3)
        resolve(server, "completed")
        terminal.finish()


class Kept(NamedTuple):
    """What the mirror has."""

    numbers: list[int]
    """Of the feed's messages, in the order in which it got them."""
    gaps: list[tuple[int, str]]
    """How many messages it had before each, and the reason."""


def kept(folder: Path) -> Kept:
    """Read the mirror's tables, as anybody may while it writes."""
    with closing(sqlite3.connect(folder / "mirror.db")) as database:
        rows = database.execute("SELECT json FROM messages ORDER BY number")
        numbers = [json.loads(text)["payload"]["n"] for (text,) in rows]
        return Kept(numbers, database.execute("SELECT behind, reason FROM gaps").fetchall())


def holes(numbers: list[int], published: set[int]) -> set[int]:
    """Return behind how many of the messages one is missing that was published."""
    return {
        place
        for place, (last, following) in enumerate(pairwise(numbers), 1)
        if any(between in published for between in range(last + 1, following))
    }


class Unrest:
    """What happens to the mirror, the server and the network between them."""

    def __init__(self, at: Desk, server: Server, proxy: Proxy, feed: Feed) -> None:
        self._at, self._server, self._proxy, self._feed = at, server, proxy, feed
        self._mirror = self._started()

    def cut(self) -> None:
        """Lose the connection, and have it back later."""
        self._proxy.cut()
        self._feed.goes_on()
        self._proxy.mend()
        self._catches_up()

    def swallow(self) -> None:
        """Lose the connection in silence."""
        self._proxy.swallow()
        self._catches_up()

    def restart(self, *, mirror: bool = False, server: bool = False) -> None:
        """Kill one or both, and start them again later."""
        if mirror:
            self._mirror.kill()
            self._mirror.close()
        if server:
            self._server.kill()
        self._feed.goes_on()
        if server:
            self._server.start()
        if mirror:
            self._mirror = self._started()
        self._catches_up()

    def end(self) -> None:
        """Publish no more, wait for the last message, and end the mirror."""
        self._feed.stop()
        self._until_it_has(max(self._feed.confirmed))
        self._mirror.close()

    def _started(self) -> Terminal:
        mirror = self._at.run("exec python mirror.py", "ready")
        mirror.until_printed(1)
        return mirror

    def _catches_up(self) -> None:
        """Wait until it has a message that is published from now on, and those behind it."""
        last = self._feed.published
        self._feed.goes_on()
        self._until_it_has(last)

    def _until_it_has(self, number: int) -> None:
        def has_it() -> bool:
            return max(kept(self._at.folder).numbers, default=0) >= number

        wait_until(has_it, f"message {number} in the mirror", within_s=BACK_S)


@pytest.mark.timeout(240)
def test_each_hole_in_the_mirror_is_a_row_of_its_gaps(rabbit: Rabbit, exchange: str) -> None:
    assert SILENCE in FILES["mirror.py"]
    with (
        Server(
            *("--broker", rabbit.amqp_url, "--port", str(free_port())),
            *("--ping-interval", str(PING_S)),
        ) as server,
        Proxy(server.port) as proxy,
        desk(proxy.port, exchange) as at,
        Feed([rabbit.amqp_url], exchange, rate=200) as feed,
    ):
        unrest = Unrest(at, server, proxy, feed)
        try:
            unrest.cut()
            unrest.swallow()
            unrest.restart(mirror=True)
            assert not kept(at.folder).gaps
            unrest.restart(server=True)
            unrest.restart(mirror=True, server=True)
        finally:
            unrest.end()
        numbers, gaps = kept(at.folder)
    assert numbers == sorted(set(numbers))
    assert holes(numbers, feed.confirmed) == {behind for behind, _ in gaps}
    assert [reason for _, reason in gaps] == ["the history was another process'"] * 2


def test_the_pipeline_goes_on_where_it_was() -> None:
    with (
        Server() as server,
        Proxy(server.port) as proxy,
        desk(proxy.port) as at,
    ):
        table = at.folder / "completed.tsv"
        with at.run("exec bash completed.sh", "ready", "…") as pipeline:
            pipeline.until_printed()
            publish_states(server, range(3))
            until_lines(table, 3)
            proxy.cut()
            publish_states(server, range(3, 6))
            proxy.mend()
            until_lines(table, 6)
            pipeline.end("pulse-events")
        publish_states(server, range(6, 9))
        with at.run("exec bash completed.sh", "ready", "…"):
            until_lines(table, 9)
        assert table.read_text().split("\n")[:-1] == [f"key.{n}\tstate {n}" for n in range(9)]


def publish_states(server: Server, numbers: range) -> None:
    """Publish messages as the pipeline shows them."""
    for number in numbers:
        server.publish(COMPLETED, f"key.{number}", {"status": {"state": f"state {number}"}})


def until_lines(table: Path, count: int) -> None:
    """Wait until the pipeline has written so many lines."""
    wait_until(lambda: table.read_text().count("\n") >= count, f"{count} lines", within_s=BACK_S)
