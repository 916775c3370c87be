"""The inspector for everybody: by keys alone, on narrow screens, in the dark, read aloud."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Keys

from tests.browser.conftest import Site
from tests.browser.inspector import Inspector, fragment
from tests.support.browser import Browser
from tests.support.rabbit import free_port
from tests.support.server import Server
from tests.support.waiting import wait_until

AXE = Path(__file__).parent.parent / "js" / "node_modules" / "axe-core" / "axe.min.js"
FAILED = "exchange/taskcluster-queue/v1/task-failed"
TASK = "AbCdEfGhIjKlMnOpQrStUv"
ROUTING_KEY = f"primary.{TASK}.0._._.prov.type.sched.{TASK}._"
KEY = 2
WIDE, NARROW = 1280, 360


@pytest.fixture
def page(quiet: Site) -> Inspector:
    """A page that shows three messages."""
    page = Inspector(quiet.browser, quiet.server.url, fragment((FAILED, "#"), t="now"))
    page.wait_listening()
    for number in range(3):
        quiet.publish(FAILED, ROUTING_KEY, {"number": number, "list": [{"a": None}]})
    page.wait("#counts", "3 received")
    wait_until(lambda: len(page.rows()) == 3, "three rows")
    return page


def findings(page: Inspector) -> list[str]:
    """Return what axe-core has to say against the page, minor things too."""
    page.tab.run("if (!globalThis.axe) (0, eval)(args[0]);", AXE.read_text())
    wait_until(lambda: page.tab.run(STILL), "the end of transitions")
    found: list[dict[str, Any]] = page.tab.run(
        "return (await axe.run({ resultTypes: ['violations'] })).violations;"
    )
    return [
        f"{finding['id']}: {node['html'][:150]} {node['failureSummary'][:300]}"
        for finding in found
        for node in finding["nodes"]
    ]


STILL = "return document.getAnimations().every((each) => each.playState === 'finished');"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_axe_finds_nothing(quiet: Site, width: int, scheme: str) -> None:
    page = Inspector(
        quiet.browser, quiet.server.url, fragment((FAILED, "#"), t="now"), bypass_policy=True
    )
    page.look(width=width, scheme=scheme)
    page.wait_listening()
    assert findings(page) == []
    quiet.publish(FAILED, ROUTING_KEY, {"number": 1, "list": [{"a": None}]}, cc=["route.x"])
    wait_until(page.rows, "a row")
    page.click("Columns")
    assert findings(page) == []
    page.tab.press(Keys.ESCAPE)
    page.click("+ Add")
    page.bind(1, FAILED, "x" * 256)
    page.tab.find("#editor .binding:nth-child(2) .pattern").send_keys(Keys.ENTER)
    page.wait("#editor .fault", "256 bytes")
    page.click("Fields", "#editor .binding:nth-child(1)")
    assert findings(page) == []
    page.tab.find("#editor .exchange").send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert findings(page) == []
    page.tab.run("document.activeElement.blur();")
    page.tab.press("t", Keys.ARROW_DOWN, Keys.ENTER)
    page.wait("#detail .tree", "number")
    assert findings(page) == []
    page.click("Raw")
    assert findings(page) == []
    page.click("Tree")
    page.tab.press("?")
    assert findings(page) == []


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_axe_finds_nothing_without_a_stream(
    quiet: Site, tmp_path: Path, width: int, scheme: str
) -> None:
    page = Inspector(quiet.browser, quiet.server.url, bypass_policy=True)
    page.look(width=width, scheme=scheme)
    page.wait("#empty", "Name an exchange")
    page.type("#editor .exchange", "queue")
    wait_until(lambda: page.texts("#suggestions li"), "suggestions")
    page.tab.press(Keys.ARROW_DOWN)
    assert findings(page) == []
    page.tab.press(Keys.ESCAPE)
    path = tmp_path / "saved.jsonl"
    gap = {"reason": "it slept", "from": "2026-11-25T00:00:00Z", "to": "2026-11-25T00:01:00Z"}
    lines = ['{"exchange":"e","routingKey":"k"}', json.dumps({"gap": gap}), "bad"]
    path.write_text("\n".join(lines))
    page.tab.find("#file").send_keys(str(path))
    page.wait("#banner li", "line 3")
    wait_until(lambda: len(page.rows()) == 2, "two rows")
    page.click("Save")
    assert findings(page) == []
    page.tab.press(Keys.ESCAPE, "t", Keys.ARROW_DOWN, Keys.ENTER)
    page.wait("#detail h2", "Gap")
    assert findings(page) == []


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "dark"), (NARROW, "light")])
def test_axe_finds_nothing_where_the_broker_is_lost_or_messages_are_made_up(
    tabs: Browser, width: int, scheme: str
) -> None:
    with Server("--broker", f"amqp://u:p@127.0.0.1:{free_port()}/") as server:
        page = Inspector(tabs, server.url, fragment((FAILED, "#")), bypass_policy=True)
        page.look(width=width, scheme=scheme)
        page.wait("#phase", "broker lost")
        assert findings(page) == []
    with Server("--demo", "50") as server:
        pending = FAILED.replace("failed", "pending")
        view = fragment((pending, "#"), (pending[:-1], "#"), ("exchange/x", "#"))
        page = Inspector(tabs, server.url, view, bypass_policy=True)
        page.look(width=width, scheme=scheme)
        wait_until(page.rows, "a row")
        page.click("Pause")  # rows that have just come are in motion
        page.wait("#editor .doubt", "Did you mean")
        page.click("Clear")
        page.tab.press("b")
        page.click("Remove binding 3")
        assert page.tab.find("#undo").is_displayed()
        assert page.button("Undo", "#editor").is_displayed()
        assert findings(page) == []


@pytest.mark.parametrize("width", [NARROW, 768])
def test_a_narrow_screen_needs_no_scrolling_sideways(page: Inspector, width: int) -> None:
    page.look(width=width, height=640)
    fits = "return document.documentElement.scrollWidth <= innerWidth;"
    assert page.tab.run(fits)
    assert page.tab.find("#filter").is_displayed()
    page.tab.press("t", Keys.ARROW_DOWN, Keys.ENTER)
    page.wait("#detail .tree", "number")
    assert page.tab.run(fits)
    box = page.tab.find("#detail").rect
    assert box["width"] > width * 0.8 or width > NARROW
    page.tab.press(Keys.ESCAPE)
    assert not page.tab.find("#detail").is_displayed()


@pytest.mark.parametrize("is_made_up", [True, False])
def test_at_400_percent_a_row_is_on_the_first_screen_and_all_is_in_reach(
    tabs: Browser, is_made_up: bool
) -> None:
    with Server("--demo", "5") if is_made_up else Server() as server:
        page = Inspector(tabs, server.url)
        page.look(width=320, height=256)  # 1280 x 1024
        page.tab.go("about:blank")
        page.tab.go(server.url + fragment((FAILED, "#"), ("exchange/two", "#")))
        page.wait_listening()
        server.publish(FAILED, ROUTING_KEY, {"number": 1})
        wait_until(page.rows, "a row")
        page.click("Clear")
        server.publish(FAILED, ROUTING_KEY, {"number": 2})
        wait_until(lambda: page.tab.run(IS_ROW_SEEN), "a row on the first screen, and Undo")
        for part in ("#bindings", "#rates", "#elsewhere"):
            page.tab.find(f"{part} summary").click()
        assert page.tab.run(CUT_OFF) == []
        page.tab.press("t", Keys.ARROW_DOWN, Keys.ENTER)
        wait_until(lambda: page.texts("#detail .tree .node"), "the message")
        assert page.tab.run(CUT_OFF) == []


IS_ROW_SEEN = """
scrollTo(0, 0);
const row = document.querySelector("#grid-body [role=row]:not([hidden])");
const isOffered = document.querySelector("#undo").checkVisibility();
return isOffered && row?.getBoundingClientRect().bottom <= innerHeight;
"""
CUT_OFF = """
const found = [];
if (document.documentElement.scrollWidth > innerWidth) found.push("the page");
for (const each of document.querySelectorAll("button, input, select, summary, footer a")) {
  if (!each.checkVisibility() || each.closest(".heard") || each.matches(".heard")) continue;
  each.scrollIntoView({ block: "center" });
  const { left, right, top, bottom } = each.getBoundingClientRect();
  for (const x of [left + 3, right - 3]) {
    const at = document.elementFromPoint(x, (top + bottom) / 2);
    const isCovered = document.body.classList.contains("has-detail") && !each.closest("#detail");
    if (!isCovered && !each.contains(at)) found.push(`${each.ariaLabel ?? each.textContent} ${x}`);
  }
}
scrollTo(0, 0);
return found;
"""


def test_the_table_is_used_by_keys_alone(page: Inspector) -> None:
    page.tab.press("t", Keys.ARROW_DOWN)
    wait_until(lambda: page.tab.run(ACTIVE_CELL) == ["2", "time"], "the first row")
    page.tab.press(Keys.ARROW_DOWN, Keys.ARROW_RIGHT)
    wait_until(lambda: page.tab.run(ACTIVE_CELL) == ["3", "exchange"], "the next cell below")
    page.tab.press(Keys.END, Keys.ENTER)
    page.wait("#detail .tree", "number: 0")
    page.tab.press(Keys.HOME)
    page.wait("#detail .tree", "number: 2")
    page.tab.press(Keys.ESCAPE)
    assert not page.tab.find("#detail").is_displayed()
    assert page.tab.run("return document.activeElement.id;") == "grid"


ACTIVE_CELL = """
const cell = document.activeElement.ariaActiveDescendantElement;
return cell && [cell.closest("[role=row]").ariaRowIndex, cell.dataset.column];
"""


def test_every_part_is_reached_by_tab_and_the_focus_is_seen(page: Inspector) -> None:
    page.tab.run("document.activeElement.blur();")
    reached: dict[str, bool] = {}
    for _ in range(40):
        page.tab.press(Keys.TAB)
        name, is_seen = page.tab.run(FOCUS)
        reached[name] = reached.get(name, True) and is_seen
    for name in ("show-keys", "exchange", "pattern", "pause", "filter", "show-columns", "grid"):
        assert reached[name], f"the focus on {name} is not seen; {reached}"
    assert all(reached.values()), reached


FOCUS = """
const found = document.activeElement;
const { outlineStyle, outlineWidth, boxShadow, borderColor } = getComputedStyle(found);
const name = found.id || found.classList[0] || found.textContent || found.tagName;
return [name, (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none" ||
  found === document.body];
"""


def test_keys_lead_to_the_parts_and_do_not_disturb_typing(page: Inspector) -> None:
    focus = "return document.activeElement.id || document.activeElement.className;"
    page.tab.press("/")
    assert page.tab.run(focus) == "filter"
    page.tab.press("p", "b", "?", "t")
    assert page.tab.find("#filter").get_attribute("value") == "pb?t"
    assert page.tab.find("#pause").get_attribute("aria-pressed") == "false"
    page.tab.press(Keys.ESCAPE, Keys.ESCAPE, "b")
    assert page.tab.run(focus) == "exchange"
    page.tab.run("document.activeElement.blur();")
    page.tab.press("?")
    assert page.tab.find("#keys").is_displayed()
    page.tab.press(Keys.ESCAPE)
    assert not page.tab.find("#keys").is_displayed()


def test_states_are_announced_and_messages_are_not(page: Inspector, quiet: Site) -> None:
    page.wait("#announcements", "listening")
    exchange = f"exchange/{uuid.uuid4().hex[:8]}"
    script = """globalThis.said = 0;
        new MutationObserver(() => (said += 1)).observe(
          document.querySelector("#announcements"), { childList: true, subtree: true });"""
    page.tab.run(script)
    for _ in range(5):
        quiet.publish(FAILED, ROUTING_KEY, {"exchange": exchange})
    page.wait("#counts", "8 received")
    assert page.tab.run("return said;") == 0
    page.click("Stop")
    page.wait("#announcements", "stopped")
