"""Servers for the documents' commands and pages, and the browser that opens the pages."""

from collections.abc import Iterator

import pytest

from tests.support.browser import Browser
from tests.support.server import Server


@pytest.fixture(scope="session")
def demo() -> Iterator[Server]:
    """A server with the demo, more of it than ``make run`` has."""
    with Server("--demo", "100") as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The session's browser for pages of the documents."""
    with Browser() as running:
        yield running
