"""What the page loads, in which order, and what it does while a part of it is on its way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from tests.browser.conftest import Site
from tests.browser.inspector import Inspector, fragment, rows_of
from tests.faults.proxy import Proxy
from tests.support.browser import Tab
from tests.support.waiting import wait_until

EXCHANGE = "exchange/weight"
KEY = 2
MOST_BYTES = 60_000
MOST_REQUESTS = 12
SLOW_BYTES_PER_S = 10_000
"""The page takes some 5 s then."""
_LOADED = """
return performance.getEntries()
  .filter(({ entryType }) => ["navigation", "resource"].includes(entryType))
  .map(({ name, transferSize, responseEnd }) => [new URL(name).pathname, transferSize, responseEnd])
"""


class Loaded(NamedTuple):
    """One thing that the page has loaded."""

    path: str
    size_bytes: int
    at_ms: float
    """When it was there, from the page's beginning on."""


def loaded(tab: Tab) -> list[Loaded]:
    """Return what a tab has loaded, streams left out."""
    found = [Loaded(*each) for each in tab.run(_LOADED)]
    return [each for each in found if "/connect" not in each.path]


def names(tab: Tab) -> list[str]:
    """Return the names of the page's own files that a tab has loaded, without their hashes."""
    paths = [each.path for each in loaded(tab)]
    return [path.split("/")[-1].rpartition("-")[0] for path in paths if "/static/" in path]


@contextmanager
def slow_line(site: Site, exchange: str = EXCHANGE) -> Iterator[tuple[Tab, Proxy]]:
    """Open the page through a slow line, and go on before it is there."""
    with Proxy(site.server.port) as line:
        line.throttle(SLOW_BYTES_PER_S)
        tab = site.browser.open("about:blank")
        url = f"http://127.0.0.1:{line.port}/{fragment((exchange, '#'))}"
        tab.command("Network.clearBrowserCache")
        tab.command("Page.navigate", url=url)
        yield tab, line


def text(tab: Tab, css: str) -> str:
    """Return an element's text; none if it is not there."""
    return str(tab.run("return document.querySelector(args[0])?.textContent ?? '';", css))


def keys(tab: Tab) -> list[str]:
    """Return the keys of the rows, from the top."""
    return [row.cells[KEY] for row in rows_of(tab)]


def test_the_page_loads_little_each_once_and_from_its_cache_the_second_time(
    quiet: Site,
) -> None:
    tab = quiet.browser.open("about:blank")
    tab.command("Network.clearBrowserCache")
    page = Inspector(quiet.browser, quiet.server.url, fragment((EXCHANGE, "#")))
    page.wait_listening()
    wait_until(lambda: "tools" in names(page.tab), "all of it")
    found = loaded(page.tab)
    assert sum(each.size_bytes for each in found) <= MOST_BYTES
    assert len(found) <= MOST_REQUESTS
    assert len({each.path for each in found}) == len(found)
    again = Inspector(quiet.browser, quiet.server.url, fragment((EXCHANGE, "#")))
    again.wait_listening()
    wait_until(lambda: "tools" in names(again.tab), "all of it")
    asked = [each.path for each in loaded(again.tab) if each.size_bytes]
    assert set(asked) <= {"/", "/events/v1/config"}


def test_the_stream_is_asked_for_while_the_page_is_on_its_way_and_nothing_of_it_is_lost(
    site: Site,
) -> None:
    with slow_line(site) as (tab, line):
        wait_until(lambda: site.clients() == 1, "the stream", within_s=20)
        assert "main" not in names(tab)
        assert text(tab, "#phase") == "starting"
        for number in range(5):
            site.publish(EXCHANGE, f"early.{number}", number)
        line.throttle(0)
        wait_until(lambda: len(keys(tab)) == 5, "what came meanwhile")
        site.publish(EXCHANGE, "late", 1)
        wanted = ["late", *(f"early.{number}" for number in reversed(range(5)))]
        wait_until(lambda: keys(tab) == wanted, "all in order")
        assert site.clients() == 1


def test_a_refusal_that_comes_before_the_page_is_there_leaves_nothing_to_stop(site: Site) -> None:
    with slow_line(site, "") as (tab, line):
        wait_until(lambda: "main" in names(tab), "the page", within_s=20)
        line.throttle(0)
        wait_until(lambda: text(tab, "#phase") == "refused", "the refusal")
        buttons = "return [...document.querySelectorAll('#editor .actions button')]"
        shown = (
            f"{buttons}.filter((each) => each.checkVisibility()).map((each) => each.textContent);"
        )
        wait_until(lambda: "Listen" in tab.run(shown), "that it can be tried")
        assert "Stop" not in tab.run(shown)


@pytest.mark.parametrize(
    ("button", "opens"), [("#show-keys", "#keys[open]"), ("#show-files", "#files:popover-open")]
)
def test_a_click_on_what_is_not_there_yet_waits_for_it(site: Site, button: str, opens: str) -> None:
    with slow_line(site) as (tab, line):
        wait_until(lambda: text(tab, "#phase") == "listening", "the first view", within_s=20)
        tab.find(button).click()
        assert "tools" not in names(tab)
        line.throttle(0)
        wait_until(
            lambda: tab.run("return document.querySelector(args[0]) !== null;", opens), opens
        )


def test_a_message_that_is_opened_before_its_pane_is_there_opens_with_it(site: Site) -> None:
    with slow_line(site) as (tab, line):
        wait_until(lambda: site.clients() == 1, "the stream", within_s=20)
        site.publish(EXCHANGE, "a.key", {"told": "in the pane"})
        wait_until(lambda: keys(tab) == ["a.key"], "its row", within_s=20)
        tab.find("#grid-body [role=gridcell]").click()
        assert "tools" not in names(tab)
        line.throttle(0)
        wait_until(lambda: "in the pane" in text(tab, "#detail"), "the pane")


@pytest.mark.parametrize(
    ("missing", "place", "words"),
    [
        ("*/page/main-*", "#reason", "part of this page is missing: reload it"),
        ("*/page/tools-*", "#banner", "Not all of this page could be loaded"),
    ],
)
def test_a_part_that_cannot_be_loaded_is_told_and_nothing_waits_for_ever(
    quiet: Site, missing: str, place: str, words: str
) -> None:
    tab = quiet.browser.open("about:blank")
    tab.command("Network.enable")
    tab.command("Network.clearBrowserCache")
    tab.command("Network.setBlockedURLs", urls=[missing])
    tab.go(quiet.server.url + fragment((EXCHANGE, "#")))
    wait_until(lambda: words in text(tab, place), words)
    if "tools" in missing:
        quiet.publish(EXCHANGE, "still", 1)
        wait_until(lambda: keys(tab)[:1] == ["still"], "the table goes on")
    else:
        wait_until(lambda: tab.run("return performance.now() > 0;"), "it runs")
        assert text(tab, "#phase") == "not loaded"


@pytest.mark.parametrize(
    "gone", [("SharedWorker",), ("SharedWorker", "Worker")], ids=["Worker", "neither"]
)
def test_the_page_listens_where_there_is_no_shared_worker(
    quiet: Site, gone: tuple[str, ...]
) -> None:
    tab = quiet.browser.open("about:blank")
    tab.command("Page.enable")
    source = "".join(f"delete globalThis.{name};" for name in gone)
    tab.command("Page.addScriptToEvaluateOnNewDocument", source=source)
    tab.go(quiet.server.url + fragment((EXCHANGE, "#"), t="now"))
    wait_until(lambda: text(tab, "#phase") == "listening", "it listens")
    quiet.publish(EXCHANGE, "alone", 1)
    wait_until(lambda: keys(tab) == ["alone"], "a message")
