"""What strangers send stays text in the inspector, and its policy is never broken."""

import json
import uuid
from pathlib import Path

from selenium.webdriver import Keys

from tests.browser.conftest import Site
from tests.browser.inspector import Inspector, fragment
from tests.support.prefix_proxy import PrefixProxy
from tests.support.waiting import wait_until

HOSTILE = [
    "<img src=x onerror=\"watched.errors.push('ran')\">",
    "</script><script>watched.errors.push('ran')</script>",
    "<svg onload=\"watched.errors.push('ran')\">",
    "javascript:watched.errors.push('ran')",
    "\u202e<b>turned</b>\u0000\U0001f600",
    '"><style>*{display:none}</style>',
]
PAYLOAD = {
    "__proto__": {"polluted": "yes"},
    "constructor": {"prototype": {"polluted": "yes"}},
    "toString": HOSTILE[0],
    "status": {"taskId": HOSTILE[3], "taskGroupId": "../../" + HOSTILE[1]},
    "taskGroupId": HOSTILE[0],
    "texts": HOSTILE,
    HOSTILE[0]: HOSTILE[1],
}
ELEMENTS = """
return [...document.querySelectorAll("img, script, style, iframe, object, embed, svg, link, base")]
  .map((each) => `${each.parentElement.tagName} > ${each.tagName} ${each.href ?? each.src}`);
"""


def assert_nothing_ran(page: Inspector, before: list[str]) -> None:
    """Fail if what was sent became an element, ran, or broke the policy."""
    watched = page.watched()
    assert (watched["errors"], watched["violations"]) == ([], [])
    assert page.tab.run(ELEMENTS) == before
    assert page.tab.run("return {}.polluted === undefined && !document.querySelector('[onerror]');")
    links = page.tab.run("return [...document.links].map((link) => link.protocol);")
    assert set(links) <= {"http:", "https:"}


def test_what_messages_hold_is_never_more_than_text(quiet: Site) -> None:
    exchange = f"{HOSTILE[0]}{uuid.uuid4().hex[:8]}"
    columns = "time,exchange,key,cc,payload,payload.texts,payload.__proto__.polluted,taskId"
    page = Inspector(quiet.browser, quiet.server.url, fragment((exchange, "#"), c=columns))
    page.wait_listening()
    before = page.tab.run(ELEMENTS)
    for text in HOSTILE:
        key = text.replace("\u0000", "")
        quiet.publish(exchange, key, PAYLOAD, cc=[key, f"route.{key}"])
    wait_until(lambda: len(page.rows()) == len(HOSTILE), "all rows")
    assert page.rows()[-1].cells[2] == HOSTILE[0]
    assert page.rows()[-1].cells[6] == "yes"
    for _ in HOSTILE:
        page.tab.press("t", Keys.ARROW_DOWN, Keys.ENTER)
        page.wait("#detail .tree", "status")
        page.click("Open all")
        page.wait("#detail .tree", "turned")
        page.click("Raw")
        page.click("Tree")
    assert_nothing_ran(page, before)
    page.tab.press("t", Keys.HOME, "f")
    page.click("Columns")
    page.tab.press(Keys.ESCAPE)
    wait_until(lambda: page.texts("#chart tbody tr"), "the rates")
    page.type("#editor .exchange", exchange[:20])
    page.wait("#suggestions li", exchange)
    page.tab.press(Keys.ESCAPE)
    page.tab.run("for (const fold of document.querySelectorAll('details')) fold.open = true;")
    assert_nothing_ran(page, before)


def test_what_a_url_holds_is_never_more_than_text(quiet: Site) -> None:
    view = fragment(*((text.replace("\u0000", ""), text) for text in HOSTILE), f=HOSTILE[0])
    page = Inspector(quiet.browser, quiet.server.url, f"{view}&b={HOSTILE[0]}&c={HOSTILE[1]}")
    page.wait("#editor .fault", "control character")
    before = page.tab.run(ELEMENTS)
    page.click("Listen")
    page.wait("#phase", "refused")
    assert_nothing_ran(page, before)


def test_what_a_file_holds_is_never_more_than_text(quiet: Site, tmp_path: Path) -> None:
    page = Inspector(quiet.browser, quiet.server.url)
    before = page.tab.run(ELEMENTS)
    lines = [
        json.dumps({"exchange": text, "routingKey": text, "payload": PAYLOAD}) for text in HOSTILE
    ]
    path = tmp_path / "<img src=x onerror=alert(1)>.jsonl"
    path.write_text("\n".join([*lines, HOSTILE[0], '{"gap": {"reason": "<img src=x>"}}']))
    page.tab.find("#file").send_keys(str(path))
    page.wait("#banner", f"{path.name}: {len(HOSTILE)} messages, 1 gap")
    wait_until(lambda: len(page.rows()) == len(HOSTILE) + 1, "all rows")
    for _ in range(len(HOSTILE) + 1):
        page.tab.press("t", Keys.ARROW_DOWN, Keys.ENTER)
    assert_nothing_ran(page, before)


def test_numbers_are_as_they_were_written_in_columns_filter_and_pane(
    quiet: Site, tmp_path: Path
) -> None:
    page = Inspector(quiet.browser, quiet.server.url, fragment(c="key,payload.n,payload.in"))
    numbers = ["12345678901234567891", "9007199254740993", "1e400", "-0", "1.50", "7"]
    lines = [
        f'{{"payload":{{"n":{n},"in":{{"n":{n}}}}},"exchange":"e","routingKey":"{i}"}}\n'
        for i, n in enumerate(numbers)
    ]
    path = tmp_path / "numbers.jsonl"
    path.write_text("".join(lines))
    page.tab.find("#file").send_keys(str(path))
    page.wait_column(1, numbers[::-1])
    assert page.column(2) == [f'{{"n":{n}}}' for n in numbers[::-1]]
    two_left = [Keys.ARROW_LEFT] * 2
    for i, number in enumerate(numbers):
        page.filter(f"n:={number}")
        page.wait_column(0, [str(i)])
        page.tab.press("t", Keys.ARROW_DOWN, *two_left, Keys.ARROW_RIGHT, Keys.ENTER)
        page.wait("#detail .tree", number)
        page.tab.press("f")
        assert value_of(page, "#filter") == f"n:={number} payload.n:={number}"
        page.wait_column(0, [str(i)])


def value_of(page: Inspector, css: str) -> str:
    """Return what a field holds."""
    return str(page.tab.find(css).get_attribute("value"))


def test_characters_that_do_not_show_have_signs_wherever_they_stand(quiet: Site) -> None:
    sent, shown = "user.\u202etxt.exe\u200b", "user.\u2039U+202E\u203atxt.exe\u2039U+200B\u203a"
    exchange = f"exchange/\u2066{uuid.uuid4().hex[:8]}"
    view = fragment((exchange, "#"), c="key,cc,exchange,payload,payload.role,payload.\u2067x")
    page = Inspector(quiet.browser, quiet.server.url, view)
    page.wait_listening()
    quiet.publish(exchange, sent, {"role": sent, sent: 1, "\u2067x": sent}, cc=[sent])
    page.wait_column(0, [shown])
    page.wait("#editor .words", exchange.replace("\u2066", "\u2039U+2066\u203a"))
    (row,) = page.rows()
    assert row.cells[1:3] == [shown, exchange.replace("\u2066", "\u2039U+2066\u203a")]
    assert row.cells[4:] == [shown, shown]
    assert '"role":"user.\u2039U+202E\u203atxt' in row.cells[3] or "\\u202e" in row.cells[3]
    page.tab.press("t", Keys.ARROW_DOWN, Keys.ENTER)
    wait_until(lambda: page.texts("#chart tbody th"), "the rates")
    page.click("Raw")
    assert unseen_in(page) == []
    page.click("Tree")
    assert shown in page.texts("#detail .tree .key")
    assert unseen_in(page) == []
    page.tab.press("t", "f")
    page.wait("#filter-count", "1 of 1")
    assert value_of(page, "#filter") == r'routingKey:="user.\u202Etxt.exe\u200B"'
    page.filter(sent)
    page.wait("#filter-advice p", shown)
    page.wait_column(0, [shown])


def unseen_in(page: Inspector) -> list[str]:
    """Return the texts of the page, and the names of its parts, that hold what does not show."""
    script = r"""
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const found = [];
        while (walker.nextNode()) {
          const { data } = walker.currentNode;
          found.push(data);
        }
        for (const each of document.querySelectorAll("[title], [aria-label]")) {
          found.push(each.title, each.ariaLabel ?? "");
        }
        return found.filter((text) => /[\u200b\u202e\u2066\u2067]/.test(text));
    """
    return list(page.tab.run(script))


def test_the_policy_allows_no_script_but_the_server_s_own(quiet: Site) -> None:
    page = Inspector(quiet.browser, quiet.server.url)
    outcome = page.tab.run(
        """const script = document.createElement("script");
        try { script.text = "watched.errors.push('ran')"; } catch { }
        document.body.append(script);
        const worker = (() => {
          try { return new SharedWorker("/static/other.js") && "started"; }
          catch (error) { return error.name; }
        })();
        const html = (() => {
          try { document.body.innerHTML = "<p>"; return "set"; }
          catch (error) { return error.name; }
        })();
        return [worker, html];"""
    )
    assert outcome == ["TypeError", "TypeError"]
    assert page.watched()["violations"] != []
    page.tab.run("watched.violations.length = 0;")


def test_the_page_works_under_a_path_that_a_proxy_adds(quiet: Site) -> None:
    exchange = f"exchange/{uuid.uuid4().hex[:8]}"
    with PrefixProxy(quiet.server.port, "/some/pulse/") as proxy:
        page = Inspector(quiet.browser, proxy.url, fragment((exchange, "#")))
        page.wait_listening()
        quiet.publish(exchange, "through the proxy", 1)
        page.wait_column(2, ["through the proxy"])
        assert proxy.url in page.text("#snippets pre")
        hrefs = page.tab.run("return [...document.links].map((link) => link.href);")
        assert all(href.startswith(proxy.url) for href in hrefs)
        page.click("Stop")
