"""The inspector's steps in Chromium: where the browser's buttons lead, and what is not lost."""

import uuid
from pathlib import Path

import pytest
from selenium.webdriver import Keys
from selenium.webdriver.support.ui import Select

from tests.browser.conftest import Site
from tests.browser.inspector import Inspector, fragment
from tests.support.browser import Browser
from tests.support.server import Server
from tests.support.waiting import wait_until

KEY = 2


@pytest.fixture
def exchange() -> str:
    """An exchange of the test's own."""
    return f"exchange/{uuid.uuid4().hex[:8]}"


def open_page(site: Site, exchange: str, *keys: str) -> Inspector:
    """Return a page to which messages with these keys have come, the last of them first."""
    page = Inspector(site.browser, site.server.url, fragment((exchange, "#")))
    page.wait_listening()
    for key in keys:
        site.publish(exchange, key, {"key": key})
    page.wait_column(KEY, list(reversed(keys)))
    return page


def forward(page: Inspector) -> None:
    page.tab.run("history.forward();")


def opened(page: Inspector) -> str | None:
    """Return the routing key of the message in the pane."""
    if not page.tab.find("#detail").is_displayed():
        return None
    return page.texts("#detail dd")[1].removesuffix("=≠")


def wait_opened(page: Inspector, key: str | None) -> None:
    wait_until(lambda: opened(page) == key, f"the pane shows {key}")


def steps(page: Inspector) -> int:
    return int(page.tab.run("return history.length;"))


def test_filters_are_steps_and_typing_is_one(quiet: Site, exchange: str) -> None:
    page = open_page(quiet, exchange, "a", "b")
    before = steps(page)
    for letters in ("z", "y"):
        page.tab.find("#filter").send_keys(letters)
    wait_until(lambda: "f=zy" in page.fragment, "the filter in the URL")
    page.wait_column(KEY, [])
    page.tab.find("#filter").send_keys(Keys.ENTER)
    assert steps(page) == before + 1
    page.filter("key:b")
    page.wait_column(KEY, ["b"])
    page.tab.back()
    wait_until(lambda: "f=zy" in page.fragment, "the filter before")
    page.wait_column(KEY, [])
    page.wait("#empty", "Nothing that came passes")
    page.tab.back()
    page.wait_column(KEY, ["b", "a"])
    assert page.tab.find("#filter").get_attribute("value") == ""
    forward(page)
    forward(page)
    page.wait_column(KEY, ["b"])
    assert page.tab.find("#filter").get_attribute("value") == "key:b"
    assert page.phase == "listening"
    assert page.text("#counts") == "2 received"


def test_a_cell_s_filter_is_taken_back(quiet: Site, exchange: str) -> None:
    page = open_page(quiet, exchange, "a", "b")
    page.tab.press("t", Keys.HOME, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, "f")
    page.wait_column(KEY, ["b"])
    page.tab.back()
    page.wait_column(KEY, ["b", "a"])
    assert page.fragment == fragment((exchange, "#"))


@pytest.mark.parametrize("width", [390, 1280])
def test_back_closes_the_message_and_forward_opens_it(
    quiet: Site, exchange: str, width: int
) -> None:
    page = open_page(quiet, exchange, "a", "b")
    page.look(width=width)
    before = steps(page)
    page.tab.press("t", Keys.HOME, Keys.ENTER)
    wait_opened(page, "b")
    page.click("↓", "#detail") if width > 400 else page.tab.press(Keys.ARROW_DOWN)
    wait_opened(page, "a")
    assert steps(page) == before + 1
    page.tab.back()
    wait_opened(page, None)
    assert page.column(KEY) == ["b", "a"]
    forward(page)
    wait_opened(page, "a")
    page.click("Close (Escape)", "#detail")
    wait_opened(page, None)
    page.tab.press("t", Keys.HOME, Keys.ENTER)
    wait_opened(page, "b")
    assert steps(page) == before + 1  # the cross went back, as the browser's button does
    page.tab.back()
    wait_opened(page, None)
    assert page.fragment == fragment((exchange, "#"))


def test_what_follows_a_message_that_is_closed_at_once_is_kept(quiet: Site, exchange: str) -> None:
    page = open_page(quiet, exchange, "a", "b")
    page.tab.press("t", Keys.HOME, Keys.ENTER)
    wait_opened(page, "b")
    page.tab.run(  # faster than the browser goes back
        """
        const press = (key) => document.querySelector("#grid")
          .dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        for (const key of ["Escape", "End", "Enter", "ArrowRight", "ArrowRight", "f"]) press(key);
        """
    )
    page.wait_column(KEY, ["a"])
    wait_opened(page, "a")
    wait_until(lambda: "f=" in page.fragment, "the filter in the URL")
    page.tab.back()
    page.wait_column(KEY, ["b", "a"])
    wait_opened(page, "a")
    page.tab.back()
    wait_opened(page, None)


def test_a_filter_within_an_open_message_is_a_step_of_its_own(quiet: Site, exchange: str) -> None:
    page = open_page(quiet, exchange, "a", "b")
    page.tab.press("t", Keys.HOME, Keys.ENTER)
    wait_opened(page, "b")
    page.filter("key:b")
    page.wait_column(KEY, ["b"])
    page.tab.back()
    page.wait_column(KEY, ["b", "a"])
    assert opened(page) == "b"
    page.click("Stop")
    page.wait("#phase", "stopped")
    page.tab.back()
    wait_opened(page, None)
    assert page.phase == "stopped"


def test_a_message_that_is_gone_is_not_opened_again(quiet: Site, exchange: str) -> None:
    page = open_page(quiet, exchange, "a")
    page.tab.press("t", Keys.HOME, Keys.ENTER)
    wait_opened(page, "a")
    page.tab.run("location.reload();")
    page.wait_listening()
    wait_opened(page, None)
    page.wait_column(KEY, ["a"])  # of the history
    page.tab.back()
    forward(page)
    page.tab.run("return new Promise((done) => setTimeout(done, 300));")
    assert opened(page) is None
    page.tab.press("t", Keys.HOME, Keys.ENTER)
    wait_opened(page, "a")
    page.tab.back()
    wait_opened(page, None)


def test_back_does_not_leave_a_file(quiet: Site, exchange: str) -> None:
    page = open_page(quiet, exchange, "live")
    drop_file(page)
    page.filter("saved")
    page.tab.press("t", Keys.HOME, Keys.ENTER)
    wait_opened(page, "saved")
    page.tab.back()
    wait_opened(page, None)
    page.tab.back()
    wait_until(lambda: "f=" not in page.fragment, "no filter")
    assert page.column(KEY) == ["saved"]
    assert page.phase == "looking at a file"


def test_clear_is_undone_with_what_came_since(quiet: Site, exchange: str) -> None:
    page = open_page(quiet, exchange, "a", "b")
    assert not page.tab.find("#undo").is_displayed()
    page.click("Clear")
    page.wait_column(KEY, [])
    page.wait("#empty", "Nothing has come since.")
    quiet.publish(exchange, "c", 1)
    page.wait_column(KEY, ["c"])
    page.click("Undo")
    page.wait_column(KEY, ["c", "b", "a"])
    page.wait("#counts", "3 received")
    assert not page.tab.find("#undo").is_displayed()
    assert page.tab.run("return document.activeElement.id;") == "clear"
    page.click("Clear")
    page.click("Clear")  # as one does who clicks twice
    page.click("Undo")
    page.wait_column(KEY, ["c", "b", "a"])


def test_another_beginning_ends_the_offer_to_undo(quiet: Site, exchange: str) -> None:
    page = open_page(quiet, exchange, "a", "b")
    page.click("Clear")
    assert page.tab.find("#undo").is_displayed()
    Select(page.tab.find("#start")).select_by_visible_text("Last 1,000")
    page.wait_column(KEY, ["b", "a"])
    assert not page.tab.find("#undo").is_displayed()


def test_a_file_ends_the_offer_to_undo(quiet: Site, exchange: str) -> None:
    page = open_page(quiet, exchange, "a", "b")
    page.click("Clear")
    assert page.tab.find("#undo").is_displayed()
    drop_file(page)
    assert not page.tab.find("#undo").is_displayed()


def drop_file(page: Inspector) -> None:
    """Have the page look at a file of one message."""
    page.tab.run(
        """
        const text = '{"payload": 1, "exchange": "e", "routingKey": "saved"}';
        const moved = new DataTransfer();
        moved.items.add(new File([text], "saved.jsonl"));
        dispatchEvent(new DragEvent("drop", { dataTransfer: moved, cancelable: true }));
        """
    )
    page.wait_column(KEY, ["saved"])


def bindings_of(page: Inspector) -> list[list[str]]:
    """Return what stands in the editor."""
    script = """
        return [...document.querySelectorAll("#editor .binding")].map((row) =>
          [".exchange", ".pattern"].map((field) => row.querySelector(field).value));
    """
    return [list(map(str, pair)) for pair in page.tab.run(script)]


def test_edited_bindings_survive_a_reload_until_they_are_applied(
    quiet: Site, exchange: str
) -> None:
    page = open_page(quiet, exchange)
    page.bind(0, exchange, "a.#")
    page.click("+ Add")
    page.bind(1, "exchange/not/yet", "b")
    edited = [[exchange, "a.#"], ["exchange/not/yet", "b"]]
    page.tab.run("location.reload();")
    page.wait_listening()
    assert bindings_of(page) == edited
    page.wait("#bindings-summary", "1, changed")
    other = open_page(quiet, f"{exchange}/other")  # another tab has its own
    assert bindings_of(other) == [[f"{exchange}/other", "#"]]
    page.click("Revert")
    page.tab.run("location.reload();")
    page.wait_listening()
    assert bindings_of(page) == [[exchange, "#"]]
    page.bind(0, exchange, "c.#")
    page.click("Apply")
    wait_until(lambda: "c." in page.fragment, "it is applied")
    page.tab.run("location.reload();")
    page.wait_listening()
    assert bindings_of(page) == [[exchange, "c.#"]]
    assert "changed" not in page.text("#bindings-summary")


def test_bindings_that_were_never_applied_survive_too(quiet: Site, exchange: str) -> None:
    page = Inspector(quiet.browser, quiet.server.url)
    page.bind(0, exchange, "a.#")
    page.tab.run("location.reload();")
    wait_until(lambda: bindings_of(page) == [[exchange, "a.#"]], "what was typed")
    assert page.phase == "not listening"


def asks(page: Inspector) -> bool:
    """Return whether the page would have the browser ask before it is left."""
    script = """
        const event = new Event("beforeunload", { cancelable: true });
        dispatchEvent(event);
        return event.defaultPrevented;
    """
    return bool(page.tab.run(script))


def look(page: Inspector) -> None:
    """Wait until the page has looked, as it does each second, whether it is to ask."""
    page.tab.run("return new Promise((done) => setTimeout(done, 1500));")


def test_leaving_asks_only_where_unsaved_messages_would_be_lost(tabs: Browser) -> None:
    exchange = "exchange/unsaved"
    with Server("--history", "off") as server:
        page = Inspector(tabs, server.url, fragment((exchange, "#")))
        page.wait_listening()
        assert not asks(page)
        server.publish(exchange, "first", 1)
        page.wait_column(KEY, ["first"])
        wait_until(lambda: asks(page), "it asks")
        page.click("Save")
        page.click("JSON lines", "#files")
        wait_until(lambda: not asks(page), "what is saved is not lost")
        server.publish(exchange, "second", 1)
        page.wait_column(KEY, ["second", "first"])
        wait_until(lambda: asks(page), "it asks again")
        page.filter("first")
        page.wait_column(KEY, ["first"])
        page.click("Save")
        page.click("CSV", "#files .choices-of:nth-child(2)")
        assert asks(page)  # a part was saved
        page.click("Clear")
        wait_until(lambda: not asks(page), "nothing is left to lose")


def test_what_is_saved_of_a_file_is_not_of_the_stream(tabs: Browser, tmp_path: Path) -> None:
    """Also where the stream is back before all is written."""
    exchange = "exchange/unsaved"
    file = tmp_path / "a.jsonl"
    file.write_text('{"exchange":"e","routingKey":"k","payload":1}\n')
    with Server("--history", "off") as server:
        page = Inspector(tabs, server.url, fragment((exchange, "#")))
        page.wait_listening()
        server.publish(exchange, "first", 1)
        wait_until(lambda: asks(page), "it asks")
        page.tab.find("#file").send_keys(str(file))
        page.wait("#phase", "looking at a file")
        page.click("Save")
        buttons = [page.button("JSON lines", "#files"), page.button("Back to live")]
        page.tab.run("for (const each of args) each.click();", *buttons)
        page.wait_listening()
        page.wait_column(KEY, ["", "first"])  # and a gap
        look(page)
        assert asks(page)


def test_leaving_does_not_ask_for_what_the_server_holds(quiet: Site, exchange: str) -> None:
    page = open_page(quiet, exchange, "a", "b")
    look(page)
    assert not asks(page)
    page.bind(0, f"{exchange}/other", "#")
    page.click("Apply")
    wait_until(lambda: asks(page), "what the bindings before brought would not come again")
    page.click("Clear")
    wait_until(lambda: not asks(page), "nothing is left to lose")
    page.click("Undo", ".toolbar")
    wait_until(lambda: asks(page), "it is there again")
    Select(page.tab.find("#start")).select_by_visible_text("From now")
    page.wait_listening()
    wait_until(lambda: not asks(page), "the table is empty")
    quiet.publish(f"{exchange}/other", "c", 1)
    page.wait_column(KEY, ["c"])
    wait_until(lambda: asks(page), "another page from now on would not have it")
