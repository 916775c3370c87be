"""Views in the URL, downloads and looking at them offline, in Chromium."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Keys

from tests.browser.conftest import Site
from tests.browser.inspector import Inspector, fragment
from tests.support.waiting import wait_until

KEY = 2
BODIES = ["=1+1", {"b": [1.5, 'ä, "€"\n'], "a": 12345678901234567891}, None]


@pytest.fixture
def page(quiet: Site, tmp_path: Path) -> Iterator[Inspector]:
    """A page with three messages, and a folder that it downloads to."""
    exchange = f"exchange/{uuid.uuid4().hex[:8]}"
    page = Inspector(quiet.browser, quiet.server.url, fragment((exchange, "#")))
    page.tab.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.wait_listening()
    for number, body in enumerate(BODIES):
        quiet.publish(exchange, f"n.{number}", body, cc=["cc, one", "=two"])
    page.wait_column(KEY, ["n.2", "n.1", "n.0"])
    yield page
    page.tab.command("Browser.setDownloadBehavior", behavior="default")


def download(page: Inspector, kind: str, folder: Path, group: int = 0) -> Path:
    """Save what the table holds, and return the file."""
    page.click("Save")
    page.click(kind, f"#files .choices-of:nth-child({group + 1})")
    pattern = {"JSON lines": "*.jsonl", "CSV": "*.csv"}[kind]
    # The browser reserves the name first, with an empty file.
    wait_until(lambda: [f for f in folder.glob(pattern) if f.stat().st_size], "the file")
    (found,) = folder.glob(pattern)
    return found


def load(page: Inspector, path: Path) -> None:
    """Have the page look at a file."""
    page.tab.find("#file").send_keys(str(path))


def test_a_file_is_looked_at_until_the_server_has_taken_what_is_applied(
    page: Inspector, tmp_path: Path
) -> None:
    load(page, download(page, "JSON lines", tmp_path))
    page.wait("#phase", "looking at a file")
    pattern = "#editor .binding:nth-child(1) .pattern"
    page.type(pattern, "x" * 256)
    page.click("Listen")
    page.wait("#editor .fault", "256 bytes")
    assert page.tab.find("#banner").is_displayed()
    page.type(pattern, "other.#")
    page.click("Listen")
    page.wait_listening()
    wait_until(lambda: not page.tab.find("#banner").is_displayed(), "the file is left")
    assert page.fragment.endswith("=other.%23")


@pytest.mark.parametrize("kind", ["JSON lines", "CSV"])
def test_a_download_is_looked_at_offline_and_left_again(
    page: Inspector, quiet: Site, tmp_path: Path, kind: str
) -> None:
    saved = download(page, kind, tmp_path)
    before = page.rows()
    page.click("Clear")
    page.wait_column(KEY, [])
    load(page, saved)
    page.wait("#banner", f"You look at {saved.name}: 3 messages")
    page.wait("#phase", "looking at a file")
    page.wait_column(KEY, ["n.2", "n.1", "n.0"])
    page.wait("#counts", "3 messages")
    assert [row.cells[1:] for row in page.rows()] == [row.cells[1:] for row in before]
    wait_until(lambda: quiet.clients() == 0, "no stream")
    page.filter("n.1")
    page.wait_column(KEY, ["n.1"])
    page.filter("")
    page.click("Back to live")
    page.wait_listening()
    page.wait_column(KEY, [])


def test_the_closed_menu_keeps_no_message(page: Inspector, tmp_path: Path) -> None:
    page.click("Save")
    page.wait("#files h3", "3 messages")
    page.tab.press(Keys.ESCAPE)
    wait_until(lambda: page.texts("#files *") == [], "nothing in the closed menu")
    download(page, "JSON lines", tmp_path)
    wait_until(lambda: page.texts("#files *") == [], "nothing when it was saved")


def test_json_lines_hold_what_the_server_sent(page: Inspector, tmp_path: Path) -> None:
    lines = download(page, "JSON lines", tmp_path).read_text().splitlines()
    messages = [json.loads(line) for line in lines]
    assert [message["payload"] for message in messages] == BODIES
    assert '"a":12345678901234567891' in lines[1]
    assert all(list(message)[-1] == "receivedAt" for message in messages)


def test_only_what_the_filter_shows_may_be_saved(page: Inspector, tmp_path: Path) -> None:
    page.filter("key:n.1")
    page.wait_column(KEY, ["n.1"])
    saved = download(page, "JSON lines", tmp_path, group=1)
    (line,) = saved.read_text().splitlines()
    assert json.loads(line)["routingKey"] == "n.1"


def test_a_file_is_dropped_on_the_page(quiet: Site) -> None:
    page = Inspector(quiet.browser, quiet.server.url)
    page.tab.run(
        """const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([args[0]], "dropped.jsonl"));
        for (const type of ["dragenter", "dragover", "drop"]) {
          const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
          document.body.dispatchEvent(event);
        }""",
        '{"exchange":"e","routingKey":"dropped","payload":1}',
    )
    page.wait_column(KEY, ["dropped"])
    assert not page.tab.find("#drop").is_displayed()


def test_lines_of_a_file_that_are_no_messages_are_told(page: Inspector, tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_text('{"exchange":"e","routingKey":"good","payload":1}\n<b>bad</b>\n{}\n')
    load(page, path)
    page.wait("#banner", "mixed.jsonl: 1 message.")
    page.wait("#banner li", "line 2: ")
    page.wait("#banner li", "line 3: ")
    page.wait_column(KEY, ["good"])


def test_the_url_restores_the_whole_view(quiet: Site) -> None:
    exchange = f"exchange/{uuid.uuid4().hex[:8]}"
    view = fragment(
        (exchange, "a.#"), ("odd=&#% é", "b"), f="seen -hidden", c="key,payload.n", run="0"
    )
    page = Inspector(quiet.browser, quiet.server.url, view)
    page.wait("#phase", "stopped")
    script = "return [...document.querySelectorAll('#editor .exchange')].map((i) => i.value);"
    assert page.tab.run(script) == [exchange, "odd=&#% é"]
    assert page.texts("#grid [role=columnheader]") == ["Routing key", "n"]
    assert page.tab.find("#filter").get_attribute("value") == "seen -hidden"
    page.click("Listen")
    page.wait_listening()
    quiet.publish(exchange, "a.b", {"n": 7, "word": "seen"})
    quiet.publish(exchange, "a.x", {"n": 8, "word": "seen, hidden"})
    quiet.publish(exchange, "a.c", {"n": 9, "word": "seen"})
    wait_until(lambda: page.column(1) == ["9", "7"], "the columns and the filter")
    again = Inspector(quiet.browser, quiet.server.url, page.fragment)
    again.wait_listening()
    assert again.fragment == page.fragment


def test_the_page_follows_the_url_and_the_button_back(quiet: Site) -> None:
    one, two = (f"exchange/{uuid.uuid4().hex[:8]}" for _ in range(2))
    page = Inspector(quiet.browser, quiet.server.url, fragment((one, "#")))
    page.wait_listening()
    page.bind(0, two, "#")
    page.click("Apply")
    wait_until(lambda: two in page.fragment, "the new bindings in the URL")
    page.tab.back()
    field = page.tab.find("#editor .exchange")
    wait_until(lambda: page.tab.find("#editor .exchange").get_attribute("value") == one, str(field))

    def is_heard() -> bool:
        quiet.publish(one, "back", 1)
        return "back" in page.column(KEY)

    wait_until(is_heard, "a message of the first exchange")


def test_a_url_that_makes_no_sense_is_told_and_hurts_nothing(quiet: Site) -> None:
    view = "#b=exchange&b=x=%E0%A4&f=%&c=__proto__,constructor&__proto__=1&run=maybe"
    page = Inspector(quiet.browser, quiet.server.url, view)
    page.wait("#editor > .fault", "In the URL: b=exchange: a binding is exchange=pattern")
    assert page.texts("#grid [role=columnheader]") == ["__proto__", "constructor"]


LARGE = "x" * 900_000  # 55 of these are as much as the page keeps


def test_what_is_dropped_while_a_message_is_read_is_a_gap_in_the_file_and_in_the_table(
    page: Inspector, quiet: Site, tmp_path: Path
) -> None:
    exchange = page.rows()[0].cells[1]
    page.tab.press("t", Keys.ARROW_DOWN)
    for number in range(58):
        quiet.publish(exchange, f"large.{number}", LARGE)
    page.wait("#newer", "58 newer, 55 kept")
    page.click("Save")
    assert page.texts("#files h3") == ["All that is kept: 58 messages, 1 gap"]
    page.tab.press(Keys.ESCAPE)
    keys = [f"large.{number}" for number in range(3, 58)]
    lines = download(page, "JSON lines", tmp_path).read_text().splitlines()
    saved = [json.loads(line) for line in lines]
    found = [line.get("routingKey", "gap") for line in saved]
    assert found == ["n.0", "n.1", "n.2", "gap", *keys]
    assert "dropped 3 messages" in saved[3]["gap"]["reason"]
    assert saved[2]["receivedAt"] < saved[3]["gap"]["from"] <= saved[3]["gap"]["to"]
    page.tab.find("#newer").click()
    wait_until(lambda: page.column(KEY)[0] == keys[-1], "the newest")
    page.tab.press("t", Keys.END)
    wait_until(lambda: page.column(KEY)[-3:] == ["n.2", "n.1", "n.0"], "the oldest")
    assert "gap" in page.rows()[-4].classes
    assert "this page dropped 3 messages" in page.rows()[-4].cells[0]


def test_a_click_on_the_newer_ones_ends_a_pause(page: Inspector, quiet: Site) -> None:
    exchange = page.rows()[0].cells[1]
    page.tab.press("t", "p", Keys.ARROW_DOWN)
    quiet.publish(exchange, "later", 1)
    page.wait("#newer", "1 newer")
    page.tab.find("#newer").click()
    page.wait_column(KEY, ["later", "n.2", "n.1", "n.0"])
    assert page.tab.find("#pause").get_attribute("aria-pressed") == "false"
    page.tab.press("t", "p", Keys.ARROW_DOWN)
    quiet.publish(exchange, "latest", 1)
    page.wait("#newer", "1 newer")
    page.tab.press("g")
    page.wait_column(KEY, ["latest", "later", "n.2", "n.1", "n.0"])


def test_taskclusters_own_file_is_looked_at(page: Inspector, tmp_path: Path) -> None:
    path = tmp_path / "pulse-messages.json"
    messages = [
        {"payload": {"n": n}, "exchange": "e", "routingKey": f"tc.{n}", "redelivered": False}
        for n in range(3)
    ]
    path.write_text(json.dumps(messages, indent=2))
    load(page, path)
    page.wait("#banner", "pulse-messages.json: 3 messages.")
    page.wait_column(KEY, ["tc.2", "tc.1", "tc.0"])
    assert not page.tab.find("#rates").is_displayed()
    page.click("Clear")
    page.wait("#empty", "No message of the file is left")


@pytest.mark.parametrize("content", ["", "\x89PNG\n\0", '[{"no": "message"}]', "{\n]", "a,b\n1,2"])
def test_a_wrong_file_is_told_and_stops_nothing(
    page: Inspector, quiet: Site, tmp_path: Path, content: str
) -> None:
    exchange = page.rows()[0].cells[1]
    path = tmp_path / "wrong.json"
    path.write_text(content)
    load(page, path)
    page.wait("#banner", "wrong.json holds no messages")
    assert page.phase == "listening"
    quiet.publish(exchange, "goes.on", 1)
    page.wait_column(KEY, ["goes.on", "n.2", "n.1", "n.0"])
    page.click("Close", "#banner")
    assert not page.tab.find("#banner").is_displayed()
