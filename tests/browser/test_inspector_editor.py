"""The bindings editor in Chromium: it completes, composes, explains, and shows faults in place."""

import json
import uuid

from selenium.webdriver import Keys

from pulse_events.catalogue import load_catalogue
from tests.browser.conftest import Site
from tests.browser.inspector import Inspector, fragment
from tests.support.waiting import wait_until

PENDING = "exchange/taskcluster-queue/v1/task-pending"
KEY = 2
TOO_LONG = "x" * 256
FAILED = "exchange/taskcluster-queue/v1/task-failed"
PLACE = "return [location.href, history.length];"
SUGGESTED = """
const list = document.querySelector("#suggestions");
return list.matches(":popover-open") ? [...list.children].map(({ dataset }) => dataset.value) : [];
"""


def row(number: int) -> str:
    """Return the selector of a row, counted from 0."""
    return f"#editor .binding:nth-child({number + 1})"


def test_exchanges_of_the_catalogue_and_those_seen_are_suggested(quiet: Site) -> None:
    seen = f"exchange/{uuid.uuid4().hex[:8]}"
    page = Inspector(quiet.browser, quiet.server.url, fragment((seen, "#")))
    page.wait_listening()
    quiet.publish(seen, "a", 1)
    page.wait_column(KEY, ["a"])
    field = page.tab.find(f"{row(0)} .exchange")
    field.send_keys(Keys.ARROW_DOWN)
    suggested = page.tab.run(SUGGESTED)
    assert set(suggested) == {exchange.name for exchange in load_catalogue()} | {seen}
    field.send_keys(Keys.ESCAPE)
    assert page.tab.run(SUGGESTED) == []
    assert field.get_attribute("value") == seen


def test_a_suggestion_is_chosen_by_keys_or_by_a_click(quiet: Site) -> None:
    page = Inspector(quiet.browser, quiet.server.url)
    field = page.tab.find(f"{row(0)} .exchange")
    field.send_keys("queue failed")
    assert page.tab.run(SUGGESTED) == [FAILED]
    field.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    assert field.get_attribute("value") == FAILED
    assert page.tab.run(SUGGESTED) == []
    page.wait(f"{row(0)} .words", "every message")
    assert page.phase == "not listening"
    field.clear()
    field.send_keys("pull")
    page.tab.find("#suggestions li").click()
    assert field.get_attribute("value") == "exchange/taskcluster-github/v1/pull-request"
    field.send_keys(Keys.ENTER)
    page.wait_listening()


def test_values_that_were_seen_are_suggested_in_the_builder(quiet: Site) -> None:
    page = Inspector(quiet.browser, quiet.server.url, fragment((FAILED, "#"), t="now"))
    page.wait_listening()
    key = "primary.AbCdEfGhIjKlMnOpQrStUv.0.w.i.prov-seen.type.sched.AbCdEfGhIjKlMnOpQrStUv._"
    quiet.publish(FAILED, key, {})
    page.wait_column(KEY, [key])
    page.click("Fields", row(0))
    field = page.tab.find(f"{row(0)} .builder label:nth-of-type(6) input")
    field.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    assert field.get_attribute("value") == "prov-seen"
    pattern = page.tab.find(f"{row(0)} .pattern")
    assert pattern.get_attribute("value") == "primary.*.*.*.*.prov-seen.#"


def test_a_pattern_is_composed_of_named_fields_and_said_in_words(quiet: Site) -> None:
    page = Inspector(quiet.browser, quiet.server.url)
    page.bind(0, PENDING, "#")
    page.wait(f"{row(0)} .words", "every message")
    page.click("Fields", row(0))
    names = page.texts(f"{row(0)} .builder label > span")
    (pending,) = (exchange for exchange in load_catalogue() if exchange.name == PENDING)
    assert names == [word.name for word in pending.words]
    page.tab.find(f"{row(0)} .builder label:nth-of-type(2) input").send_keys("abc")
    pattern = page.tab.find(f"{row(0)} .pattern")
    assert pattern.get_attribute("value") == "primary.abc.#"
    page.wait(f"{row(0)} .words", "taskId is abc, anything else")
    page.type(f"{row(0)} .pattern", "primary.*.7.#")
    run = page.tab.find(f"{row(0)} .builder label:nth-of-type(3) input")
    assert run.get_attribute("value") == "7"


def test_what_does_nothing_useful_is_warned_of(quiet: Site) -> None:
    page = Inspector(quiet.browser, quiet.server.url)
    page.bind(0, "exchange/unknown", "a*.b")
    page.wait(f"{row(0)} .words", "“a*” is literal")


def test_enter_applies_without_a_stop_and_nothing_is_missed(quiet: Site) -> None:
    first, second = (f"exchange/{uuid.uuid4().hex[:8]}" for _ in range(2))
    page = Inspector(quiet.browser, quiet.server.url, fragment((first, "#")))
    page.wait_listening()
    page.click("+ Add")
    page.bind(1, second, "b.#")
    quiet.publish(first, "while edited", 1)
    page.wait_column(KEY, ["while edited"])
    page.tab.find(f"{row(1)} .pattern").send_keys(Keys.ENTER)
    sent = ["while edited"]

    def has_both() -> bool:
        sent.append(f"n.{len(sent)}")
        quiet.publish(first, sent[-1], 1)
        quiet.publish(second, "b.here", 2)
        return "b.here" in page.column(KEY)

    wait_until(has_both, "a message of the second binding")
    quiet.publish(first, "last", 1)
    wait_until(lambda: page.column(KEY)[0] == "last", "the last message")
    page.filter(f"exchange:{first}")
    page.wait_column(KEY, ["last", *reversed(sent)])
    assert page.phase == "listening"
    assert f"b={second}=b.%23" in page.fragment


def test_a_fault_stands_at_the_field_of_its_row_in_the_server_s_words(quiet: Site) -> None:
    good = f"exchange/{uuid.uuid4().hex[:8]}"
    page = Inspector(quiet.browser, quiet.server.url, fragment((good, "#")))
    page.wait_listening()
    page.click("+ Add")
    page.click("+ Add")  # an empty row in between counts for nothing
    page.bind(2, good, TOO_LONG)
    before = page.tab.run(PLACE)
    page.tab.find(f"{row(2)} .pattern").send_keys(Keys.ENTER)
    page.wait(f"{row(2)} .fault", "routingKeyPattern is 256 bytes, the limit is 255")
    assert page.tab.run(PLACE) == before
    assert page.tab.run("return document.activeElement.className;") == "pattern"
    field = page.tab.find(f"{row(2)} .pattern")
    assert field.get_attribute("aria-invalid") == "true"
    described = str(field.get_attribute("aria-describedby")).split()
    assert page.tab.find(f"{row(2)} .fault").get_attribute("id") in described
    assert page.tab.find(f"{row(2)} .fault").is_displayed()
    assert page.texts('#editor [aria-invalid="true"]') == [""]  # one, and inputs have no text
    quiet.publish(good, "goes on", 1)
    page.wait_column(KEY, ["goes on"])
    page.type(f"{row(2)} .pattern", "fine")
    assert page.texts('#editor [aria-invalid="true"]') == []
    page.tab.find(f"{row(2)} .pattern").send_keys(Keys.ENTER)
    wait_until(lambda: "=fine" in page.fragment, "the new view in the URL")


def test_faults_are_told_one_after_the_other_and_mended(quiet: Site) -> None:
    good = f"exchange/{uuid.uuid4().hex[:8]}"
    page = Inspector(quiet.browser, quiet.server.url)
    page.bind(0, good, TOO_LONG)
    page.click("+ Add")
    page.bind(1, good, f"{TOO_LONG}y")
    for number, size in enumerate((256, 257)):
        page.click("Listen")
        page.wait(f"{row(number)} .fault", f"routingKeyPattern is {size} bytes")
        page.wait("#phase", "refused")
        page.type(f"{row(number)} .pattern", f"fine.{number}")
    page.click("Listen")
    page.wait_listening()
    wait_until(lambda: page.fragment.endswith(f"={good}=fine.1"), "the view in the URL")
    quiet.publish(good, "fine.1", 1)
    page.wait_column(KEY, ["fine.1"])


def test_the_fault_of_the_exchange_without_a_name_stands_at_the_exchange(quiet: Site) -> None:
    page = Inspector(quiet.browser, quiet.server.url)
    page.bind(0, "", "some.pattern")
    page.click("Listen")
    page.wait(f"{row(0)} .fault", "access is refused")
    assert page.tab.find(f"{row(0)} .exchange").get_attribute("aria-invalid") == "true"
    page.wait("#phase", "refused")


def test_rows_are_removed_and_changes_taken_back(quiet: Site) -> None:
    view = fragment(("exchange/one", "a"), ("exchange/two", "b"))
    page = Inspector(quiet.browser, quiet.server.url, view)
    page.wait_listening()
    page.click("Remove binding 1")
    assert page.tab.find(f"{row(0)} .exchange").get_attribute("value") == "exchange/two"
    page.wait("#bindings-summary", "changed")
    page.click("Revert")
    assert page.tab.find(f"{row(0)} .exchange").get_attribute("value") == "exchange/one"
    page.click("Remove binding 2")
    page.click("Apply")
    wait_until(lambda: page.fragment == "#b=exchange/one=a", "one binding in the URL")


def test_it_stops_and_listens_again(quiet: Site) -> None:
    exchange = f"exchange/{uuid.uuid4().hex[:8]}"
    page = Inspector(quiet.browser, quiet.server.url, fragment((exchange, "#")))
    page.wait_listening()
    page.click("Stop")
    page.wait("#phase", "stopped")
    wait_until(lambda: quiet.clients() == 0, "no stream")
    assert page.fragment.endswith("&run=0")
    page.click("Listen")
    page.wait_listening()
    quiet.publish(exchange, "a", 1)
    page.wait_column(KEY, ["a"])


def test_without_bindings_examples_are_offered_that_listen_at_a_click(quiet: Site) -> None:
    page = Inspector(quiet.browser, quiet.server.url)
    page.wait("#empty", "Name an exchange and a pattern")
    page.click("Tasks that fail", "#empty")
    page.wait_listening()
    key = f"primary.{uuid.uuid4().hex[:8]}"
    quiet.publish("exchange/taskcluster-queue/v1/task-failed", key, 1)
    wait_until(lambda: page.column(KEY)[:1] == [key], "the message")


def test_several_bindings_that_are_pasted_become_rows(quiet: Site) -> None:
    one, two, three = (f"exchange/{uuid.uuid4().hex[:8]}" for _ in range(3))
    page = Inspector(quiet.browser, quiet.server.url)
    paste(page, json.dumps({"bindings": [{"exchange": one, "routingKeyPattern": "a.#"}]}))
    paste(page, f"{two}=b.#\n{three}=#\n")
    paste(page, "plain")
    values = (
        "return [...document.querySelectorAll('#editor input.exchange, #editor input.pattern')]"
    )
    found = page.tab.run(f"{values}.map((each) => each.value);")
    assert found == [one, "a.#", two, "b.#", three, "#"]
    assert page.tab.run("return document.activeElement.value;") == three
    page.click("Listen")
    page.wait_listening()
    quiet.publish(two, "b.c", 1)
    page.wait_column(KEY, ["b.c"])


def bindings_of(page: Inspector) -> list[str]:
    """Return what stands in the editor, a line for each row."""
    script = """
        return [...document.querySelectorAll("#editor .binding")].map((row) =>
          [".exchange", ".pattern"].map((field) => row.querySelector(field).value).join("="));
    """
    return list(page.tab.run(script))


def undo(page: Inspector) -> None:
    page.click("Undo", "#editor")


def is_undo_offered(page: Inspector) -> bool:
    return page.tab.find("#editor [title^='Bring back']").is_displayed()


FOCUSED = "return document.activeElement.ariaLabel;"


def test_what_is_removed_is_brought_back_to_its_place(quiet: Site) -> None:
    all_three = ["exchange/one=a", "exchange/two=b", "exchange/three=c"]
    view = fragment(*((each.split("=")[0], each.split("=")[1]) for each in all_three))
    page = Inspector(quiet.browser, quiet.server.url, view)
    page.wait_listening()
    assert not is_undo_offered(page)
    page.click("Remove binding 2")
    page.click("Remove binding 1")
    page.type(f"{row(0)} .pattern", "edited")
    undo(page)
    assert bindings_of(page) == ["exchange/one=a", "exchange/three=edited"]
    undo(page)
    assert bindings_of(page) == ["exchange/one=a", "exchange/two=b", "exchange/three=edited"]
    assert not is_undo_offered(page)
    assert page.tab.run(FOCUSED) == "Remove binding 2"
    for _ in all_three:
        page.click("Remove binding 1")
    assert bindings_of(page) == ["=#"]
    page.click("Remove binding 1")  # of the row that stands for none: nothing to bring back
    undo(page)
    assert bindings_of(page) == ["exchange/three=edited"]
    undo(page)
    undo(page)
    page.click("Remove binding 1")
    page.click("Apply")
    wait_until(lambda: "=edited" in page.fragment, "it is applied")
    assert not is_undo_offered(page)  # Back leads there
    assert bindings_of(page) == ["exchange/two=b", "exchange/three=edited"]


def test_what_is_pasted_is_taken_out_again(quiet: Site) -> None:
    page = Inspector(quiet.browser, quiet.server.url)
    page.type(f"{row(0)} .pattern", "typed before")
    paste(page, "exchange/one=a\nexchange/two=b")
    assert bindings_of(page) == ["exchange/one=a", "exchange/two=b"]
    undo(page)
    assert bindings_of(page) == ["=typed before"]
    assert page.tab.run(FOCUSED) == "Exchange"
    page.type(f"{row(0)} .exchange", "exchange/kept")
    paste(page, "exchange/one=a\nexchange/two=b")
    page.click("Remove binding 2")
    undo(page)
    undo(page)
    assert bindings_of(page) == ["exchange/kept=typed before"]


def test_edits_that_others_replace_are_brought_back(quiet: Site) -> None:
    page = Inspector(quiet.browser, quiet.server.url, fragment(("exchange/one", "a")))
    page.wait_listening()
    page.bind(0, "exchange/edited", "b")
    page.click("Revert")
    assert bindings_of(page) == ["exchange/one=a"]
    undo(page)
    assert bindings_of(page) == ["exchange/edited=b"]
    page.wait("#bindings-summary", "changed")
    page.tab.run(f"location.hash = {fragment(('exchange/other', 'c'))!r};")
    wait_until(lambda: bindings_of(page) == ["exchange/other=c"], "what the URL says")
    undo(page)
    assert bindings_of(page) == ["exchange/edited=b"]
    page.click("Apply")
    wait_until(lambda: "exchange/edited" in page.fragment, "it is applied")
    page.tab.back()
    wait_until(lambda: bindings_of(page) == ["exchange/other=c"], "the step before")
    assert not is_undo_offered(page)  # nothing is lost: Forward leads there


def paste(page: Inspector, text: str) -> None:
    """Paste into the last exchange field, as far as a script can."""
    page.tab.run(
        """const field = [...document.querySelectorAll("#editor .exchange")].pop();
        const clipboardData = new DataTransfer();
        clipboardData.setData("text/plain", args[0]);
        const options = { clipboardData, bubbles: true, cancelable: true };
        field.dispatchEvent(new ClipboardEvent("paste", options));""",
        text,
    )
