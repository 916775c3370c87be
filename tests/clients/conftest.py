"""The one play that all clients are in, and its parts."""

from collections.abc import Iterator

import pytest

from tests.clients.play import Play, Stage, perform
from tests.support.nginx import Nginx
from tests.support.server import Server


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """A server with pings every second, and nginx in front of it."""
    with Server("--ping-interval", "1", "--trust-proxy", "1") as server:
        with Nginx(server.port) as nginx:
            yield Stage(server, nginx)


@pytest.fixture(scope="session")
def play(stage: Stage) -> Play:
    """What every client saw; the server has ended then."""
    return perform(stage)
