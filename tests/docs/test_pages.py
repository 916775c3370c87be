"""The documents' pages and snippets do in Chromium what their text says."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import Block, blocks
from tests.docs.pages import page_of
from tests.docs.programs import ADDRESS
from tests.support.browser import Browser, Tab
from tests.support.files import served
from tests.support.server import Server
from tests.support.waiting import wait_until

PAGES = [block for block in blocks() if block.mark in ("browser", "page")]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """An empty folder, and the URL that it is served at."""
    with served(tmp_path) as url:
        yield tmp_path, url


def opened(block: Block, folder: tuple[Path, str], browser: Browser, server: Server) -> Tab:
    """Open the page that ``block`` is, or that runs it, from an origin of its own."""
    text = block.text.replace(ADDRESS, f"127.0.0.1:{server.port}")
    if block.mark == "browser":
        text = page_of(text)
    (folder[0] / "page.html").write_text(text, encoding="utf-8")
    return browser.open(folder[1] + "page.html")


def wait_for_text(tab: Tab, text: str) -> None:
    """Wait until ``text`` stands on the page."""

    def stands_there() -> bool:
        return text in str(tab.run("return document.body.innerText;"))

    try:
        wait_until(stands_there, repr(text), within_s=15)
    except TimeoutError:
        raise AssertionError(tab.run("return document.body.innerText;")) from None


@pytest.mark.timeout(90)
@pytest.mark.parametrize("block", PAGES, ids=str)
def test_a_page_or_snippet_shows_what_its_mark_says(
    block: Block, folder: tuple[Path, str], browser: Browser, demo: Server
) -> None:
    tab = opened(block, folder, browser, demo)
    for text in block.words.partition(": ")[2 if block.mark == "page" else 0].split(" / "):
        wait_for_text(tab, text)
    tab.close()


@pytest.mark.timeout(90)
def test_the_page_of_the_tutorial_says_why_it_waits_when_the_server_stops(
    folder: tuple[Path, str], browser: Browser
) -> None:
    (page,) = [block for block in PAGES if block.mark == "page"]
    with Server("--demo", "100") as server:
        tab = opened(page, folder, browser, server)
        wait_for_text(tab, "completed")
        os.kill(server.pid, signal.SIGTERM)  # it says so until it tries again, which is soon
        wait_for_text(tab, "waiting: the server is stopping; connect again")
    tab.close()
