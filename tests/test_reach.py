"""The rule that marks tests as quick sees through helpers, fixtures, classes and decorators."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.local_server import LocalServer, local_server
from tests.support.rabbit import Rabbit
from tests.support.reach import reached
from tests.support.server import Server, clean_environment


@contextmanager
def running(*options: str) -> Iterator[Server]:
    with Server(*options) as server:
        yield server


@pytest.fixture
def served() -> Iterator[int]:
    with running() as server:
        yield server.port


def within() -> list[str]:
    return [str(done) for done in (subprocess.run(["true"], check=True) for _ in "a")]


@pytest.mark.parametrize("start", [Server, running, served, within, Rabbit])
def test_what_starts_a_program_is_found(start: object) -> None:
    assert subprocess in reached(start)


@pytest.mark.parametrize("start", [LocalServer, local_server, clean_environment, Iterator])
def test_what_starts_none_is_not_taken_for_it(start: object) -> None:
    assert subprocess not in reached(start)


def test_this_file_s_tests_are_quick(request: pytest.FixtureRequest) -> None:
    marks = {mark.name for mark in request.node.iter_markers()}
    assert {"alone", "quick"} <= marks
