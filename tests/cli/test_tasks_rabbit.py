"""Tasks at a real RabbitMQ, where only some of Taskcluster's exchanges exist."""

from collections.abc import Iterator

import pytest

from tests.cli.test_outcome import QUEUE
from tests.cli.test_outcome import said as queue_message
from tests.e2e.test_history import stats as stats_of
from tests.support.amqp import Amqp
from tests.support.forked_cli import run_forked_cli
from tests.support.rabbit import Rabbit
from tests.support.server import Server
from tests.support.waiting import wait_until

THERE = [f"{QUEUE}/task-{event}" for event in ("pending", "failed", "completed", "exception")]


def is_recorded(server: Server) -> bool:
    stats = stats_of(server)
    return (stats["bindings"], stats["bindingsWaiting"]) == (len(THERE), 0)


@pytest.fixture(scope="module")
def server(rabbit: Rabbit) -> Iterator[Server]:
    recorded = [word for name in THERE for word in ("--record", f"{name}=#")]
    with Amqp(rabbit.amqp_url) as amqp:
        for name in THERE:
            amqp.declare_exchange(name)
        try:
            with Server("--broker", rabbit.amqp_url, *recorded) as running:
                wait_until(lambda: is_recorded(running), "all is bound that is recorded")
                yield running
        finally:
            for name in THERE:
                amqp.delete_exchange(name)


def test_a_task_is_known_though_some_exchanges_are_not_there(server: Server, amqp: Amqp) -> None:
    amqp.publish(f"{QUEUE}/task-failed", queue_message("task-failed").routing_key, b"{}")
    done = run_forked_cli("wait", "--task", "T", "--timeout", "15", server.url)
    assert done.returncode == 1
    assert b"task-running': it does not exist" in done.stderr
    options = ["--task", "T", "-n", "1", "--last", "1", "--format", "{exchange}"]
    listened = run_forked_cli("listen", *options, server.url)
    assert listened.stdout.decode() == f"{QUEUE}/task-failed\n"


def test_an_exchange_that_somebody_named_must_be_there(server: Server) -> None:
    done = run_forked_cli("listen", "-b", "exchange/none=#", "--task", "T", server.url)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"exchange 'exchange/none'" in done.stderr.splitlines()[-1]
