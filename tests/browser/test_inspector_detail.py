"""The pane of one message in Chromium, and the lines to run elsewhere, which are run here."""

import json
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Keys

from tests.browser.conftest import ROOT_URL, Site
from tests.browser.inspector import Inspector, fragment
from tests.support.browser import BLANK_PATH
from tests.support.program import Program
from tests.support.server import CONSOLE_SCRIPT, Server
from tests.support.waiting import wait_until

LEAST_TOUCH_PX = 24  # WCAG 2.2, 2.5.8
RUNNING = "exchange/taskcluster-queue/v1/task-running"
TASK, GROUP = "AbCdEfGhIjKlMnOpQrStUv", "Zz-_EfGhIjKlMnOpQrStUv"
ROUTING_KEY = f"primary.{TASK}.3.group.worker.prov.type.sched.{GROUP}._"
BODY = {"status": {"taskId": TASK, "runs": [{"state": "running"}]}, "runId": 3, "text": "ä€😀"}


@pytest.fixture
def page(quiet: Site) -> Inspector:
    """The page with one message of a task, open."""
    page = Inspector(quiet.browser, quiet.server.url, fragment((RUNNING, "primary.#"), t="now"))
    page.wait_listening()
    quiet.publish(RUNNING, ROUTING_KEY, BODY, cc=["route.index.one", "other"])
    page.wait("#counts", "1 received")
    wait_until(page.rows, "a row")
    page.tab.press("t", Keys.ARROW_DOWN, Keys.ENTER)
    page.wait("#detail h2", "queue/task-running")
    return page


@pytest.fixture
def clipboard(page: Inspector) -> Iterator[Inspector]:
    """The page, allowed to write to the clipboard and to read it."""
    permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    page.tab.command("Browser.grantPermissions", permissions=permissions)
    yield page
    page.tab.command("Browser.resetPermissions")


def definitions(page: Inspector) -> list[tuple[str, str]]:
    """Return the pairs of the pane's lists."""
    names = page.texts("#detail dt")
    script = """return [...document.querySelectorAll("#detail dd")]
        .map((each) => (each.querySelector("code") ?? each).textContent);"""
    return list(zip(names, page.tab.run(script), strict=True))


def test_the_size_is_of_what_is_shown(page: Inspector) -> None:
    size = "#detail .payload .section-head .muted"
    said = page.text(size)
    page.click("Raw")
    message = page.text("#detail .raw")
    assert page.text(size) == f"{len(message.encode())} bytes"
    payload = message.removeprefix('{"payload":').partition(',"exchange":')[0]
    assert json.loads(payload) == BODY
    assert said == f"{len(payload.encode())} bytes"
    page.click("Tree")
    assert page.text(size) == said


def test_the_envelope_and_the_named_words_of_the_key_are_shown(page: Inspector) -> None:
    pairs = definitions(page)
    assert pairs[:5] == [
        ("exchange", RUNNING),
        ("routing key", ROUTING_KEY),
        ("cc", "route.index.one"),
        ("cc", "other"),
        ("route", "index.one"),
    ]
    assert ("taskId", TASK) in pairs
    assert ("runId", "3") in pairs
    assert ("taskGroupId", GROUP) in pairs


def test_links_lead_to_the_task_and_its_group(page: Inspector) -> None:
    script = "return [...document.querySelectorAll('#detail .links a')].map((a) => a.href);"
    assert page.tab.run(script) == [
        f"{ROOT_URL}/tasks/{TASK}",
        f"{ROOT_URL}/tasks/{TASK}/runs/3",
        f"{ROOT_URL}/tasks/groups/{GROUP}",
    ]


def test_listen_to_this_task_binds_all_that_the_queue_says_of_it(
    page: Inspector, quiet: Site
) -> None:
    page.click("Listen to this task")
    wait_until(lambda: page.fragment.count(f"=primary.{TASK}.%23") == 8, "8 bindings")
    page.wait_listening()
    completed = RUNNING.replace("running", "completed")

    def is_heard() -> bool:
        quiet.publish(completed, ROUTING_KEY, BODY)
        return "queue/task-completed" in page.column(1)

    page.tab.press("t", Keys.ESCAPE)
    wait_until(is_heard, "the task's end")


def test_the_payload_folds_and_unfolds(page: Inspector) -> None:
    page.wait("#detail .tree", "status")
    page.click("Open all")
    page.wait("#detail .tree .leaf", '"running"')
    page.tab.find("#detail .tree .branch").click()
    assert len(page.texts("#detail .tree .node")) == 1


def test_raw_is_the_message_as_it_was_sent(page: Inspector) -> None:
    page.click("Raw")
    raw = page.text("#detail pre.raw")
    assert raw.startswith('{"payload":{"status":{"taskId":')
    assert raw.endswith(',"cc":["route.index.one","other"]}')
    page.click("Tree")


def test_the_payload_is_copied(clipboard: Inspector) -> None:
    clipboard.click("Copy", "#detail .payload")
    clipboard.wait("#detail .payload .copy", "Copied")
    assert json.loads(clipboard.tab.run("return navigator.clipboard.readText();")) == BODY


def test_numbers_too_long_for_javascript_are_shown_as_written(quiet: Site) -> None:
    exchange = f"exchange/{uuid.uuid4().hex[:8]}"
    page = Inspector(quiet.browser, quiet.server.url, fragment((exchange, "#")))
    page.wait_listening()
    quiet.publish(exchange, "a", {"id": 12345678901234567891})
    wait_until(page.rows, "a row")
    page.tab.press("t", Keys.ARROW_DOWN, Keys.ENTER)
    page.wait("#detail .tree", "12345678901234567891")


def test_a_payload_of_many_members_does_not_freeze_the_page(quiet: Site) -> None:
    exchange = f"exchange/{uuid.uuid4().hex[:8]}"
    page = Inspector(quiet.browser, quiet.server.url, fragment((exchange, "#")))
    page.wait_listening()
    quiet.publish(exchange, "large", {f"key {number}": [number] for number in range(40_000)})
    page.wait_column(2, ["large"])
    page.tab.press("t", Keys.HOME, Keys.ENTER)
    wait_until(lambda: page.texts("#detail .tree .node"), "a tree")
    page.click("Open all")
    page.click("Show 100 of 39,900 more")
    page.wait("#detail .payload button", "Show 100 of 39,800 more")
    assert len(page.texts("#detail .tree .node")) < 1000


def snippet(page: Inspector, language: str) -> str:
    """Return the lines for one language."""
    page.click(language, "#detail .snippets")
    return page.text("#detail .snippets pre")


def test_the_line_for_curl_runs(page: Inspector, quiet: Site) -> None:
    with Program("sh", "-c", f"exec {snippet(page, 'curl')}") as curl:
        assert curl.line() == "event: ready"
        quiet.publish(RUNNING, "primary.of.curl", 1)
        while "primary.of.curl" not in curl.line():
            pass


def test_the_line_for_the_shell_runs(page: Inspector, quiet: Site) -> None:
    line = snippet(page, "CLI").replace("pulse-events", CONSOLE_SCRIPT, 1)
    with Program("sh", "-c", f"exec {line} 2>&1") as cli:
        assert cli.line() == "ready"
        quiet.publish(RUNNING, "primary.of.cli", 1)
        assert cli.json()["routingKey"] == "primary.of.cli"


def test_the_lines_for_python_run(page: Inspector, quiet: Site) -> None:
    lines = snippet(page, "Python")
    before = quiet.clients()
    with Program(sys.executable, "-u", "-c", lines) as python:
        wait_until(lambda: quiet.clients() > before, "its stream")
        quiet.publish(RUNNING, "primary.of.python", {"a": 1})
        assert python.line() == f"{RUNNING} primary.of.python {{'a': 1}}"


def test_the_lines_for_node_run(page: Inspector, quiet: Site, tmp_path: Path) -> None:
    path = tmp_path / "listen.mjs"
    path.write_text(snippet(page, "Node"))
    before = quiet.clients()
    with Program("node", str(path)) as node:
        wait_until(lambda: quiet.clients() > before, "its stream")
        quiet.publish(RUNNING, "primary.of.node", "ä")
        assert node.line() == f"{RUNNING} primary.of.node ä"


@pytest.mark.parametrize("language", ["Python", "Node"])
def test_the_lines_say_why_they_ended(
    page: Inspector, quiet: Site, tmp_path: Path, language: str
) -> None:
    lines = snippet(page, language)
    with Server() as server:
        path = tmp_path / "listen.mjs"
        path.write_text(lines.replace(quiet.server.url, server.url))
        command = [sys.executable] if language == "Python" else ["node"]
        with subprocess.Popen([*command, str(path)], stderr=subprocess.PIPE, text=True) as running:
            wait_until(lambda: clients(server) == 1, "its stream")
            server.stop()
            _, said = running.communicate(timeout=10)
    assert running.returncode == 1
    assert "the server is stopping" in said


def clients(server: Server) -> int:
    """Return how many streams a server has."""
    with urllib.request.urlopen(f"{server.url}events/v1/stats", timeout=5) as answer:
        return int(json.load(answer)["clients"])


def test_a_body_that_was_left_out_is_no_null_and_one_that_is_no_text_is_marked(
    quiet: Site, tmp_path: Path
) -> None:
    page = Inspector(quiet.browser, quiet.server.url, fragment(c="key,payload"))
    message = {"payload": None, "exchange": "e", "routingKey": ""}
    odd = [
        {"routingKey": "omitted", "omitted": "5 bytes, the limit is 4"},
        {"routingKey": "binary", "payload": "AAEC", "payloadEncoding": "base64"},
    ]
    path = tmp_path / "odd.jsonl"
    path.write_text("\n".join(json.dumps(message | each) for each in odd))
    page.tab.find("#file").send_keys(str(path))
    page.wait_column(1, ['base64: "AAEC"', "left out: 5 bytes, the limit is 4"])
    page.tab.press("t", Keys.END, Keys.ENTER)
    page.wait("#detail .note", "The server left it out: 5 bytes")
    assert page.texts("#detail .tree") == []
    page.tab.press(Keys.HOME)
    page.wait("#detail .note", "this is its base64")
    page.filter("payload:null")
    page.wait_column(0, [])


def test_the_lines_for_javascript_run(page: Inspector, quiet: Site) -> None:
    lines = snippet(page, "JavaScript")
    tab = quiet.open()
    tab.go(f"{quiet.server.url}{BLANK_PATH}")
    tab.run(
        """globalThis.printed = [];
        console.log = (...parts) => printed.push(parts);
        const script = document.createElement("script");
        script.type = "module";
        script.textContent = args[0];
        document.documentElement.append(script);""",
        lines,
    )

    def is_heard() -> bool:
        quiet.publish(RUNNING, "primary.of.js", {"a": 1})
        return [RUNNING, "primary.of.js", {"a": 1}] in tab.run("return printed;")

    wait_until(is_heard, "its message")


def test_the_side_has_the_lines_for_all_bindings(page: Inspector, tmp_path: Path) -> None:
    page.tab.run("document.querySelector('#elsewhere').open = true;")
    line = page.text("#elsewhere pre").replace("curl -NG", "curl --max-time 1 -sNG", 1)
    done = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=10
    )
    assert done.stdout.startswith("event: ready\n"), done


def test_a_tap_anywhere_in_a_cell_opens_the_message(quiet: Site) -> None:
    exchange = f"exchange/{uuid.uuid4().hex[:8]}"
    page = Inspector(quiet.browser, quiet.server.url, fragment((exchange, "#")))
    page.look(width=390)
    page.tab.command("Emulation.setTouchEmulationEnabled", enabled=True)
    feature = {"name": "hover", "value": "none"}
    page.tab.command("Emulation.setEmulatedMedia", features=[feature])
    page.wait_listening()
    quiet.publish(exchange, "a", 1)
    wait_until(page.rows, "a row")
    cell = "document.querySelector('#grid-body [data-column=exchange]')"
    page.tab.run(f"{cell}.scrollIntoView();")
    right, y = page.tab.run(
        f"const {{ right, top }} = {cell}.getBoundingClientRect(); return [right, top + 13];"
    )
    finger = [{"x": right - 12, "y": y}]
    page.tab.command("Input.dispatchTouchEvent", type="touchStart", touchPoints=finger)
    page.tab.command("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    page.wait("#detail", "routing key")
    assert page.tab.find("#filter").get_attribute("value") == ""
    sizes = """return [...document.querySelectorAll("#detail .act")]
        .map((each) => each.getBoundingClientRect())
        .map(({ width, height }) => Math.min(width, height));"""
    assert min(page.tab.run(sizes)) >= LEAST_TOUCH_PX
