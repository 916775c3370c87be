"""The inspector in Chromium says what is so: of the broker, of the server, and of lateness."""

import base64
import random
import time
import uuid
from collections.abc import Iterator

import pytest
from selenium.webdriver import Keys

from tests.browser.conftest import PING_S, Site
from tests.browser.inspector import Inspector, fragment
from tests.faults.proxy import Proxy
from tests.support.amqp import Amqp
from tests.support.browser import Browser
from tests.support.rabbit import Rabbit
from tests.support.server import Server
from tests.support.waiting import wait_until

AGE, KEY = 0, 2
LOST = "broker lost"


@pytest.fixture
def line(rabbit: Rabbit) -> Iterator[Proxy]:
    """The only way to the broker, which can be cut."""
    with Proxy(rabbit.port) as proxy:
        yield proxy


def phase_of(page: Inspector) -> str:
    """Return the phase that the state's colour stands for."""
    return str(page.tab.run("return document.querySelector('#state').dataset.phase;"))


def test_a_lost_broker_is_said_on_every_page_until_it_is_back(
    tabs: Browser, rabbit: Rabbit, line: Proxy, amqp: Amqp, exchange: str
) -> None:
    with Server("--broker", line.url(rabbit.amqp_url)) as server:
        page = Inspector(tabs, server.url, fragment((exchange, "#")))
        page.wait_listening()
        assert phase_of(page) == "open"
        line.cut()
        page.wait("#phase", LOST)
        assert phase_of(page) == "lost"
        page.wait("#reason", "since ")
        page.wait("#reason", "UTC")
        page.wait("#announcements", f"{LOST}: ")
        # Opened meanwhile: with the same bindings, and with others, which wait for `ready`.
        same = Inspector(tabs, server.url, fragment((exchange, "#")))
        other = Inspector(tabs, server.url, fragment((exchange, "other.#")))
        for opened in (same, other):
            opened.wait("#phase", LOST)
            opened.wait("#reason", "since ")
        # Applied meanwhile, on the page that had a stream.
        page.bind(0, exchange, "*")
        page.click("Apply")
        page.wait("#reason", "what was applied waits for it")
        for each in (page, same, other):
            assert each.phase == LOST
        line.mend()
        for each in (page, same, other):
            each.wait("#phase", "listening", within_s=40)
            assert (phase_of(each), each.text("#reason")) == ("open", "")
        amqp.publish(exchange, "word", b"1")
        page.wait_column(KEY, ["word"])
        same.wait_column(KEY, ["word"])


def test_what_waited_at_the_broker_does_not_pass_for_new(
    tabs: Browser, rabbit: Rabbit, line: Proxy, amqp: Amqp, exchange: str
) -> None:
    options = ("--ping-interval", str(PING_S))
    with Server("--broker", line.url(rabbit.amqp_url), *options) as server:
        page = Inspector(tabs, server.url, fragment((exchange, "#"), t="now"))
        page.wait_listening()
        amqp.publish(exchange, "before", b"1")
        page.wait_column(KEY, ["before"])
        line.cut()
        page.wait("#phase", LOST)
        amqp.publish(exchange, "waited", b"1")
        line.mend()
        wait_until(lambda: page.column(KEY)[0] == "waited", "what waited", within_s=40)
        ages = page.column(AGE)
        assert (ages[0][0], ages[-1][0] == ">") == (">", False)

        def comes_as_new() -> bool:
            amqp.publish(exchange, "after", b"1")
            wait_until(lambda: page.column(KEY)[0] == "after", "a message")
            return page.column(AGE)[0][0] != ">"

        wait_until(comes_as_new, "a message that is new", within_s=20)


def test_a_page_that_is_the_first_to_open_while_the_broker_is_away_says_so(
    tabs: Browser, rabbit: Rabbit, line: Proxy, exchange: str
) -> None:
    with Server("--broker", line.url(rabbit.amqp_url)) as server:
        line.cut()
        page = Inspector(tabs, server.url, fragment((exchange, "#")))
        page.wait("#phase", LOST)
        page.wait("#reason", "since ")
        page.click("Stop")
        page.wait("#phase", "stopped")
        assert page.text("#reason") == ""
        page.click("Listen")
        page.wait("#phase", LOST)
        server.kill()
        page.wait("#phase", "waiting")
        assert LOST not in page.text("#state")


def test_the_page_names_its_server_broker_and_history(
    tabs: Browser, rabbit: Rabbit, quiet: Site
) -> None:
    with Server("--broker", rabbit.amqp_url, "--history", "off") as server:
        page = Inspector(tabs, server.url)
        page.wait("#server", "broker 127.0.0.1 ·")
        assert "keeps no history" in page.text("#server")
        assert "pulse-events 0." in page.text("#server")
        assert not page.tab.find("#demo").is_displayed()
    page = Inspector(tabs, quiet.server.url)
    page.wait("#server", "broker memory: · history: 10 min, at most 64 MiB")


def test_an_exchange_that_may_be_mistyped_is_doubted_until_something_comes(quiet: Site) -> None:
    mistyped = "exchange/taskcluster-queue/v1/task-pendign"
    own = f"exchange/{uuid.uuid4().hex[:8]}"
    page = Inspector(quiet.browser, quiet.server.url, fragment((mistyped, "#"), (own, "#")))
    page.wait_listening()
    first, second = (f"#editor .binding:nth-child({number}) .doubt" for number in (1, 2))
    page.wait(first, "Nothing has come from this exchange")
    page.wait(second, "Nothing has come from this exchange")
    assert "Did you mean" not in page.text(second)
    described = page.tab.find("#editor .exchange").get_attribute("aria-describedby")
    assert page.tab.find(first).get_attribute("id") in str(described).split()
    quiet.publish(own, "word", 1)
    wait_until(lambda: not page.tab.find(second).is_displayed(), "no doubt any more")
    page.click(mistyped.replace("ign", "ing"), first)
    page.click("Apply")
    wait_until(lambda: "task-pending=" in page.fragment, "it is applied")
    wait_until(lambda: set(page.texts("#editor .doubt")) == {""}, "no doubt of a known one")
    page.bind(0, mistyped, "#")
    page.click("Apply")
    page.wait(first, "Nothing has come from this exchange")
    page.click("Stop")
    wait_until(lambda: page.text(first) == "", "no doubt where nothing is listened to")


@pytest.mark.parametrize("width", [390, 1280])
def test_that_messages_are_made_up_is_plain_to_see(tabs: Browser, width: int) -> None:
    with Server("--demo", "5") as server:
        page = Inspector(tabs, server.url)
        page.look(width=width)
        page.wait("#demo", "made-up messages")
        assert page.tab.find("#demo").is_displayed()
        page.wait("#server", "made up")


# Lateness


def test_a_slow_line_is_said_and_its_rows_are_as_old_as_they_are(quiet: Site) -> None:
    exchange = f"exchange/{uuid.uuid4().hex[:8]}"
    with Proxy(quiet.server.port) as line:
        page = Inspector(
            quiet.browser, f"http://127.0.0.1:{line.port}/", fragment((exchange, "#"), c="time,key")
        )
        page.wait_listening()
        line.throttle(5_000)
        for number in range(60):  # 25 s of it: no machine publishes them as slowly
            body = base64.b64encode(random.Random(number).randbytes(2_000)).decode()
            quiet.publish(exchange, f"{number}", body)
        began_s = time.monotonic()
        page.wait("#reason", "at least ", within_s=20)
        assert "behind" in page.text("#reason")
        assert (page.phase, phase_of(page)) == ("listening", "late")
        page.wait("#announcements", "what comes is late")

        def late() -> int:
            ages = [row.cells[0] for row in page.rows()]
            return max(
                (int(age[1:-2]) for age in ages if age[0] == ">" and age[-1] == "s"), default=0
            )

        wait_until(lambda: late() >= 4, "a row that is known to be old", within_s=20)
        assert late() <= time.monotonic() - began_s + 1
        line.throttle(0)
        wait_until(lambda: page.text("#reason") == "", "it is up to date", within_s=30)
        assert phase_of(page) == "open"
        quiet.publish(exchange, "after", 1)
        wait_until(lambda: page.rows()[0].cells == ["now", "after"], "a row of now")


def test_rows_are_marked_by_when_the_message_says_it_was_published(quiet: Site) -> None:
    exchange = f"exchange/{uuid.uuid4().hex[:8]}/task-pending"
    view = fragment((exchange, "#"), c="time,clock,key")
    page = Inspector(quiet.browser, quiet.server.url, view)
    page.wait_listening()
    at = time.strftime("%Y-%m-%dT%H:%M:%S.125Z", time.gmtime(time.time() - 3.1 * 3600))
    run = {"scheduled": at, "state": "pending"}
    quiet.publish(exchange, "old", {"runId": 0, "status": {"runs": [run]}})
    page.wait_column(KEY, ["old"])
    (row,) = page.rows()
    assert row.cells[AGE] == "3 h"
    assert not row.cells[1].startswith("<")
    page.wait('[role=columnheader][data-column="clock"]', "(UTC")
    page.tab.press("t", Keys.HOME, Keys.ENTER)
    page.wait("#detail .detail-head", "UTC")
    page.wait("#detail .detail-head", row.cells[1])


def test_times_have_the_zone_of_the_computer(quiet: Site) -> None:
    exchange = f"exchange/{uuid.uuid4().hex[:8]}"
    page = Inspector(quiet.browser, quiet.server.url)
    page.tab.command("Emulation.setTimezoneOverride", timezoneId="Asia/Kathmandu")
    page.tab.go("about:blank")
    page.tab.go(quiet.server.url + fragment((exchange, "#"), c="clock,exchange,key"))
    page.wait_listening()
    quiet.publish(exchange, "word", 1)
    page.wait_column(KEY, ["word"])
    page.wait('[role=columnheader][data-column="clock"]', "(UTC+5:45)")
    page.tab.press("t", Keys.HOME, Keys.ENTER)
    page.wait("#detail .detail-head", "UTC+5:45")
