"""The inspector's table in Chromium: what comes is seen, held, filtered, and stays where it is."""

import re
import uuid

import pytest
from selenium.webdriver import Keys

from tests.browser.conftest import Site
from tests.browser.inspector import Inspector, fragment
from tests.support.browser import Browser
from tests.support.server import Server
from tests.support.waiting import wait_until

AGE, EXCHANGE, KEY, PAYLOAD = range(4)
ALIVE_WITHIN_MS = 1000
# Not as the driver does, which first scrolls to what it clicks.
PRESS = """
const { left, top } = document.querySelector("#grid").getBoundingClientRect();
const cell = document.elementFromPoint(left + 20, top + 60);
const options = { bubbles: true, button: 0, pointerType: "mouse" };
cell.dispatchEvent(new PointerEvent("pointerdown", options));
cell.click();
"""


class Feed:
    """An exchange of the test's own, and the page that listens to it."""

    def __init__(self, site: Site, **view: str) -> None:
        self._site = site
        self.exchange = f"exchange/{uuid.uuid4().hex[:8]}"
        url = site.server.url
        self.page = Inspector(site.browser, url, fragment((self.exchange, "#"), **view))
        self.page.wait_listening()

    def publish(self, *keys: str) -> None:
        """Publish a message for each key, which the payload holds too."""
        for number, key in enumerate(keys):
            self._site.publish(self.exchange, key, {"key": key, "number": number})

    def shown(self, *keys: str) -> None:
        """Wait until exactly these are seen, the newest first."""
        self.page.wait_column(KEY, list(keys))


@pytest.fixture
def feed(quiet: Site) -> Feed:
    """A page that listens to an exchange of the test's own."""
    return Feed(quiet)


def test_with_the_demo_the_page_is_alive_within_a_second(tabs: Browser) -> None:
    with Server("--demo", "50") as server:
        page = Inspector(tabs, server.url)
        wait_until(lambda: page.watched()["firstRowMs"], "a row")
        assert page.watched()["firstRowMs"] < ALIVE_WITHIN_MS
        page.wait_listening()
        assert any("task-" in cell for cell in page.column(EXCHANGE))
        assert len(page.texts("#editor .binding")) == 4
        assert page.fragment.startswith(
            "#b=exchange/taskcluster-queue/v1/task-pending=primary.%23&"
        )


def test_the_newest_message_is_at_the_top_and_the_title_counts(feed: Feed) -> None:
    feed.publish("a.one", "a.two", "a.three")
    feed.shown("a.three", "a.two", "a.one")
    top = feed.page.rows()[0]
    assert top.cells[EXCHANGE] == feed.exchange
    assert top.cells[PAYLOAD] == '{"key":"a.three","number":2}'
    wait_until(lambda: feed.page.tab.run("return document.title;") == "(3) pulse-events", "title")
    assert feed.page.text("#counts") == "3 received"


def test_ages_tick_and_the_mark_of_what_is_new_goes(feed: Feed) -> None:
    feed.page.tab.run(NOTE_FIRST_ROW)
    feed.publish("a")
    feed.shown("a")
    look = "return globalThis.firstRow ?? null;"  # the next frame notes it
    wait_until(lambda: feed.page.tab.run(look), "the first row is noted")
    assert feed.page.tab.run(look) == ["now", True]
    wait_until(lambda: re.fullmatch(r"\d s", feed.page.column(AGE)[0]), "an age in seconds")
    wait_until(lambda: "fresh" not in feed.page.rows()[0].classes, "no mark")


NOTE_FIRST_ROW = """
(function look() {
  const row = document.querySelector("#grid-body [role=row]:not([hidden])");
  if (!row) return requestAnimationFrame(look);
  globalThis.firstRow = [row.firstChild.textContent, row.classList.contains("fresh")];
})();
"""


def test_few_rows_are_in_the_document_however_many_came(feed: Feed) -> None:
    feed.publish(*(f"n.{number}" for number in range(300)))
    feed.page.wait("#counts", "300 received")
    assert 10 < len(feed.page.rows()) < 60
    feed.page.tab.press("t", Keys.END)
    wait_until(lambda: feed.page.column(KEY)[-1] == "n.0", "the oldest")
    assert len(feed.page.texts("#grid-body [role=row]")) < 80
    assert feed.page.tab.find("#grid").get_attribute("aria-rowcount") == "301"


def test_what_is_read_does_not_move_while_more_comes(feed: Feed) -> None:
    feed.publish(*(f"n.{number}" for number in range(100)))
    feed.page.wait("#counts", "100 received")
    feed.page.tab.run("document.querySelector('#grid').scrollTop = 1000;")
    wait_until(lambda: "n.60" in feed.page.column(KEY), "rows further down")
    before = feed.page.tab.run(TOP_ROW)
    feed.publish("later.1", "later.2")
    feed.page.wait("#newer", "2 newer")
    assert feed.page.tab.run(TOP_ROW) == before
    feed.page.tab.find("#newer").click()
    wait_until(lambda: feed.page.column(KEY)[:2] == ["later.2", "later.1"], "the newest")


TOP_ROW = """
const { left, top } = document.querySelector("#grid").getBoundingClientRect();
return document.elementsFromPoint(left + 300, top + 60)
  .find((each) => each.role === "gridcell").textContent;
"""


def test_a_pause_holds_the_table_and_loses_nothing(feed: Feed) -> None:
    feed.publish("before")
    feed.shown("before")
    feed.page.tab.press("t", "p")
    feed.page.wait("#pause", "Resume")
    feed.publish("held.1", "held.2", "held.3")
    feed.page.wait("#pause", "3 held")
    assert feed.page.column(KEY) == ["before"]
    assert feed.page.tab.find("#pause").get_attribute("aria-pressed") == "true"
    feed.page.click("Resume · 3 held")
    feed.shown("held.3", "held.2", "held.1", "before")
    feed.publish("after")
    feed.shown("after", "held.3", "held.2", "held.1", "before")


def test_a_filter_shows_some_of_what_is_kept_and_of_what_comes(feed: Feed) -> None:
    feed.publish("red.1", "blue.1", "red.2")
    feed.page.wait("#counts", "3 received")
    feed.page.filter("red")
    feed.shown("red.2", "red.1")
    feed.page.wait("#filter-count", "2 of 3")
    feed.publish("blue.2", "red.3")
    feed.shown("red.3", "red.2", "red.1")
    feed.page.filter("number:=1 -key:red")
    feed.shown("blue.1")
    assert "f=number:%3D1%20-key:red" in feed.page.fragment
    feed.page.tab.find("#filter").send_keys(Keys.ESCAPE)
    feed.shown("red.3", "blue.2", "red.2", "blue.1", "red.1")


def test_a_filter_that_nothing_passes_says_so(feed: Feed) -> None:
    feed.publish("a")
    feed.page.filter("nothing-has-this")
    feed.page.wait("#empty", "Nothing that came passes the filter")
    assert feed.page.rows() == []


def test_a_cell_s_value_becomes_the_filter_by_a_key(feed: Feed) -> None:
    feed.publish("one", "two", "two")
    feed.shown("two", "two", "one")
    feed.page.tab.press("t", Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, "f")
    feed.shown("two", "two")
    assert feed.page.tab.find("#filter").get_attribute("value") == "routingKey:=two"
    feed.page.filter("")
    feed.page.tab.press("t", Keys.HOME, "x")
    feed.shown("one")


def test_columns_are_chosen_and_kept_in_the_url(feed: Feed) -> None:
    feed.publish("a.b")
    feed.shown("a.b")
    feed.page.click("Columns")
    feed.page.tab.find("#columns input[name=payload]").click()
    feed.page.tab.find("#columns input[name=cc]").click()
    feed.page.tab.find("#columns form input").send_keys("number", Keys.ENTER)
    feed.page.tab.press(Keys.ESCAPE)
    heads = ["Age", "Exchange", "Routing key", "CC", "number"]
    wait_until(lambda: feed.page.texts("#grid [role=columnheader]") == heads, str(heads))
    feed.page.wait_column(4, ["0"])
    assert feed.page.fragment.endswith("&c=time,exchange,key,cc,payload.number")


def test_clear_forgets_what_came(feed: Feed) -> None:
    feed.publish("a", "b")
    feed.shown("b", "a")
    feed.page.click("Clear")
    feed.shown()
    assert feed.page.text("#counts") == "0 received"
    feed.publish("c")
    feed.shown("c")


def test_a_message_that_is_closed_leads_back_to_the_newest_however_much_comes(
    tabs: Browser,
) -> None:
    with Server("--demo", "1000") as server:
        page = Inspector(tabs, server.url)
        page.look(width=1280, height=400)  # few rows, and more come between two drawings
        wait_until(lambda: len(page.rows()) > 5, "rows to press")
        for _ in range(5):
            page.tab.run(PRESS)
            page.wait("#newer", "newer")
            page.click("Close (Escape)", "#detail")
            wait_until(lambda: not page.tab.find("#newer").is_displayed(), "the newest", within_s=3)


def test_rates_are_drawn_and_told_for_each_exchange(feed: Feed) -> None:
    feed.publish("a", "b", "c")
    wait_until(lambda: feed.page.texts("#chart tbody td:last-child") == ["3"], "the count")
    assert feed.page.texts("#chart tbody th") == [feed.exchange]
    assert len(feed.page.texts("#chart svg polygon")) == 1
    top = feed.page.tab.find("#chart .top-label")
    assert top.value_of_css_property("background-color") != "rgba(0, 0, 0, 0)"  # areas are behind
    label = feed.page.tab.find("#chart svg").get_attribute("aria-label")
    assert re.fullmatch(r"Rates of 1 exchange; now [\d.]+/s in all", str(label))
    feed.page.tab.find("#chart tbody button").click()
    assert feed.page.tab.find("#filter").get_attribute("value") == f"exchange:={feed.exchange}"


def test_lines_of_the_rates_do_not_change_places_for_a_message_more(quiet: Site) -> None:
    one, two = (f"exchange/{uuid.uuid4().hex[:8]}" for _ in range(2))
    page = Inspector(quiet.browser, quiet.server.url, fragment((one, "#"), (two, "#"), t="now"))
    page.wait_listening()

    def come(exchange: str, count: int) -> None:
        for _ in range(count):
            quiet.publish(exchange, "key", 1)

    come(one, 4)
    wait_until(lambda: page.texts("#chart tbody td:last-child") == ["4"], "the first")
    come(two, 2)
    wait_until(lambda: page.texts("#chart tbody td:last-child") == ["4", "2"], "the second")
    come(two, 4)
    wait_until(lambda: page.texts("#chart tbody td:last-child") == ["4", "6"], "the second below")
    assert page.texts("#chart tbody th") == [one, two]
    come(two, 9)
    wait_until(lambda: page.texts("#chart tbody td:last-child") == ["15", "4"], "the second above")
    assert page.texts("#chart tbody th") == [two, one]


@pytest.mark.parametrize("after", ["", "Clear"])
def test_a_rate_is_of_the_time_since_it_listens(feed: Feed, after: str) -> None:
    page = feed.page
    if after:
        page.click(after)
    page.tab.run(
        """globalThis.highest = 0;
        const place = document.querySelector("#rate-summary");
        const look = () => (highest = Math.max(highest, parseFloat(place.textContent)));
        new MutationObserver(look).observe(place, { childList: true, characterData: true });"""
    )
    feed.publish(*["key"] * 20)
    # A mean of ten seconds would never be higher than 2.
    wait_until(lambda: page.tab.run("return highest;") > 2.5, "the rate")
