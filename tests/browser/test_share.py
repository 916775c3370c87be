"""``share: true`` in Chromium: one connection for all tabs and listeners of an origin."""

from tests.browser.conftest import Site
from tests.support.browser import BLANK_PATH
from tests.support.server import Server
from tests.support.waiting import wait_until

TABS_LIMIT = 6
"""Connections that Chromium opens to one HTTP/1.1 server."""


def test_two_tabs_share_one_connection(site: Site) -> None:
    tabs = [site.open(), site.open()]
    for number, tab in enumerate(tabs):
        tab.listen("it", ("exchange/test", f"{number}.#"), share=True)
        tab.wait("it", "readies")
    wait_until(lambda: site.clients() == 1, "one stream")
    for number in (0, 1):
        site.publish("exchange/test", f"{number}.x", number)
    site.publish("exchange/test", "none", 9, cc=["0.cc", "1.cc"])
    for number, tab in enumerate(tabs):
        assert tab.wait("it", "messages", 2) == [number, 9]
        assert tab.told("it")["gaps"] == []
    assert site.clients() == 1


def test_more_listeners_than_a_browser_has_connections_are_all_ready(site: Site) -> None:
    tabs = [site.open(), site.open()]
    names = [f"listener {number}" for number in range(TABS_LIMIT + 2)]
    for tab in tabs:
        for name in names:
            tab.listen(name, ("exchange/test", f"{name}.#"), share=True)
    for tab in tabs:
        for name in names:
            tab.wait(name, "readies")
    wait_until(lambda: site.clients() == 1, "one stream")
    site.publish("exchange/test", f"{names[-1]}.x", "last")
    for tab in tabs:
        assert tab.wait(names[-1], "messages") == ["last"]
        assert tab.told(names[0])["messages"] == []


def test_a_tab_that_comes_and_goes_costs_the_others_nothing(site: Site) -> None:
    steady = site.open()
    steady.listen("it", ("exchange/test", "n.#"), share=True)
    steady.wait("it", "readies")
    sent = 0

    def publish_some() -> None:
        nonlocal sent
        for _ in range(20):
            site.publish("exchange/test", f"n.{sent}", sent)
            sent += 1

    for number in range(3):
        passing = site.open()
        passing.listen("it", ("exchange/test", f"passing.{number}"), share=True)
        publish_some()
        passing.wait("it", "readies")
        publish_some()
        passing.close()
        publish_some()
    assert steady.wait("it", "messages", sent) == list(range(sent))
    assert steady.told("it")["gaps"] == []


def test_a_refused_listener_leaves_the_others_alone(site: Site) -> None:
    tab = site.open()
    tab.listen("good", ("exchange/test", "#"), share=True)
    tab.wait("good", "readies")
    tab.listen("bad", ("exchange/test", "x" * 256), share=True)
    (error,) = tab.wait("bad", "errors")
    assert "256 bytes" in error["message"]
    site.publish("exchange/test", "a", 1)
    assert tab.wait("good", "messages") == [1]
    assert tab.told("good")["errors"] == []


def test_a_tab_changes_its_bindings_and_the_others_notice_nothing(site: Site) -> None:
    tabs = [site.open(), site.open()]
    for tab in tabs:
        tab.listen("it", ("exchange/test", "n.#"), share=True)
        tab.wait("it", "readies")
    lists: list[list[tuple[str, str]]] = [
        [("exchange/test", "n.#"), ("exchange/new", "#")],
        [("exchange/test", "n.#"), ("exchange/newer", "#")],
        [("exchange/test", "#")],
    ]
    sent = 0
    for count, bindings in enumerate(lists, start=1):
        tabs[0].rebind("it", *bindings)
        while len(tabs[0].told("it")["rebinds"]) < count:
            site.publish("exchange/test", f"n.{sent}", sent)
            sent += 1
        site.publish("exchange/newer" if count == 2 else "exchange/new", "a", f"list {count}")
    site.publish("exchange/test", "n.last", sent)
    wanted = list(range(sent + 1))
    assert tabs[1].wait("it", "messages", len(wanted)) == wanted
    messages = tabs[0].wait("it", "messages", len(wanted) + 2)
    assert [each for each in messages if each not in wanted] == ["list 1", "list 2"]
    assert [each for each in messages if each in wanted] == wanted
    for tab in tabs:
        told = tab.told("it")
        assert (told["gaps"], told["errors"], len(told["readies"])) == ([], [], 1)
    wait_until(lambda: site.clients() == 1, "one stream")


def test_a_change_that_is_refused_names_the_tab_s_own_entry(site: Site) -> None:
    tabs = [site.open(), site.open()]
    for tab in tabs:
        tab.listen("it", ("exchange/test", "n.#"), share=True)
        tab.wait("it", "readies")
    tabs[0].rebind("it", ("exchange/z", "#"), ("exchange/y", "x" * 256), ("exchange/a", "#"))
    (refusal,) = tabs[0].wait("it", "rebinds")
    assert refusal == "bindings[1]: routingKeyPattern is 256 bytes, the limit is 255"
    site.publish("exchange/test", "n.1", 1)
    for tab in tabs:
        assert tab.wait("it", "messages") == [1]
        assert (tab.told("it")["gaps"], tab.told("it")["errors"]) == ([], [])


def test_changed_bindings_outlive_the_worker_and_the_cache(site: Site) -> None:
    tab = site.open()
    tab.listen("it", ("exchange/test", "old"), share=True)
    tab.wait("it", "readies")
    tab.rebind("it", ("exchange/test", "new"))
    assert tab.wait("it", "rebinds") == ["in force"]
    assert site.browser.end_shared_workers() == 1
    tab.wait("it", "readies", 2)
    tab.go(f"{site.server.url}{BLANK_PATH}?other")
    tab.back()
    tab.wait("it", "readies", 3)
    for key in ("old", "new"):
        site.publish("exchange/test", key, key)
    assert tab.wait("it", "messages") == ["new"]
    assert tab.told("it")["gaps"] == []
    tab.run("recorder.close('it');")
    wait_until(lambda: site.clients() == 0, "no stream")


def test_all_tabs_are_told_of_a_killed_server_and_come_back(site: Site) -> None:
    tabs = [site.open(), site.open()]
    for tab in tabs:
        tab.listen("it", ("exchange/test", "#"), share=True)
        tab.wait("it", "readies")
    site.server.kill()
    for tab in tabs:
        tab.wait("it", "errors")
    with Server("--port", str(site.server.port)) as again:
        for tab in tabs:
            assert tab.wait("it", "readies", 2)[1] == {"first": False, "resumed": False}
            assert len(tab.wait("it", "gaps")) == 1
        assert Site(site.browser, again).clients() == 1


def test_the_connection_ends_with_the_last_listener(site: Site) -> None:
    tabs = [site.open(), site.open()]
    for tab in tabs:
        tab.listen("it", ("exchange/test", "#"), share=True)
        tab.wait("it", "readies")
    tabs[0].run("recorder.close('it');")
    site.publish("exchange/test", "a", 1)
    tabs[1].wait("it", "messages")
    tabs[1].close()
    wait_until(lambda: site.clients() == 0, "no stream")


def test_a_page_that_comes_back_from_the_cache_shares_again(site: Site) -> None:
    tabs = [site.open(), site.open()]
    for tab in tabs:
        tab.listen("it", ("exchange/test", "#"), share=True)
        tab.wait("it", "readies")
    tabs[0].go(f"{site.server.url}{BLANK_PATH}?other")
    site.publish("exchange/test", "a", "while it was away")
    tabs[0].back()
    for tab in tabs:
        assert tab.wait("it", "messages") == ["while it was away"]
        assert tab.told("it")["gaps"] == []
    wait_until(lambda: site.clients() == 1, "one stream")
    site.publish("exchange/test", "a", "later")
    for tab in tabs:
        assert tab.wait("it", "messages", 2) == ["while it was away", "later"]


def test_without_shared_workers_the_listeners_of_a_tab_share(site: Site) -> None:
    tabs = [site.open(), site.open()]
    for tab in tabs:
        tab.run("delete globalThis.SharedWorker;")
        for number in range(TABS_LIMIT + 2):
            tab.listen(f"listener {number}", ("exchange/test", f"{number}"), share=True)
    for tab in tabs:
        for number in range(TABS_LIMIT + 2):
            tab.wait(f"listener {number}", "readies")
    wait_until(lambda: site.clients() == len(tabs), "one stream a tab")


def test_a_worker_that_ends_is_replaced(site: Site) -> None:
    tabs = [site.open(), site.open()]
    for tab in tabs:
        tab.listen("it", ("exchange/test", "#"), share=True)
        tab.wait("it", "readies")
    assert site.browser.end_shared_workers() == 1
    site.publish("exchange/test", "a", 1)
    for tab in tabs:
        assert tab.wait("it", "messages") == [1]
        assert tab.told("it")["readies"][1] == {"first": False, "resumed": True}
        assert tab.told("it")["gaps"] == []
    wait_until(lambda: site.clients() == 1, "one stream")
    site.publish("exchange/test", "a", 2)
    for tab in tabs:
        assert tab.wait("it", "messages", 2) == [1, 2]
