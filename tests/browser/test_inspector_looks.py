"""The page by keyboard alone, in forced colours, on paper and without JavaScript, in Chromium."""

import uuid

import pytest
from selenium.webdriver import Keys

from tests.browser.conftest import Site
from tests.browser.inspector import Inspector, fragment
from tests.support.waiting import wait_until

TASK_FAILED = "exchange/taskcluster-queue/v1/task-failed"
KEY = "primary.AbCdEfGhIjKlMnOpQrStUv.0.g.w.p.t.s.Zz-_EfGhIjKlMnOpQrStUv._"
MOST_STOPS = 14
IS_IN = "return document.activeElement.closest(args[0]) !== null;"


@pytest.fixture
def page(quiet: Site) -> Inspector:
    """The page with an open message that has many values."""
    page = Inspector(quiet.browser, quiet.server.url, fragment((TASK_FAILED, "#"), t="now"))
    page.wait_listening()
    quiet.publish(TASK_FAILED, KEY, {"a": 1}, cc=[f"cc.{n}" for n in range(20)])
    wait_until(page.rows, "a row")
    page.tab.press("t", Keys.ARROW_DOWN, Keys.ENTER)
    page.wait("#detail h2", "queue/task-failed")
    return page


def focused(page: Inspector) -> str:
    """Return the accessible name of what has the focus, and the value that it is of."""
    script = """const { activeElement: it } = document;
        return `${it.ariaLabel} ${it.closest(".value").querySelector("code").textContent}`;"""
    return str(page.tab.run(script))


def test_few_tab_stops_lead_from_the_table_to_the_payload(page: Inspector) -> None:
    assert len(page.texts("#detail button.act")) > 2 * MOST_STOPS
    for _ in range(MOST_STOPS):
        page.tab.press(Keys.TAB)
        if page.tab.run(IS_IN, "#detail .tree"):
            return
    raise AssertionError(f"more than {MOST_STOPS} Tab stops to the payload")


def test_arrows_lead_to_the_button_of_each_value(page: Inspector) -> None:
    while not page.tab.run(IS_IN, "#detail .acts"):
        page.tab.press(Keys.TAB)
    assert focused(page) == f"Only with this value {TASK_FAILED}"
    page.tab.press(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert focused(page) == "Without this value cc.0"
    page.tab.press(Keys.ARROW_RIGHT, Keys.ARROW_UP, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert focused(page) == f"Only with this value {KEY}"
    stops = """const acts = document.activeElement.closest("dl").querySelectorAll(".act");
        return [...acts].filter(({ tabIndex }) => tabIndex === 0);"""
    assert page.tab.run(stops) == [page.tab.run("return document.activeElement;")]
    page.tab.press(Keys.ENTER)
    page.wait("#filter-count", "1 of 1")


COVERED = """
const list = document.querySelector("#suggestions").getBoundingClientRect();
return [...document.querySelectorAll("button, select, summary, a")]
  .filter((each) => each.checkVisibility())
  .filter((each) => {
    const own = each.getBoundingClientRect();
    return own.left < list.right && own.right > list.left
      && own.top < list.bottom && own.bottom > list.top;
  })
  .map((each) => each.textContent);
"""
SUGGESTED = "return document.querySelector('#suggestions')?.clientHeight;"
"""Nothing in the moment in which the list is taken out of a row that is removed."""


def suggest(page: Inspector, width: int, height: int) -> None:
    """Have suggestions for the first of three bindings."""
    page.look(width=width, height=height)
    wait_until(lambda: page.tab.run("return innerWidth;") == width, "the width")
    page.tab.press(Keys.ESCAPE, "b")
    for number in (1, 2):
        page.click("+ Add", "#editor")
        page.bind(number, f"exchange/taskcluster-queue/v1/task-{number}", "#")
    page.type("#editor .exchange", "task")
    page.wait("#suggestions li", TASK_FAILED)


def exchanges(page: Inspector) -> list[str]:
    script = "return [...document.querySelectorAll('#editor .exchange')].map(({ value }) => value);"
    return list(page.tab.run(script))


@pytest.mark.parametrize(("width", "height"), [(1400, 800), (390, 844), (320, 256)])
def test_open_suggestions_cover_nothing_that_can_be_clicked(
    page: Inspector, width: int, height: int
) -> None:
    suggest(page, width, height)
    assert page.tab.run(COVERED) == []
    assert page.tab.run(SUGGESTED) > 60
    page.tab.press("-")
    page.wait("#suggestions li", TASK_FAILED)
    assert page.tab.run(COVERED) == []
    page.tab.press(Keys.ARROW_DOWN, Keys.ENTER)
    assert exchanges(page)[0].startswith("exchange/taskcluster-queue/v1/task-")
    assert page.tab.run(SUGGESTED) == 0
    page.type("#editor .exchange", "task")
    page.click("+ Add", "#editor")
    assert len(exchanges(page)) == 4
    wait_until(lambda: page.tab.run(SUGGESTED) == 0, "no suggestions")


@pytest.mark.parametrize("button", ["Remove binding 2", "Remove binding 3", "Remove binding 1"])
def test_a_tap_at_a_button_below_suggestions_hits_the_button(page: Inspector, button: str) -> None:
    page.tab.command("Emulation.setTouchEmulationEnabled", enabled=True)
    suggest(page, 390, 844)
    left = exchanges(page)
    del left[int(button[-1]) - 1]
    tap(page, button)
    wait_until(lambda: exchanges(page) == left, f"{left}, without the one whose cross was tapped")
    wait_until(lambda: page.tab.run(SUGGESTED) == 0, "no suggestions")
    page.type("#editor .exchange", "failed")
    tap(page, TASK_FAILED, "#suggestions li .option-value")
    wait_until(lambda: exchanges(page)[0] == TASK_FAILED, "what was tapped")


def tap(page: Inspector, name: str, css: str = "#editor button") -> None:
    """Tap with a finger what has this text or accessible name."""
    script = """
        const [css, name] = args;
        return [...document.querySelectorAll(args[0])]
          .find((each) => [each.ariaLabel, each.textContent].includes(args[1]));
    """
    where = page.tab.bring(page.tab.run(script, css, name))
    page.tab.command("Input.dispatchTouchEvent", type="touchStart", touchPoints=[where])
    page.tab.command("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])


def test_forced_colours_leave_the_colours_that_are_the_legend(page: Inspector) -> None:
    wait_until(lambda: page.texts("#chart tbody .dot"), "the legend")
    script = """
        const { backgroundColor } = getComputedStyle(document.querySelector("#chart .dot"));
        const { fill } = getComputedStyle(document.querySelector("#chart .area"));
        const cell = document.querySelector("#grid-body [data-column=exchange]");
        const row = getComputedStyle(cell, "::before").backgroundColor;
        return [backgroundColor, fill, row, matchMedia("(forced-colors: active)").matches];
    """
    before = page.tab.run(script)
    assert len(set(before[:3])) == 1
    feature = {"name": "forced-colors", "value": "active"}
    page.tab.command("Emulation.setEmulatedMedia", features=[feature])
    assert page.tab.run(script) == [*before[:3], True]


def test_forced_colours_show_what_is_chosen(page: Inspector, quiet: Site) -> None:
    feature = {"name": "forced-colors", "value": "active"}
    page.tab.command("Emulation.setEmulatedMedia", features=[feature])
    quiet.publish(TASK_FAILED, KEY, {"a": 2})
    page.wait("#newer", "1 newer")
    page.tab.find("#newer").click()
    wait_until(lambda: True in outlines(page, "#grid-body .row.fresh", "borderLeft"), "a new row")
    page.click("Raw")
    page.click("Pause")
    page.tab.find("#grid-body [role=gridcell]").click()
    page.type("#editor .exchange", "task")
    page.tab.press(Keys.ARROW_DOWN)
    for chosen, other in (
        ("#grid-body .row.active", "#grid-body .row:not(.active)"),
        ("#suggestions [aria-selected=true]", "#suggestions [aria-selected=false]"),
        ("#detail [role=tab][aria-selected=true]", "#detail [role=tab][aria-selected=false]"),
        ("button[aria-pressed=true]", "button[aria-pressed=false]"),
    ):
        assert {*outlines(page, chosen, "outline")} == {True}, chosen
        assert {*outlines(page, other, "outline")} == {False}, other


def outlines(page: Inspector, css: str, kind: str) -> list[bool]:
    """Tell of each whether it has a line of this kind."""
    script = """
        const [css, kind] = args;
        return [...document.querySelectorAll(css)].filter((each) => each.checkVisibility())
          .map((each) => getComputedStyle(each)[`${kind}Style`] !== "none");
    """
    return list(page.tab.run(script, css, kind))


def test_paper_has_the_message_or_the_table_without_controls(page: Inspector) -> None:
    shown = """return [...document.querySelectorAll(args[0])]
        .filter((each) => each.checkVisibility()).length;"""
    page.tab.command("Emulation.setEmulatedMedia", media="print")
    assert page.tab.run(shown, "button, input, select, footer, .side, #grid") == 0
    assert page.tab.run(shown, "#detail .tree, #detail dl, .top h1") >= 3
    page.tab.command("Emulation.setEmulatedMedia", media="")
    page.tab.press("t", Keys.ESCAPE)
    page.tab.command("Emulation.setEmulatedMedia", media="print")
    assert page.tab.run(shown, "#grid [role=row]") == 2
    assert page.tab.run(shown, "button, input, select, footer, .side") == 0


def test_without_javascript_there_is_the_line_for_a_terminal_and_nothing_dead(quiet: Site) -> None:
    page = Inspector(quiet.browser, quiet.server.url, fragment((uuid.uuid4().hex, "#")))
    page.look(width=390)
    page.tab.command("Emulation.setScriptExecutionDisabled", value=True)
    page.tab.go(f"{quiet.server.url}?without")
    # The page's own scripts are off; what DevTools asks is answered.
    script = """[...document.querySelectorAll("noscript pre, button, input, select, main")]
        .filter((each) => each.checkVisibility())
        .map(({ localName }) => localName)
        .concat(document.documentElement.scrollWidth)
        .join()"""
    answer = page.tab.command("Runtime.evaluate", expression=script)
    page.tab.command("Emulation.setScriptExecutionDisabled", value=False)
    assert answer["result"]["value"] == "pre,390"
