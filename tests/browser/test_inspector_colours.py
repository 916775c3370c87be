"""Colours of the inspector in Chromium: what comes has one, the same wherever it is seen."""

import uuid

import pytest

from tests.browser.conftest import Site
from tests.browser.inspector import Inspector, fragment
from tests.support.waiting import wait_until

KEY = 2
HUES = 8
COLOURS = """
const hueOf = (element) => getComputedStyle(element).getPropertyValue("--hue").trim();
const places = {
  rows: ["#grid-body [role=row]:not([hidden])", (row) => row, ".cell:nth-child(2)"],
  chart: ["#chart tbody tr", (line) => line.querySelector(".dot"), ".name"],
};
const found = {};
for (const [place, [css, dotIn, name]] of Object.entries(places)) {
  const each = [...document.querySelectorAll(css)].filter((line) => line.querySelector(name));
  found[place] = Object.fromEntries(
    each.map((line) => [line.querySelector(name).textContent, hueOf(dotIn(line))]));
}
found.bindings = Object.fromEntries([...document.querySelectorAll("#editor .binding")].map(
  (row) => [row.querySelector(".exchange").value, hueOf(row.querySelector(".dot"))]));
found.grey = hueOf(document.documentElement.appendChild(
  Object.assign(document.createElement("i"), { className: "hue-other" })));
return found;
"""


@pytest.fixture
def exchanges() -> list[str]:
    """More exchanges than there are colours."""
    prefix = uuid.uuid4().hex[:8]
    return [f"{prefix}/{number:02}" for number in range(3 * HUES)]


def open_page(site: Site, exchanges: list[str]) -> Inspector:
    view = fragment(*((exchange, "#") for exchange in exchanges), t="now")
    page = Inspector(site.browser, site.server.url, view)
    page.wait_listening()
    return page


def publish(site: Site, page: Inspector, *exchanges: str) -> None:
    """Publish a message to each, and wait until they are seen."""
    for exchange in exchanges:
        site.publish(exchange, exchange, 1)
    wanted = list(reversed(exchanges))
    wait_until(lambda: page.column(KEY)[: len(wanted)] == wanted, f"{wanted} at the top")


def test_what_comes_has_colours_not_what_is_bound_first(quiet: Site, exchanges: list[str]) -> None:
    page = open_page(quiet, exchanges)
    late = exchanges[-HUES:]
    publish(quiet, page, *late)
    wait_until(lambda: {*late} <= {*page.tab.run(COLOURS)["chart"]}, "the legend")
    found = page.tab.run(COLOURS)
    colours = [found["rows"][each] for each in late]
    assert len({*colours, found["grey"], ""}) == HUES + 2
    for place in ("chart", "bindings"):
        assert [found[place][each] for each in late] == colours
    assert {found["bindings"][each] for each in exchanges[:-HUES]} == {""}
    # A colour that was given stays, and red is kept for what fails.
    more = [*exchanges[:2], f"{exchanges[0]}/failed"]
    page.bind(2, more[2], "#")
    page.click("Apply")
    wait_until(lambda: "failed" in page.fragment, "it is applied")
    publish(quiet, page, *more)
    found = page.tab.run(COLOURS)
    assert [found["rows"][each] for each in late] == colours
    assert [found["rows"][each] for each in more[:2]] == [found["grey"]] * 2
    assert found["rows"][more[2]] not in {*colours, found["grey"]}


def test_what_is_not_seen_any_more_gives_its_colour_away(quiet: Site, exchanges: list[str]) -> None:
    first, second = exchanges[:HUES], exchanges[HUES : HUES + 2]
    page = open_page(quiet, [*first, *second])
    publish(quiet, page, *first, *second)
    found = page.tab.run(COLOURS)
    assert {found["rows"][each] for each in second} == {found["grey"]}
    page.click("Clear")
    page.wait_column(KEY, [])
    publish(quiet, page, *second)

    def is_coloured() -> bool:
        now = page.tab.run(COLOURS)
        colours = [
            [now[place].get(each) for each in second] for place in ("rows", "chart", "bindings")
        ]
        return colours[0] == colours[1] == colours[2] and now["grey"] not in colours[0]

    wait_until(is_coloured, "the colours of what was cleared, in the rows that are there too")
