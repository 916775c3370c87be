"""The inspector in Chromium with what a server holds: it begins there, goes on, and catches up."""

import uuid
from collections.abc import Iterator

import pytest
from selenium.webdriver.support.ui import Select

from tests.browser.conftest import PING_S, Site
from tests.browser.inspector import Inspector, fragment
from tests.faults.proxy import Proxy
from tests.support.browser import Browser
from tests.support.server import Server
from tests.support.waiting import wait_until

AGE, EXCHANGE, KEY, _PAYLOAD = range(4)
PHASES = """
globalThis.phases = [];
new MutationObserver(() => phases.push(document.querySelector("#phase").textContent))
  .observe(document.querySelector("#phase"), { childList: true, subtree: true });
"""


@pytest.fixture
def exchange(quiet: Site) -> Iterator[str]:
    """An exchange of the test's own, of which the server holds three messages."""
    name = f"exchange/{uuid.uuid4().hex[:8]}"
    other = Inspector(quiet.browser, quiet.server.url, fragment((name, "#")))
    other.wait_listening()
    publish(quiet, name, "1", "2", "3")
    other.wait_column(KEY, ["3", "2", "1"])
    quiet.browser.close_tabs()
    yield name


def publish(site: Site, exchange: str, *keys: str) -> None:
    for key in keys:
        site.publish(exchange, key, {"key": key})


def choose(page: Inspector, start: str) -> None:
    """Choose where the stream begins, by what the control says."""
    Select(page.tab.find("#start")).select_by_visible_text(start)


def gaps(page: Inspector) -> list[str]:
    return [row.cells[0] for row in page.rows() if "gap" in row.classes]


def test_it_opens_with_what_is_held_and_goes_on_live(quiet: Site, exchange: str) -> None:
    page = Inspector(quiet.browser, quiet.server.url, fragment((exchange, "#")))
    page.wait_column(KEY, ["3", "2", "1"])
    page.wait_listening()
    assert all(age.startswith(">") for age in page.column(AGE))
    assert page.text("#rate-summary") == "0/s"
    publish(quiet, exchange, "4")
    page.wait_column(KEY, ["4", "3", "2", "1"])
    assert not page.column(AGE)[0].startswith(">")
    assert gaps(page) == []


def test_that_it_catches_up_is_said_until_it_is_live(quiet: Site, exchange: str) -> None:
    page = Inspector(quiet.browser, quiet.server.url, fragment((exchange, "#")))
    page.wait_listening()
    page.tab.run(PHASES)
    choose(page, "Since 10 min")
    said = "return phases.filter((each, i) => each && each !== phases[i - 1]);"
    wait_until(lambda: page.tab.run(said)[-1:] == ["listening"], "the end")
    assert page.tab.run(said) == ["connecting", "catching up", "listening"]
    page.wait("#announcements", "listening")


def test_a_second_tab_has_caught_up_long_before_the_next_ping(tabs: Browser) -> None:
    with Server("--ping-interval", "60", "--demo", "50") as server:
        Inspector(tabs, server.url).wait_listening()
        second = Inspector(tabs, server.url)  # it shares the first one's stream
        second.wait_listening()
        wait_until(lambda: "now" in second.column(AGE), "a row that is no older")


def test_the_control_opens_the_stream_anew_as_a_step_of_the_browser_s_history(
    quiet: Site, exchange: str
) -> None:
    page = Inspector(quiet.browser, quiet.server.url, fragment((exchange, "#")))
    page.wait_column(KEY, ["3", "2", "1"])
    choose(page, "From now")
    page.wait_column(KEY, [])
    page.wait_listening()
    assert page.fragment.endswith("&t=now")
    publish(quiet, exchange, "4")
    page.wait_column(KEY, ["4"])
    page.tab.back()
    page.wait_column(KEY, ["4", "3", "2", "1"])
    assert "t=" not in page.fragment
    choose(page, "Last 1,000")
    page.wait_column(KEY, ["4", "3", "2", "1"])
    page.wait("#counts", "4 received")


def test_the_url_says_where_it_begins(quiet: Site, exchange: str) -> None:
    page = Inspector(quiet.browser, quiet.server.url, fragment((exchange, "#"), t="2"))
    page.wait_column(KEY, ["3", "2"])
    assert Select(page.tab.find("#start")).first_selected_option.text == "Last 2"


def test_a_time_before_anybody_listened_is_a_gap_at_its_place(quiet: Site, exchange: str) -> None:
    page = Inspector(quiet.browser, quiet.server.url, fragment((exchange, "#"), t="1h"))
    wait_until(lambda: len(page.rows()) == 4, "three messages and a gap")
    assert [row.cells[KEY] for row in page.rows()[:3]] == ["3", "2", "1"]
    (gap,) = gaps(page)
    assert gap.endswith(": these bindings were not all in force before")


def test_a_stop_and_a_pause_lose_nothing_and_bring_nothing_twice(
    quiet: Site, exchange: str
) -> None:
    page = Inspector(quiet.browser, quiet.server.url, fragment((exchange, "#")))
    page.wait_column(KEY, ["3", "2", "1"])
    page.click("Stop")
    page.wait("#phase", "stopped")
    publish(quiet, exchange, "4")
    page.click("Listen")
    page.wait_column(KEY, ["4", "3", "2", "1"])
    page.wait_listening()
    page.tab.press("t", "p")
    publish(quiet, exchange, "5")
    page.wait("#pause", "1 held")
    page.click("Resume · 1 held")
    page.wait_column(KEY, ["5", "4", "3", "2", "1"])


def test_changed_bindings_go_on_where_the_others_were(quiet: Site, exchange: str) -> None:
    page = Inspector(quiet.browser, quiet.server.url, fragment((exchange, "#")))
    page.wait_column(KEY, ["3", "2", "1"])
    page.wait_listening()
    page.click("+ Add")
    page.bind(1, f"{exchange}/more", "#")
    page.click("Apply")
    wait_until(lambda: "more" in page.fragment, "the new bindings are in force")
    publish(quiet, exchange, "4")
    publish(quiet, f"{exchange}/more", "5")
    page.wait_column(KEY, ["5", "4", "3", "2", "1"])


def test_a_connection_that_breaks_brings_what_was_missed_once_and_no_gap(site: Site) -> None:
    name = "exchange/test"
    with Proxy(site.server.port) as proxy:
        page = Inspector(site.browser, f"http://127.0.0.1:{proxy.port}/", fragment((name, "#")))
        page.wait_listening()
        publish(site, name, "1", "2")
        page.wait_column(KEY, ["2", "1"])
        for number in range(3, 6):
            proxy.cut()
            page.wait("#phase", "waiting")
            publish(site, name, str(number))
            proxy.mend()
            page.wait_listening()
        page.wait_column(KEY, ["5", "4", "3", "2", "1"])
        assert page.text("#counts") == "5 received"


def test_without_a_history_there_is_nothing_to_choose(tabs: Browser) -> None:
    with Server("--history", "off", "--ping-interval", str(PING_S)) as server:
        site = Site(tabs, server)
        page = Inspector(tabs, server.url, fragment(("exchange/test", "#"), t="10m"))
        page.wait_listening()
        assert not page.tab.find("#start").is_displayed()
        publish(site, "exchange/test", "1")
        page.wait_column(KEY, ["1"])
        page.click("Stop")
        page.click("Listen")
        wait_until(lambda: len(gaps(page)) == 1, "a gap")
        assert gaps(page)[0].endswith(": it was stopped here")


def test_who_joins_what_another_listens_to_has_caught_up_at_once(tabs: Browser) -> None:
    # No ping comes by itself: what says so is that of the history's end.
    with Server("--demo", "50", "--ping-interval", "60") as server:
        view = fragment(("exchange/taskcluster-queue/v1/task-pending", "#"))
        page = Inspector(tabs, server.url, view)
        page.wait_listening()
        page.wait("#counts", "received")
        choose(page, "Since 10 min")
        page.wait_listening()
        other = Inspector(tabs, server.url, f"{view}&t=10m")
        other.wait_listening()
        for each in (page, other):
            each.wait("#chart tbody th", "task-pending")  # what comes is live
