"""Servers that share a log at a broker, which is gone when the test is over."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.server import Server
from tests.support.waiting import wait_until


@contextmanager
def log_of(rabbit: Rabbit, record: str) -> Iterator[Callable[..., Server]]:
    """Yield what makes servers that share a log of their own, of what ``--record`` says."""
    namespace = f"log-{uuid.uuid4().hex[:8]}"

    def make(*options: str) -> Server:
        return Server(
            *("--broker", rabbit.amqp_url, "--namespace", namespace),
            *("--history", "amqp", "--record", record, *options),
        )

    yield make
    with Amqp(rabbit.amqp_url) as amqp:
        for name in ("record", "log"):
            amqp.delete_queue(f"queue/{namespace}/pulse-events-{name}")


def reading(server: Server) -> None:
    """Wait until the server reads the log."""
    wait_until(lambda: "reading queue/" in server.stderr, "the log is read")
