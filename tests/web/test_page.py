"""The page at ``/``: its policy, and that all it loads is there."""

import json
import re
from pathlib import Path
from urllib.parse import urljoin

import pytest
from aiohttp.test_utils import make_mocked_request

from pulse_events.web.page import Page
from tests.support.local_server import LocalServer
from tests.support.program import Program
from tests.support.raw_stream import Head, RawStream

STATIC = Path(__file__).parents[2] / "src" / "pulse_events" / "web" / "static"
PAGE = (STATIC / "page" / "index.html").read_text(encoding="utf-8")
KNOWN = re.compile(r'(<script type="application/json" id="known">)(.*?)(</script>)', re.DOTALL)
MODULES = sorted((STATIC / "inspector").glob("*.js"))


def get(server: LocalServer, path: str, **headers: str) -> tuple[Head, str]:
    """Return the head and the text of an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with RawStream(server.port, path, headers=named) as stream:
        head = stream.head()
        return head, stream.content(head).decode()


def test_the_page_is_html_that_must_be_asked_for_again(server: LocalServer) -> None:
    head, text = get(server, "/")
    assert KNOWN.sub(r"\1{}\3", text) == PAGE
    assert head.headers["content-type"] == "text/html; charset=utf-8"
    assert head.headers["cache-control"] == "no-cache"


def test_the_policy_lets_nothing_through_but_the_servers_own_files(server: LocalServer) -> None:
    head, _ = get(server, "/")
    rules = head.headers["content-security-policy"].split("; ")
    policy = {name: sources for name, _, sources in (rule.partition(" ") for rule in rules)}
    assert policy.pop("img-src") == "'self' data:"
    assert policy.pop("require-trusted-types-for") == "'script'"
    assert policy.pop("trusted-types") == "default"
    assert set(policy.values()) == {"'none'", "'self'"}
    for name in ("default-src", "base-uri", "form-action", "frame-ancestors"):
        assert policy[name] == "'none'"


def test_what_the_page_has_to_know_is_in_it(server: LocalServer) -> None:
    _, text = get(server, "/")
    found = KNOWN.search(text)
    assert found
    known = json.loads(found[2])
    config = json.loads(get(server, "/events/v1/config")[1])
    del config["time"]
    assert known["config"] == config
    assert known["catalogue"] == json.loads(get(server, "/events/v1/catalogue")[1])


async def test_nothing_in_what_it_has_to_know_ends_it() -> None:
    broker = "</script><script>alert(1)</script><!--"
    answer = await Page(lambda: {"config": {"broker": broker}})(make_mocked_request("GET", "/"))
    assert isinstance(answer.body, bytes)
    found = KNOWN.search(answer.body.decode())
    assert found
    assert json.loads(found[2]) == {"config": {"broker": broker}}


def test_a_browser_that_has_the_page_gets_304_with_the_same_policy(server: LocalServer) -> None:
    first, _ = get(server, "/")
    head, text = get(server, "/", If_None_Match=first.headers["etag"])
    assert (head.status, text) == (304, "")
    name = "content-security-policy"
    assert head.headers[name] == first.headers[name]


def test_other_origins_may_not_read_the_page_and_it_has_no_other_address(
    server: LocalServer,
) -> None:
    head, _ = get(server, "/")
    assert "access-control-allow-origin" not in head.headers
    assert get(server, "/static/index.html")[0].status == 404


def test_the_page_has_no_script_style_or_listener_of_its_own() -> None:
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", PAGE)
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", PAGE, re.DOTALL)
    assert [text for kind, text in scripts if "application/json" not in kind] == [""]


def test_without_javascript_the_page_has_a_curl_line_that_works(server: LocalServer) -> None:
    shown = re.search(r"<pre>(curl .*?)</pre>", PAGE, re.DOTALL)
    assert shown
    line = shown[1].replace("HOST", f"127.0.0.1:{server.port}")
    with Program("sh", "-c", f"exec {line}") as curl:
        assert curl.line() == "event: ready"


def test_all_that_the_page_refers_to_is_there_and_relative(server: LocalServer) -> None:
    targets = re.findall(r"(?:href|src)=\"(?!data:)([^\"]+)\"", PAGE)
    assert len(targets) > 5
    for target in targets:
        assert not re.match(r"/|\w+:", target)
        assert get(server, "/" + target)[0].status == 200, target


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_all_that_a_module_of_the_page_imports_is_there(path: Path, server: LocalServer) -> None:
    address = f"/static/inspector/{path.name}"
    head, text = get(server, address)
    assert head.headers["content-type"] == "text/javascript; charset=utf-8"
    for target in re.findall(r"^import [^;]*\"(.*)\";$|^\} from \"(.*)\";$", text, re.MULTILINE):
        wanted = urljoin(address, "".join(target))
        assert get(server, wanted)[0].status == 200, wanted


def test_no_module_of_the_page_makes_html_from_text() -> None:
    makers = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function"
    )
    for path in MODULES:
        assert not re.search(makers, path.read_text(encoding="utf-8")), path.name
