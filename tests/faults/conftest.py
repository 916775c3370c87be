"""The fault matrix: a broker that the other tests do not use, and the table at the end."""

from collections.abc import Iterator
from typing import Any

import pytest
from pika.exceptions import AMQPConnectionError

from tests.faults import figures
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit, RabbitError

EXCHANGE = "exchange/faults/numbers"
LOG = "queue/guest/pulse-events-log"
INBOX = "queue/guest/pulse-events-record"


@pytest.fixture(scope="session")
def faulty_node() -> Iterator[Rabbit]:
    """One node for all rows that need only one."""
    with Rabbit() as node:
        with Amqp(node.amqp_url) as amqp:
            amqp.declare_exchange(EXCHANGE)
        yield node


@pytest.fixture
def node(faulty_node: Rabbit) -> Iterator[Rabbit]:
    """The node, running and without a log, whatever the test before did to it."""
    try:
        assert faulty_node.pid
    except RabbitError:
        faulty_node.start()
    try:
        _delete_log(faulty_node)
    except AMQPConnectionError:  # it takes no connections: a test has failed in the midst of that
        faulty_node.restart()
        _delete_log(faulty_node)
    yield faulty_node


def _delete_log(node: Rabbit) -> None:
    with Amqp(node.amqp_url) as amqp:
        for queue in (LOG, INBOX):
            amqp.delete_queue(queue)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give these tests the time that brokers take."""
    for item in items:
        if "faults" in item.path.parts and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(120))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that prints the table what this worker measured."""
    told = getattr(session.config, "workeroutput", None)  # there in workers only
    if told is not None:
        told["figures"] = figures.portable()


@pytest.hookimpl(optionalhook=True)  # with -p no:xdist there are no workers
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker measured."""
    figures.add(getattr(node, "workeroutput", {}).get("figures", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured; docs/reliability.md holds the last one."""
    lines = figures.table()
    if lines:
        terminalreporter.section("fault matrix")
        for line in lines:
            terminalreporter.write_line(line)
