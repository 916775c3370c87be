"""Pages in Chromium that go on where they were: cut off, changed, left, from the past."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.browser.conftest import PING_S, Site
from tests.faults.figures import Figures, keep
from tests.faults.proxy import Proxy
from tests.support.browser import BLANK_PATH, Tab
from tests.support.raw_stream import connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until

EXCHANGE = "exchange/test"
CUTS = 3
SHARED = pytest.mark.parametrize("share", [False, True], ids=["alone", "shared"])


class Numbers:
    """Publishes 0, 1, 2 … with the keys ``n.0``, ``n.1`` … as fast as it can."""

    def __init__(self, site: Site) -> None:
        self.sent = 0
        self._site = site
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="numbers", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; ``sent`` is all then."""
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._site.publish(EXCHANGE, f"n.{self.sent}", self.sent)
            self.sent += 1


@contextmanager
def numbers(site: Site) -> Iterator[Numbers]:
    """Publish during the block."""
    publishing = Numbers(site)
    publishing.start()
    try:
        yield publishing
    finally:
        publishing.stop()


def got_all(tab: Tab, sent: int) -> None:
    """Wait for all numbers; each must have come once, in order, and no gap."""
    assert tab.wait("it", "messages", sent, within_s=20) == list(range(sent))
    assert tab.told("it")["gaps"] == []


def has(tab: Tab, expression: str, count: int) -> None:
    """Wait until what a script counts is so many."""
    wait_until(lambda: tab.run(f"return {expression};") >= count, expression, within_s=15)


@SHARED
def test_a_page_that_is_cut_off_again_and_again_gets_each_message_once(
    site: Site, share: bool
) -> None:
    with Proxy(site.server.port) as proxy:
        tab = site.browser.open(f"http://127.0.0.1:{proxy.port}/{BLANK_PATH}")
        tab.listen("it", (EXCHANGE, "n.#"), share=share)
        tab.wait("it", "readies")
        with numbers(site) as publishing:
            for cut in range(CUTS):
                tab.wait("it", "messages", publishing.sent)
                proxy.cut()
                proxy.mend()
                tab.wait("it", "readies", cut + 2)
        got_all(tab, publishing.sent)
        assert all(each["resumed"] for each in tab.told("it")["readies"][1:])
        assert len(tab.told("it")["readies"]) == 1 + CUTS


@SHARED
def test_a_page_that_changes_its_bindings_under_load_gets_each_message_once(
    site: Site, share: bool
) -> None:
    tab = site.open()
    tab.listen("it", (EXCHANGE, "n.#"), share=share)
    tab.wait("it", "readies")
    lists: list[list[tuple[str, str]]] = [
        [(EXCHANGE, "n.#"), ("exchange/new", "#")],
        [(EXCHANGE, "#")],
        [(EXCHANGE, "n.#"), ("exchange/newer", "#")],
        [(EXCHANGE, "n.#")],
    ]
    with numbers(site) as publishing:
        for count, bindings in enumerate(lists, start=1):
            tab.wait("it", "messages", publishing.sent)
            tab.rebind("it", *bindings)
            assert tab.wait("it", "rebinds", count)[-1] == "in force"
    got_all(tab, publishing.sent)
    assert len(tab.told("it")["readies"]) == 1
    wait_until(lambda: site.clients() == 1, "one stream")


@SHARED
def test_a_page_that_is_left_and_comes_back_has_all_that_came_meanwhile(
    site: Site, share: bool
) -> None:
    tabs = [site.open(), site.open()]
    for tab in tabs:
        tab.listen("it", (EXCHANGE, "n.#"), share=share)
        tab.wait("it", "readies")
    with numbers(site) as publishing:
        for _ in range(2):
            tabs[0].wait("it", "messages", publishing.sent)
            tabs[0].go(f"{site.server.url}{BLANK_PATH}?other")
            tabs[1].wait("it", "messages", publishing.sent + 20)
            tabs[0].back()
    for tab in tabs:
        got_all(tab, publishing.sent)
    wait_until(lambda: site.clients() == (1 if share else 2), "no stream is left over")


def test_a_worker_that_ends_under_load_costs_nothing(site: Site) -> None:
    tabs = [site.open(), site.open()]
    for tab in tabs:
        tab.listen("it", (EXCHANGE, "n.#"), share=True)
        tab.wait("it", "readies")
    with numbers(site) as publishing:
        tabs[0].wait("it", "messages", publishing.sent)
        assert site.browser.end_shared_workers() == 1
        for tab in tabs:
            tab.wait("it", "readies", 2)
    for tab in tabs:
        got_all(tab, publishing.sent)
    wait_until(lambda: site.clients() == 1, "one stream")


@SHARED
def test_a_page_begins_in_the_past(site: Site, share: bool) -> None:
    tab = site.open()
    tab.listen("first", (EXCHANGE, "#"))
    tab.wait("first", "readies")
    for number in range(5):
        site.publish(EXCHANGE, "a", number)
    tab.wait("first", "messages", 5)
    cursor = tab.run("return recorder.listenings.get('first').listening.cursor;")
    site.publish(EXCHANGE, "a", 5)
    tab.listen("last", (EXCHANGE, "#"), share=share, last=2)
    tab.listen("since", (EXCHANGE, "#"), share=share, since="10m")
    tab.listen("cursor", (EXCHANGE, "#"), share=share, cursor=cursor)
    assert tab.wait("last", "messages", 2) == [4, 5]
    assert tab.wait("since", "messages", 6) == list(range(6))
    assert tab.wait("cursor", "messages", 1) == [5]
    wait_until(lambda: site.clients() == (2 if share else 4), "those that share have one stream")
    site.publish(EXCHANGE, "a", 6)
    for name, count in (("last", 3), ("since", 7), ("cursor", 2)):
        assert tab.wait(name, "messages", count)[-1] == 6
    # Ten minutes ago there was no server.
    assert [len(tab.told(name)["gaps"]) for name in ("last", "since", "cursor")] == [0, 1, 0]


@SHARED
def test_a_wrong_beginning_is_refused_in_the_servers_words(site: Site, share: bool) -> None:
    tab = site.open()
    tab.listen("it", (EXCHANGE, "#"), share=share, since="yesterday")
    (error,) = tab.wait("it", "errors")
    assert error["permanent"]
    assert "since" in error["message"]


def test_a_server_that_keeps_no_history_is_listened_to_as_before(site: Site) -> None:
    options = ("--history", "off", "--ping-interval", str(PING_S))
    with Server(*options) as server:
        tab = site.browser.open(server.url + BLANK_PATH)
        tab.listen("it", (EXCHANGE, "#"))
        tab.wait("it", "readies")
        tab.go(f"{server.url}{BLANK_PATH}?other")
        tab.back()
        tab.wait("it", "readies", 2)
        (gap,) = tab.told("it")["gaps"]
        assert gap["reason"] == "the page was left and came back"
        tab.listen("past", (EXCHANGE, "#"), last=1)
        (error,) = tab.wait("past", "errors")
        assert "this server keeps no history" in error["message"]


@pytest.mark.timeout(60)
def test_an_event_source_goes_on_with_nothing_but_resume_in_its_url(site: Site) -> None:
    with Proxy(site.server.port) as proxy:
        tab = site.browser.open(f"http://127.0.0.1:{proxy.port}/{BLANK_PATH}")
        tab.run(
            """
            globalThis.got = [];
            globalThis.readies = 0;
            globalThis.source = new EventSource(args[0]);
            source.addEventListener("ready", () => (readies += 1));
            source.addEventListener("message", ({ data }) => got.push(JSON.parse(data).payload));
            """,
            connect_target((EXCHANGE, "n.#"), resume="true"),
        )
        has(tab, "readies", 1)
        with numbers(site) as publishing:
            for cut in range(CUTS):
                has(tab, "got.length", 20 * (cut + 1))
                proxy.cut()
                proxy.mend()
                has(tab, "readies", cut + 2)  # the server has the browser wait for 1 to 5 s
        has(tab, "got.length", publishing.sent)
        got = tab.run("source.close(); return got;")
        lost, doubled = publishing.sent - len(set(got)), len(got) - len(set(got))
        row = f"connection cut {CUTS} times: Chromium's `EventSource`"
        keep(Figures(row, publishing.sent, lost, doubled))
        assert got == list(range(publishing.sent))
