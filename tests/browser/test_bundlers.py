"""``share: true`` in pages that Vite, webpack and esbuild built from the packed package."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.conftest import Site, in_development
from tests.docs.blocks import files_of
from tests.support.browser import Tab
from tests.support.files import served
from tests.support.npm_project import build, install, prepare
from tests.support.program import Program
from tests.support.waiting import wait_until

BUILT = "data:text/javascript,export const listen = globalThis.listen;"
"""For the recorder: the client that the page was built with."""
NODE_PROGRAM = """
const { listen } = await import("pulse-events");
const bindings = [{ exchange: "exchange/test", routingKeyPattern: "#" }];
const listening = listen(bindings, { url: process.argv[2], share: true });
await listening.ready;
console.log("ready", typeof EventSource);
for await (const { payload } of listening) {
  console.log(payload);
  break;
}
try {
  listen(bindings);
} catch (error) {
  console.log(error.message);
}
"""

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's project with the package."""
    folder = tmp_path_factory.mktemp("project")
    install(folder)
    (folder / "shared.js").write_text(files_of("docs/javascript.md")["shared.js"])
    return folder


@contextmanager
def two_tabs(site: Site, url: str, **options: object) -> Iterator[list[Tab]]:
    """Open a page in two tabs, whose listeners are ready."""
    tabs = [site.browser.open(url), site.browser.open(url)]
    for number, tab in enumerate(tabs):
        binding = ("exchange/test", f"{number}.#")
        tab.listen("it", binding, client=BUILT, url=site.server.url, share=True, **options)
        tab.wait("it", "readies")
    yield tabs
    for tab in tabs:
        tab.close()


def is_shared(tab: Tab) -> bool:
    """Tell what the listener says of its connection."""
    return bool(tab.run("return recorder.listenings.get('it').listening.state.shared;"))


def assert_one_stream_for_both(site: Site, tabs: list[Tab]) -> None:
    wait_until(lambda: site.clients() == 1, "one stream")
    for number in (0, 1):
        site.publish("exchange/test", f"{number}.x", number)
    for number, tab in enumerate(tabs):
        assert tab.wait("it", "messages") == [number]
        assert (tab.told("it")["errors"], tab.told("it")["gaps"]) == ([], [])
        assert is_shared(tab)
    assert site.clients() == 1


def assert_bindings_change(site: Site, tabs: list[Tab]) -> None:
    tabs[0].rebind("it", ("exchange/test", "new"))
    assert tabs[0].wait("it", "rebinds") == ["in force"]
    site.publish("exchange/test", "0.x", "old")
    site.publish("exchange/test", "new", "new")
    assert tabs[0].wait("it", "messages", 2) == [0, "new"]
    wait_until(lambda: site.clients() == 1, "one stream")


@pytest.mark.parametrize(
    ("bundler", "program"),
    [
        ("vite", "main.js"),
        ("vite", "factory.js"),
        ("webpack", "main.js"),
        ("webpack", "factory.js"),
        ("esbuild", "main.js"),
        ("esbuild script", "main.js"),
    ],
)
def test_two_tabs_of_a_built_page_share_one_stream(
    site: Site, project: Path, bundler: str, program: str
) -> None:
    with served(build(project, bundler, program)) as url, two_tabs(site, url) as tabs:
        assert_one_stream_for_both(site, tabs)
        assert_bindings_change(site, tabs)


def test_two_tabs_of_a_page_in_development_share_one_stream(site: Site, project: Path) -> None:
    prepare(project, "vite", "factory.js")
    with in_development(project) as url, two_tabs(site, url) as tabs:
        assert_one_stream_for_both(site, tabs)


@pytest.mark.parametrize("options", [{}, {"worker": "/not-there.js"}], ids=["default", "named"])
def test_a_page_without_its_worker_says_so_and_gets_its_messages(
    site: Site, project: Path, options: dict[str, str]
) -> None:
    folder = build(project, "esbuild without the worker", "main.js")
    with served(folder) as url, two_tabs(site, url, **options) as tabs:
        for number, tab in enumerate(tabs):
            site.publish("exchange/test", f"{number}.x", number)
            assert tab.wait("it", "messages") == [number]
            (error,) = tab.told("it")["errors"]
            assert (error["code"], error["permanent"]) == ("WorkerFailed", False)
            assert "the worker that shares the connection does not work" in error["message"]
            assert not is_shared(tab)
        assert site.clients() == len(tabs)


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        ("globalThis.EventSource = class {};", "function"),
        ("delete globalThis.EventSource;", "undefined"),
    ],
    ids=["EventSource", "no EventSource"],
)
def test_the_package_listens_in_node_and_names_a_missing_url(
    site: Site, project: Path, first: str, kind: str
) -> None:
    (project / "program.mjs").write_text(first + NODE_PROGRAM)
    with Program("node", "program.mjs", site.server.url, folder=project) as program:
        assert program.line() == f"ready {kind}"
        site.publish("exchange/test", "a", "a message")
        assert program.line() == "a message"
        assert program.line().startswith("the option url is missing, and there is no page to go by")
        with pytest.raises(EOFError):
            program.line()
