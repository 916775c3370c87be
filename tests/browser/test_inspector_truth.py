"""The inspector in Chromium says what is so: of the broker, of the server, and of lateness."""

from collections.abc import Iterator

import pytest

from tests.browser.conftest import Site
from tests.browser.inspector import Inspector, fragment
from tests.faults.proxy import Proxy
from tests.support.amqp import Amqp
from tests.support.browser import Browser
from tests.support.rabbit import Rabbit
from tests.support.server import Server

KEY = 2
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
        for each in (page, same, other):
            assert each.phase == LOST
        line.mend()
        for each in (page, same, other):
            each.wait("#phase", "listening", within_s=40)
            assert (phase_of(each), each.text("#reason")) == ("open", "")
        amqp.publish(exchange, "word", b"1")
        page.wait_column(KEY, ["word"])
        same.wait_column(KEY, ["word"])


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
        page.wait("#server", f"{rabbit.port}/")
        assert "keeps no history" in page.text("#server")
        assert "pulse-events 0." in page.text("#server")
        assert not page.tab.find("#demo").is_displayed()
    page = Inspector(tabs, quiet.server.url)
    page.wait("#server", "broker memory: · history: 10 min, at most 64 MiB")


@pytest.mark.parametrize("width", [390, 1280])
def test_that_messages_are_made_up_is_plain_to_see(tabs: Browser, width: int) -> None:
    with Server("--demo", "5") as server:
        page = Inspector(tabs, server.url)
        page.look(width=width)
        page.wait("#demo", "made-up messages")
        assert page.tab.find("#demo").is_displayed()
        page.wait("#server", "made up")
