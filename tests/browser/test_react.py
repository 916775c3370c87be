"""The React page of docs/javascript.md, as it stands there, built with Vite."""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.browser.conftest import Site, in_development
from tests.docs.blocks import blocks, commands, files_of
from tests.docs.programs import ADDRESS
from tests.e2e.logs import log_of, reading
from tests.support.amqp import Amqp
from tests.support.browser import Browser, Tab
from tests.support.files import served
from tests.support.npm_project import COMMANDS, install, said_by
from tests.support.rabbit import Rabbit
from tests.support.server import Server
from tests.support.waiting import wait_until

EXCHANGE = "exchange/taskcluster-queue/v1/task-completed"

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that a reader of the page has made, by what it says to type."""
    (block,) = [block for block in blocks() if "$ npm init" in block.text]
    typed = [command.text for command in commands(block.text)]
    asks_registry = [text for text in typed if text.startswith("npm install ")]
    parent = tmp_path_factory.mktemp("react")
    others = [text for text in typed if text not in asks_registry]
    said_by("bash", "-ec", "\n".join(others), folder=parent)
    (folder,) = parent.iterdir()
    install(folder)
    for word in " ".join(asks_registry).split():
        assert word in {"npm", "install", "--save-dev"} or (folder / "node_modules" / word).exists()
    for path, text in files_of("docs/javascript.md").items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    return folder


def point(project: Path, server: Server) -> None:
    """Make the page one of this server."""
    tasks = files_of("docs/javascript.md")["src/Tasks.jsx"]
    here = f"127.0.0.1:{server.port}"
    (project / "src" / "Tasks.jsx").write_text(tasks.replace(ADDRESS, here))


@pytest.fixture(params=["production", "development"])
def page(request: pytest.FixtureRequest, project: Path) -> Callable[[Server], Path]:
    """Build the page for a server; in development StrictMode mounts everything twice."""
    mode = str(request.param)

    def build(server: Server) -> Path:
        point(project, server)
        variables = {**os.environ, "NODE_ENV": mode}
        said = said_by(*COMMANDS["vite"], "--mode", mode, folder=project, environment=variables)
        assert said == ""
        return project / "dist"

    return build


@pytest.fixture
def servers(rabbit: Rabbit, amqp: Amqp) -> Iterator[Callable[..., Server]]:
    """Make servers that keep what the page listens to in a log, over their own end."""
    amqp.declare_exchange(EXCHANGE)
    with log_of(rabbit, f"{EXCHANGE}=#") as make:
        yield make
    amqp.delete_exchange(EXCHANGE)


def complete(amqp: Amqp, *tasks: str) -> None:
    """Publish as Taskcluster does when tasks are completed."""
    for task in tasks:
        body = json.dumps({"status": {"taskId": task, "state": "completed"}}).encode()
        amqp.publish(EXCHANGE, f"primary.{task}.0.a.b.c.d.e.f._", body)


def lines(tab: Tab) -> list[str]:
    """Return the page's list, the oldest first."""
    script = "return [...document.querySelectorAll('li')].map((line) => line.innerText);"
    return list(reversed(tab.run(script)))


def shows(tab: Tab, text: str) -> bool:
    """Tell whether a text stands on the page."""
    return text in str(tab.run("return document.body.innerText;"))


def wait_for(text: str, *tabs: Tab) -> None:
    """Wait until a text stands on each page."""
    for tab in tabs:
        wait_until(partial(shows, tab, text), text, within_s=20)


def wait_for_streams(count: int, browser: Browser, server: Server) -> None:
    """Wait until the server has so many streams."""
    site = Site(browser, server)
    wait_until(lambda: site.clients() == count, f"{count} streams")


def complaints(browser: Browser) -> list[str]:
    """Return what is wrong, by the tabs' consoles, since this was asked last."""
    entries = browser.driver.get_log("browser")  # type: ignore[no-untyped-call]
    return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]


def test_the_page_shows_tasks_once_and_in_order_over_a_restart(
    page: Callable[[Server], Path], servers: Callable[..., Server], amqp: Amqp, tabs: Browser
) -> None:
    with servers() as server:
        reading(server)
        with served(page(server)) as url:
            both = (tabs.open(url), tabs.open(url))
            wait_for("listening", *both)
            wait_for_streams(1, tabs, server)
            complete(amqp, "one", "two")
            wait_for("task two completed", *both)
            server.kill()
            wait_for("waiting: ", *both)
            complete(amqp, "three")
            with servers("--port", str(server.port)) as again:
                wait_for("task three completed", *both)
                complete(amqp, "four")
                wait_for("task four completed", *both)
                wait_for_streams(1, tabs, again)
            for tab in both:
                tasks = ("one", "two", "three", "four")
                assert lines(tab) == [f"task {task} completed" for task in tasks]


def test_the_page_leaves_nothing_behind_when_it_goes_and_comes_again(
    page: Callable[[Server], Path], site: Site
) -> None:
    complaints(site.browser)  # of pages before this one
    with served(page(site.server)) as url:
        tab, other = site.browser.open(url), site.browser.open(url)
        wait_for("listening", tab, other)
        wait_for_streams(1, site.browser, site.server)
        tab.find("button").click()
        wait_until(lambda: tab.run("return !document.querySelector('section');"), "it has gone")
        site.publish(EXCHANGE, "primary.x", {"status": {"taskId": "one"}})
        wait_for("task one completed", other)
        other.close()
        wait_for_streams(0, site.browser, site.server)
        tab.find("button").click()
        wait_for("listening", tab)
        wait_for_streams(1, site.browser, site.server)
        assert complaints(site.browser) == []
        assert lines(tab) == []


def test_the_page_shows_tasks_by_the_development_server(project: Path, site: Site) -> None:
    complaints(site.browser)  # of pages before this one
    point(project, site.server)
    with in_development(project) as url:
        tab = site.browser.open(url)
        wait_for("listening", tab)
        site.publish(EXCHANGE, "primary.x", {"status": {"taskId": "one"}})
        wait_for("task one completed", tab)
        assert complaints(site.browser) == []
