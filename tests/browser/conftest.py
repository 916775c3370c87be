"""One browser for all tests of this folder, and servers that they need not care about."""

import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import Command
from tests.docs.terminal import Terminal
from tests.support.browser import BLANK_PATH, Browser, Tab
from tests.support.rabbit import free_port
from tests.support.server import Server, clean_environment

PING_S = 0.5
ROOT_URL = "https://tc.example.com"


class Site:
    """A server, and the browser's tabs on it."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self.browser = browser
        self.server = server
        self.publish = server.publish

    def open(self) -> Tab:
        """Open a new tab on the server's origin."""
        return self.browser.open(self.server.url + BLANK_PATH)

    def clients(self) -> int:
        """Return how many streams the server has."""
        with urllib.request.urlopen(f"{self.server.url}events/v1/stats", timeout=5) as answer:
            counts: dict[str, Any] = json.load(answer)
        return int(counts["clients"])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The session's browser, started when the first test asks for it."""
    with Browser() as running:
        yield running


@pytest.fixture
def tabs(browser: Browser) -> Iterator[Browser]:
    """The browser; the tabs that the test opens are closed after it, and must not have failed."""
    yield browser
    watched = [tab.run("return globalThis.watched ?? null;") for tab in browser.tabs()]
    browser.close_tabs()
    for noted in filter(None, watched):
        assert (noted["errors"], noted["violations"]) == ([], [])


@pytest.fixture
def site(tabs: Browser) -> Iterator[Site]:
    """A server of the test's own with short pings, and the browser."""
    with Server("--ping-interval", str(PING_S), "--max-bindings", "10000") as server:
        yield Site(tabs, server)


@pytest.fixture(scope="session")
def quiet_server() -> Iterator[Server]:
    """A server that has what the tests publish, and nothing else."""
    options = ("--ping-interval", str(PING_S))
    with Server(*options, environment={"TASKCLUSTER_ROOT_URL": ROOT_URL}) as server:
        yield server


@pytest.fixture
def quiet(tabs: Browser, quiet_server: Server) -> Site:
    """That server, and the browser."""
    return Site(tabs, quiet_server)


@contextmanager
def in_development(project: Path) -> Iterator[str]:
    """Serve a project by Vite's development server, which must have nothing to complain of.

    Yields:
        The page's URL.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    command = f"exec npx vite --host 127.0.0.1 --port {port} --strictPort"
    said = ("", "  VITE v…  ready in …", "", f"  ➜  Local:   {url}")
    with Terminal(Command(command, said), project, clean_environment()) as vite:
        vite.until_printed()
        yield url
        assert not re.search(r"warn|error|\(!\)", vite.screen, re.IGNORECASE), vite.screen
