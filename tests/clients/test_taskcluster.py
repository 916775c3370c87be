"""Bindings as Taskcluster's own libraries make them are taken as they are."""

import json
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.clients.worlds import FOLDER, ROOT
from tests.support.program import Program
from tests.support.raw_stream import CONNECT_PATH, RawStream
from tests.support.server import Server

TASK_ID = "fN1SbArXTPSVFNUvaOlinQ"
QUEUE = "exchange/taskcluster-queue/v1/"
KEYS = {
    f"{QUEUE}task-completed": f"primary.{TASK_ID}.0.group.worker.provisioner.type.scheduler.g._",
    f"{QUEUE}task-failed": f"primary.{TASK_ID}.0.group.worker.provisioner.b-linux.gecko-3.g._",
    f"{QUEUE}task-pending": "route.index.gecko.v2",
    "exchange/taskcluster-github/v1/push": "primary.mozilla.gecko",
}
PROGRAMS = {
    "npm taskcluster-client": ("node", "taskcluster_bindings.mjs"),
    "PyPI taskcluster": (sys.executable, "-m", "tests.clients.taskcluster_bindings"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server("--ping-interval", "60") as running:
        yield running


@pytest.fixture(scope="module", params=PROGRAMS)
def bindings(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """What a library made."""
    command = PROGRAMS[request.param]
    with Program(*command, folder=FOLDER if command[0] == "node" else ROOT) as program:
        made: list[dict[str, Any]] = json.loads(program.line())
    return made


def check(server: Server, query: str) -> None:
    """Check that a stream gets a message for each of the bindings, and no other."""
    with RawStream(server.port, f"{CONNECT_PATH}?{query}") as stream:
        stream.ready()
        for exchange, key in KEYS.items():
            server.publish(exchange, "other.key", None)
            server.publish(exchange, key, exchange)
            message = stream.event("message").json
            assert (message["payload"], message["routingKey"]) == (exchange, key)


def test_a_stream_takes_what_the_library_makes(
    server: Server, bindings: list[dict[str, Any]]
) -> None:
    assert {binding["exchange"] for binding in bindings} == KEYS.keys()
    check(server, f"bindings={quote(json.dumps({'bindings': bindings}))}")


def test_a_token_is_given_for_what_the_library_makes(
    server: Server, bindings: list[dict[str, Any]]
) -> None:
    body = json.dumps({"bindings": bindings}).encode()
    url = f"{server.url}events/v1/bindings"
    with urllib.request.urlopen(url, data=body, timeout=5) as answer:
        token = json.load(answer)["token"]
    check(server, f"token={quote(token)}")


def test_the_npm_library_gives_more_than_the_two_fields() -> None:
    with Program(*PROGRAMS["npm taskcluster-client"], folder=FOLDER) as program:
        made = json.loads(program.line())
    assert all("routingKeyReference" in binding for binding in made)
