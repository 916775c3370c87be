"""What the clients run in: processes for Python, Node and each curl, a browser, plain sockets.

A world runs its roles, given as ``{name: (client, URL)}``, for a block, and tells what happens to
each: ``tell(name, kind, text)``, called in threads of its own.
"""

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.browser import BLANK_PATH, Browser, Tab
from tests.support.gzip_stream import GzipStream
from tests.support.program import Program
from tests.support.raw_stream import RawStream

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
Roles = Mapping[str, tuple[str, str]]
Tell = Callable[[str, str, str], None]
World = Callable[[Roles, Tell], AbstractContextManager[None]]

_LONGEST_S = 60.0
_POLL_S = 0.05
POLYFILL = "event-source-polyfill"
RETRYING = ", retrying"
"""What a client's name ends with that is left alone when its stream ends."""
_LISTEN = """
    globalThis.told = [];
    for (const [name, [client, url]] of args) {
        const polyfilled = client.startsWith("event-source-polyfill");
        const source = new (polyfilled ? EventSourcePolyfill : EventSource)(url);
        for (const kind of ["ready", "message", "ping", "error"]) {
            source.addEventListener(kind, (event) => {
                if (event.data !== undefined) return void told.push([name, kind, event.data]);
                if (client.endsWith(", retrying") && source.readyState !== 2) return;
                source.close();
                told.push([name, "end", "closed"]);
            });
        }
    }
"""


@contextmanager
def _thread(work: Callable[[], None]) -> Iterator[None]:
    """Do ``work`` beside the block; it must end by itself soon after the block."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(10)


@contextmanager
def _program(work: Callable[[Program], None], *command: str, folder: Path) -> Iterator[None]:
    """Run ``command`` for the block, and ``work`` with it until its output ends."""

    def read() -> None:
        try:
            work(program)
        except (EOFError, OSError, ValueError):  # the latter two if it is ended meanwhile
            pass

    program = Program(*command, folder=folder)
    with program, _thread(read):
        try:
            yield
        finally:
            # It ends the output, and with that the thread that reads it.
            program.send(signal.SIGKILL)


@contextmanager
def python(roles: Roles, tell: Tell) -> Iterator[None]:
    """See ``python_clients.py``."""
    command = (sys.executable, "-m", "tests.clients.python_clients", json.dumps(roles))
    with _program(lambda program: _pass_on(program, tell), *command, folder=ROOT):
        yield


@contextmanager
def node(roles: Roles, tell: Tell) -> Iterator[None]:
    """See ``node_clients.mjs``."""
    command = ("node", "--no-warnings", "node_clients.mjs", json.dumps(roles))
    with _program(lambda program: _pass_on(program, tell), *command, folder=FOLDER):
        yield


def _pass_on(program: Program, tell: Tell) -> None:
    while True:
        line = program.line(_LONGEST_S)
        if line:  # some library prints an empty one when its connection is lost
            tell(*json.loads(line))


@contextmanager
def curl(roles: Roles, tell: Tell) -> Iterator[None]:
    """Run a curl for each role; what it ends with is its exit code."""
    with ExitStack() as running:
        for name, (client, url) in roles.items():

            def read(program: Program, name: str = name) -> None:
                try:
                    _read_lines(program, name, tell)
                except EOFError:
                    tell(name, "end", f"exit code {program.exit_code()}")

            command = (*client.split(), "--silent", "--no-buffer", url)
            running.enter_context(_program(read, *command, folder=FOLDER))
        yield


def _read_lines(program: Program, name: str, tell: Tell) -> None:
    while True:
        kind = program.line(_LONGEST_S).removeprefix("event: ")
        data = program.line(_LONGEST_S).removeprefix("data: ")
        assert (program.line(), program.line()) == ("id: -", "")
        tell(name, kind, data)


@contextmanager
def raw(roles: Roles, tell: Tell) -> Iterator[None]:
    """Speak HTTP/1.0 on a socket."""
    with ExitStack() as opened:
        for name, (_, url) in roles.items():
            parts = urlsplit(url)
            port, target = parts.port or 80, f"{parts.path}?{parts.query}"
            stream = (
                GzipStream(port, target, accept="", version="1.0")
                if "compression=gzip" in target
                else RawStream(port, target, version="1.0")
            )

            def read(stream: RawStream = stream, name: str = name) -> None:
                try:
                    _read_events(stream, name, tell)
                except EOFError:
                    tell(name, "end", "closed")

            opened.enter_context(_thread(read))
            opened.enter_context(stream)
        yield


def _read_events(stream: RawStream, name: str, tell: Tell) -> None:
    headers = stream.head().headers
    assert "transfer-encoding" not in headers
    tell(name, "encoding", headers.get("content-encoding", "identity"))
    while True:
        event = stream.event(within_s=_LONGEST_S)
        tell(name, event.kind, event.data)


@contextmanager
def browser(roles: Roles, tell: Tell) -> Iterator[None]:
    """Open an EventSource for each role, in one tab of Chromium."""
    first = urlsplit(next(iter(roles.values()))[1])
    polyfill = (FOLDER / "node_modules" / POLYFILL / "src" / "eventsource.js").read_text()
    stop = threading.Event()
    with Browser() as chromium:
        tab = chromium.open(f"{first.scheme}://{first.netloc}/{BLANK_PATH}")
        tab.run(polyfill)
        tab.run(_LISTEN, *roles.items())
        with _thread(lambda: _poll(tab, stop, tell)):
            try:
                yield
            finally:
                stop.set()


def _poll(tab: Tab, stop: threading.Event, tell: Tell) -> None:
    while not stop.wait(_POLL_S):
        for name, kind, data in tab.run("return told.splice(0);"):
            tell(name, kind, data)


WORLDS: Mapping[str, World] = {
    "browser": browser,
    "python": python,
    "node": node,
    "curl": curl,
    "raw": raw,
}
