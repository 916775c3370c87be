"""The inspector in Chromium has room for what it says, at each width and in each state."""

import uuid
from collections.abc import Callable

import pytest
from selenium.webdriver import Keys

from tests.browser.conftest import Site
from tests.browser.inspector import Inspector, fragment
from tests.support.waiting import wait_until

FAILED = "exchange/taskcluster-queue/v1/task-failed"
KEY = "primary.AbCdEfGhIjKlMnOpQrStUv.0.g.w.p.t.s.Zz-_EfGhIjKlMnOpQrStUv._"
WIDTHS = (320, 390, 600, 761, 844, 900, 1024, 1181, 1280, 1401, 1920)
# Numbers as they are after an hour, which no test waits for; it is measured before they are drawn.
FULL = """
document.querySelector("#counts").textContent = "1,234,567 received, 10,000 kept";
document.querySelector("#demo").hidden = false;
"""
CLASHES = """
const shown = (each) => each.checkVisibility() && each.getClientRects().length > 0;
const name = (each) => each.id || each.className || each.textContent.slice(0, 20);
const clashes = [];
const bars = ".top, .toolbar, .detail-head, .section-head, footer";
for (const bar of document.querySelectorAll(bars)) {
  const parts = [...bar.children].filter(shown).map((each) => {
    const range = document.createRange();
    range.selectNodeContents(each);
    const [box, text] = [each.getBoundingClientRect(), range.getBoundingClientRect()];
    const right = each.id === "state" ? box.right : Math.max(box.right, text.right);
    return { each, left: box.left, top: box.top, bottom: box.bottom, right };
  });
  const end = bar.getBoundingClientRect().right;
  for (const one of parts) {
    if (one.right > end + 1) clashes.push(`${name(one.each)} goes beyond its bar`);
    for (const other of parts) {
      if (one === other) break;
      const isBeside = one.left >= other.right - 1 || other.left >= one.right - 1;
      const isBelow = one.top >= other.bottom - 1 || other.top >= one.bottom - 1;
      if (!isBeside && !isBelow) clashes.push(`${name(one.each)} over ${name(other.each)}`);
    }
  }
}
return clashes;
"""
ROOM = """
const filter = document.querySelector("#filter");
const { paddingLeft, paddingRight } = getComputedStyle(filter);
return filter.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
"""
LEAST_ROOM_PX = 80  # a dozen characters
CUT = """
const { right } = document.querySelector("#state").getBoundingClientRect();
const phase = document.querySelector("#phase");
return [...document.querySelectorAll(".detail-head h2, .detail-head .muted, #counts")]
  .filter((each) => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1)
  .concat(phase.getBoundingClientRect().right > right ? phase : [])
  .map(({ textContent }) => textContent);
"""


@pytest.fixture
def page(quiet: Site) -> Inspector:
    """The page with messages."""
    page = Inspector(quiet.browser, quiet.server.url, fragment((FAILED, "#"), t="now"))
    page.wait_listening()
    for _ in range(3):
        quiet.publish(FAILED, KEY, {"a": uuid.uuid4().hex})
    wait_until(lambda: len(page.rows()) == 3, "the rows")
    return page


def plain(_: Inspector) -> None:
    """Nothing is done."""


def filtered(page: Inspector) -> None:
    page.filter("task-failed -nothing -else")
    page.wait("#filter-count", "of")


def opened(page: Inspector) -> None:
    page.tab.press("t", Keys.ARROW_DOWN, Keys.ENTER)
    page.wait("#detail h2", "queue/task-failed")


def busy(page: Inspector) -> None:
    """All at once."""
    filtered(page)
    page.click("Clear")
    page.click("Undo")
    page.tab.press("t", "p")
    page.wait("#pause", "Resume")
    opened(page)


def widen(page: Inspector, width: int) -> None:
    page.look(width=width)
    wait_until(lambda: page.tab.run("return innerWidth;") == width, "the width")


@pytest.mark.parametrize("state", [plain, filtered, opened, busy])
def test_what_stands_side_by_side_does_not_overlap(
    page: Inspector, state: Callable[[Inspector], None]
) -> None:
    state(page)
    for width in WIDTHS:
        widen(page, width)
        assert page.tab.run(FULL + CLASHES) == [], width
        assert page.tab.run(FULL + CUT) == [], width
        assert page.tab.run(ROOM) >= LEAST_ROOM_PX, width
