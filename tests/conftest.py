"""What every test may ask for, the order of the tests, and the rule that nothing is skipped."""

import fcntl
import os
import re
import subprocess
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.reach import reached

# What makes programs print in colours though nobody looks: a CI sets it, a developer's machine not.
for _name in ("CI", "FORCE_COLOR", "CLICOLOR_FORCE"):
    os.environ.pop(_name, None)

# No deadlines: how long an example takes is the machine's affair.
settings.register_profile("quick", max_examples=10, deadline=None)
settings.register_profile("whole", deadline=None)
settings.load_profile("whole")


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Rabbit]:
    """The worker's broker, started when its first test asks for it."""
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
_PUT_ON = {"alone", "quick"}
"""Marks that are put on here, never in those folders."""
_ONE_WORKER = re.compile(r"(tests/(?:browser|demo))/(?!test_inspector_load)")
"""Folders whose files share what is dear to start: one worker gets them all, but for the last."""
_TURN = Path(__file__).open("rb")
"""Workers lock it: each opens it for itself."""


def _uses(item: pytest.Item) -> frozenset[object]:
    """Return what the test's code, and that of the fixtures beside it, can come to use."""
    assert isinstance(item, pytest.Function)
    beside = map(vars(item.module).get, item.fixturenames)
    return frozenset().union(*map(reached, [item.function, *filter(None, beside)]))


def _needs_rabbit(item: pytest.Item) -> bool:
    return "rabbit" in getattr(item, "fixturenames", ()) or Rabbit in _uses(item)


def _limit_s(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return mark.args[0] if mark else 0.0


def _cost(item: pytest.Item) -> int:
    if item.get_closest_marker("quick"):
        return 0
    if item.get_closest_marker("alone") or _limit_s(item) > 120:
        return 1  # what takes longest is not to begin when the other workers end
    if item.get_closest_marker("undisturbed"):
        return 4
    return 2 if _SLOW_FOLDERS.isdisjoint(item.path.parts) else 3


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave folders out in which nothing can have the one mark that is asked for."""
    is_outside = collection_path.name in _SLOW_FOLDERS | _OUTSIDE_FOLDERS
    is_ours = collection_path.parent == Path(__file__).parent
    return True if is_outside and is_ours and config.option.markexpr in _PUT_ON else None


@pytest.hookimpl(tryfirst=True)  # before -m looks
def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs no broker, browser or node; of that, what starts no program, unless slow."""
    outside = _SLOW_FOLDERS | _OUTSIDE_FOLDERS
    if outside.isdisjoint(item.path.parts) and not _needs_rabbit(item):
        item.add_marker("alone")
        if subprocess not in _uses(item) and not item.get_closest_marker("slow"):
            item.add_marker("quick")


@pytest.hookimpl(trylast=True)  # after -k and -m have thrown out what is not to run
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what is quick first; give time to those that try much, or start the worker's broker."""
    for item in items:
        # How many examples fit into the usual time depends on how busy the machine is.
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.timeout(120), append=True)
    items.sort(key=_cost)
    files = set()
    for item in items:
        if "rabbit" in getattr(item, "fixturenames", ()) and item.path not in files:
            files.add(item.path)  # with several workers, any file may be the first of one of them
            item.add_marker(pytest.mark.timeout(120), append=False)


class _ByFile(LoadFileScheduling):  # type: ignore[misc]  # it has no types
    """Gives each worker whole files, in the order above; some folders go to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        folder = _ONE_WORKER.match(nodeid)
        return folder[1] if folder else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)  # with -p no:xdist nobody asks
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _ByFile:
    """Have `_ByFile` hand out the tests."""
    config.option.loadscopereorder = False
    return _ByFile(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around the test's time limit
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test that is marked as undisturbed wait until no other worker runs one."""
    alone = item.get_closest_marker("undisturbed") is not None
    fcntl.flock(_TURN, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
    try:
        return (yield)
    finally:
        fcntl.flock(_TURN, fcntl.LOCK_UN)


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
