"""The console script with the session's RabbitMQ behind it, as it runs in production."""

from collections.abc import Iterator

import pytest

from tests.support.rabbit import Rabbit
from tests.support.server import Server


@pytest.fixture(scope="session")
def server(rabbit: Rabbit) -> Iterator[Server]:
    """A server that the tests of this folder share; its pings come every second."""
    with Server("--broker", rabbit.amqp_url, "--ping-interval", "1") as running:
        yield running
