"""What every test may ask for, the order of the tests, and the rule that nothing is skipped."""

import uuid
from collections.abc import Generator, Iterator

import pytest

from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Rabbit]:
    """The session's broker, started when the first test asks for it."""
    with Rabbit() as node:
        yield node


@pytest.fixture
def amqp(rabbit: Rabbit) -> Iterator[Amqp]:
    """A connection to the session's broker."""
    with Amqp(rabbit.amqp_url) as connection:
        yield connection


@pytest.fixture
def exchange(amqp: Amqp) -> Iterator[str]:
    """A topic exchange of this test's own."""
    name = amqp.declare_exchange(f"exchange/test/{uuid.uuid4().hex[:12]}")
    yield name
    amqp.delete_exchange(name)


_SLOW_FOLDERS = {"e2e", "faults"}
_OUTSIDE_FOLDERS = {"browser", "clients", "docs", "js", "screenshots"}
"""Tests there need node, Chromium or other programs."""


def _cost(item: pytest.Item) -> int:
    if _SLOW_FOLDERS.intersection(item.path.parts):
        return 2
    return int("rabbit" in getattr(item, "fixturenames", ()))


def _is_quick(item: pytest.Item) -> bool:
    return not _cost(item) and _OUTSIDE_FOLDERS.isdisjoint(item.path.parts)


@pytest.hookimpl(tryfirst=True)  # before -m looks
def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs no broker, browser or node."""
    if _is_quick(item):
        item.add_marker("quick")


@pytest.hookimpl(trylast=True)  # after -k and -m have thrown out what is not to run
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what needs no broker first; give the test that starts the broker time for it."""
    items.sort(key=_cost)
    for item in items:
        if "rabbit" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(120), append=False)
            break


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, and nothing may be skipped here: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip, and an expected failure, into a failure."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a skipped module into a failure."""
    report = yield
    _fail_if_skipped(report)
    return report
