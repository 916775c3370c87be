"""The inspector in Chromium when servers die, sleep and come back, and with RabbitMQ behind it."""

import os
import signal
import uuid

from selenium.webdriver import Keys

from tests.browser.conftest import PING_S, Site
from tests.browser.inspector import Inspector, fragment
from tests.support.amqp import Amqp
from tests.support.browser import Browser
from tests.support.rabbit import Rabbit
from tests.support.server import Server
from tests.support.waiting import wait_until

EXCHANGE = "exchange/test"
KEY = 2


def gaps(page: Inspector) -> list[str]:
    """Return the lines of the table that tell of a gap."""
    return [row.cells[0] for row in page.rows() if "gap" in row.classes]


def test_a_server_that_lost_its_history_is_found_again_with_one_gap_in_the_table(
    site: Site,
) -> None:
    page = Inspector(site.browser, site.server.url, fragment((EXCHANGE, "#")))
    page.wait_listening()
    site.publish(EXCHANGE, "before", 1)
    page.wait_column(KEY, ["before"])
    site.server.kill()
    page.wait("#phase", "waiting")
    page.wait("#reason", "the connection was lost")
    page.wait("#announcements", "waiting: the connection was lost")
    with Server("--port", str(site.server.port)) as again:
        page.wait_listening()
        wait_until(lambda: len(gaps(page)) == 1, "one gap")
        (gap,) = gaps(page)
        assert gap.startswith("Messages may be missing before ")
        assert gap.endswith(": the history was another process'")
        Site(site.browser, again).publish(EXCHANGE, "after", 1)
        wait_until(lambda: page.column(KEY)[0] == "after", "a message of the new server")
        assert [row.cells[KEY] for row in page.rows()][2] == "before"
        page.filter("nothing-has-this")
        wait_until(lambda: len(page.rows()) == 1, "the gap alone")
        assert len(gaps(page)) == 1
        page.tab.press("t", Keys.ARROW_DOWN, Keys.ENTER)
        page.wait("#detail h2", "Gap")
        page.wait("#detail dd", "nobody knows")
        assert page.phase == "listening"


def test_a_server_that_sleeps_is_stale_in_words_and_comes_back(site: Site) -> None:
    page = Inspector(site.browser, site.server.url, fragment((EXCHANGE, "#")))
    page.wait_listening()
    os.kill(site.server.pid, signal.SIGSTOP)
    try:
        page.wait("#reason", "nothing came for", within_s=20 * PING_S)
    finally:
        os.kill(site.server.pid, signal.SIGCONT)
    page.wait_listening()
    site.publish(EXCHANGE, "awake", 1)
    page.wait_column(KEY, ["awake"])
    assert gaps(page) == []


def test_a_stopping_server_is_quoted(site: Site) -> None:
    page = Inspector(site.browser, site.server.url, fragment((EXCHANGE, "#")))
    page.wait_listening()
    os.kill(site.server.pid, signal.SIGTERM)
    page.wait("#reason", "the server is stopping")  # until it tries again, which is soon
    page.wait("#reason", "again in")
    assert site.server.stop() == 0


def test_two_tabs_have_one_stream_and_each_its_own_messages(quiet: Site) -> None:
    exchange = f"exchange/{uuid.uuid4().hex[:8]}"
    wait_until(lambda: quiet.clients() == 0, "no stream of another test")
    pages = [
        Inspector(quiet.browser, quiet.server.url, fragment((exchange, f"{number}.#")))
        for number in range(2)
    ]
    for page in pages:
        page.wait_listening()
    wait_until(lambda: quiet.clients() == 1, "one stream")
    for number in range(2):
        quiet.publish(exchange, f"{number}.x", number)
    for number, page in enumerate(pages):
        page.wait_column(KEY, [f"{number}.x"])


def test_a_page_opened_before_its_server_is_there_says_so(site: Site) -> None:
    page = Inspector(site.browser, site.server.url, fragment((EXCHANGE, "#")))
    page.wait_listening()
    site.server.kill()
    page.wait("#phase", "waiting")
    page.click("Stop")
    page.wait("#phase", "stopped")
    page.click("Listen")
    page.wait("#phase", "waiting")
    with Server("--port", str(site.server.port)):
        page.wait_listening()


def test_messages_of_rabbitmq_are_seen_and_a_missing_exchange_is_told_at_its_row(
    tabs: Browser, rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    with Server("--broker", rabbit.amqp_url) as server:
        page = Inspector(tabs, server.url)
        page.wait("#empty", "Name an exchange")
        page.bind(0, exchange, "a.#")
        page.click("Listen")
        page.wait_listening()
        amqp.publish(exchange, "other", b"1")
        amqp.publish(exchange, "n", b"not json \xff", cc=["a.cc"])
        amqp.publish(exchange, "a.b", b'{"number": 12345678901234567890}')
        page.wait_column(KEY, ["a.b", "n"])
        assert page.column(3)[0] == '{"number": 12345678901234567890}'
        page.click("+ Add")
        page.bind(1, "exchange/test/missing", "#")
        page.click("Apply")
        page.wait("#editor .binding:nth-child(2) .fault", "exchange/test/missing")
        field = page.tab.find("#editor .binding:nth-child(2) .exchange")
        assert field.get_attribute("aria-invalid") == "true"
        assert page.phase == "listening"
        amqp.publish(exchange, "a.c", b"2")
        page.wait_column(KEY, ["a.c", "a.b", "n"])


def test_a_view_of_a_missing_exchange_is_refused_and_mended(
    tabs: Browser, rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    with Server("--broker", rabbit.amqp_url) as server:
        missing = ("exchange/test/missing", "#")
        page = Inspector(tabs, server.url, fragment((exchange, "#"), missing))
        page.wait("#phase", "refused")
        page.wait("#editor .binding:nth-child(2) .fault", "exchange/test/missing")
        page.click("Remove binding 2")
        page.click("Listen")
        page.wait_listening()
        amqp.publish(exchange, "a", b"1")
        page.wait_column(KEY, ["a"])


def test_a_body_nested_as_deep_as_can_be_is_shown(
    tabs: Browser, rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    with Server("--broker", rabbit.amqp_url) as server:
        page = Inspector(tabs, server.url, fragment((exchange, "#")))
        page.wait_listening()
        amqp.publish(exchange, "deep", b"[" * 900 + b"]" * 900)
        page.wait_column(KEY, ["deep"])
        page.tab.press("t", Keys.HOME, Keys.ENTER)
        wait_until(lambda: page.texts("#detail .tree .node"), "a tree")
        page.click("Open all")
        wait_until(lambda: len(page.texts("#detail .tree .node")) == 900, "all open")
        page.filter("deep")
        page.wait_column(KEY, ["deep"])
