"""A server that all tests of this folder share; each uses exchanges of its own."""

import uuid
from collections.abc import Iterator

import pytest

from tests.support.local_server import LocalServer, local_server


@pytest.fixture(scope="session")
def server() -> Iterator[LocalServer]:
    """A server whose pings come too rarely to be in the way."""
    with local_server(ping_interval=60.0) as running:
        yield running


@pytest.fixture
def name() -> str:
    """The name of an exchange that no other test uses."""
    return f"exchange/test/{uuid.uuid4().hex[:12]}"


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is in the log at the end."""
    yield
    assert not [record.getMessage() for record in caplog.get_records("call")]
