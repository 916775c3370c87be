"""The filter says what it cannot do, in Chromium."""

import uuid

import pytest

from tests.browser.conftest import Site
from tests.browser.inspector import Inspector, fragment
from tests.support.waiting import wait_until

KEY = 2
ADVICE = "#filter-advice p"


class Feed:
    """An exchange of the test's own, and the page that listens to it."""

    def __init__(self, site: Site, **view: str) -> None:
        self._site = site
        self.exchange = f"exchange/{uuid.uuid4().hex[:8]}"
        url = site.server.url
        self.page = Inspector(site.browser, url, fragment((self.exchange, "#"), **view))
        self.page.wait_listening()

    def publish(self, key: str, payload: object) -> None:
        """Publish one message."""
        self._site.publish(self.exchange, key, payload)


@pytest.fixture
def feed(quiet: Site) -> Feed:
    """A page that has a message of a failed task, and one of a completed one."""
    feed = Feed(quiet)
    for state in ("failed", "completed"):
        feed.publish(state, {"status": {"state": state}, "workerType": "linux"})
    feed.page.wait_column(KEY, ["completed", "failed"])
    return feed


@pytest.mark.parametrize(
    ("text", "meant", "shown"),
    [
        ("state:failed", "status.state", ["failed"]),
        ("-state:completed", "status.state", ["failed"]),
        ("workerTyp:linux", "workerType", ["completed", "failed"]),
    ],
)
def test_an_unknown_field_lets_nothing_through_and_the_nearest_is_one_click_away(
    feed: Feed, text: str, meant: str, shown: list[str]
) -> None:
    feed.page.filter(text)
    field = text.strip("-").split(":")[0]
    feed.page.wait(ADVICE, f"No message here has a field “{field}”")
    feed.page.wait_column(KEY, [])
    feed.page.click(meant, "#filter-advice")
    feed.page.wait_column(KEY, shown)
    wait_until(lambda: feed.page.texts(ADVICE) == [], "no advice")
    found = feed.page.tab.find("#filter").get_attribute("value")
    assert found == text.replace(field, meant)


def test_a_field_of_the_url_that_comes_later_is_known_then(quiet: Site) -> None:
    feed = Feed(quiet, f="-n:1")
    feed.publish("without", {"m": 1})
    feed.page.wait(ADVICE, "No message here has a field “n”")
    assert feed.page.column(KEY) == []
    feed.publish("hidden", {"n": 1})
    feed.publish("shown", {"n": 2})
    feed.page.wait_column(KEY, ["shown", "without"])
    wait_until(lambda: feed.page.texts(ADVICE) == [], "no advice")


@pytest.mark.parametrize("text", ["failed|completed", "/fail/", "workerType:>0", "a OR b", "fail*"])
def test_what_is_no_operator_is_told_unless_it_is_in_quotes(feed: Feed, text: str) -> None:
    feed.page.filter(text)
    feed.page.wait(ADVICE, "is looked for as it stands")
    field, colon, word = text.rpartition(":")
    feed.page.filter(f'{field}{colon}"{word}"')
    wait_until(lambda: feed.page.texts(ADVICE) == [], "no advice")
    feed.page.wait("#empty", "Nothing that came passes the filter")


def test_the_count_leaves_the_filter_s_text_in_sight(feed: Feed) -> None:
    feed.page.look(width=800)
    feed.page.filter("linux " + "-nothing-has-this-word" * 9)
    feed.page.wait("#filter-count", "2 of 2")
    room = """
        const filter = document.querySelector("#filter");
        const { left } = document.querySelector("#filter-count").getBoundingClientRect();
        const { right } = filter.getBoundingClientRect();
        return [right - parseFloat(getComputedStyle(filter).paddingRight), left];
    """
    end, count = feed.page.tab.run(room)
    assert count - 30 < end <= count
