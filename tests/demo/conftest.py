"""A long stretch of the demo feed, made once."""

from collections import defaultdict

import pytest

from tests.demo.feeding import Said, made_up, taken_apart


@pytest.fixture(scope="session")
def said() -> list[Said]:
    """20,000 messages in order."""
    return [taken_apart(message) for message in made_up(20_000)]


@pytest.fixture(scope="session")
def tasks(said: list[Said]) -> dict[str, list[Said]]:
    """What was said of each task, in order."""
    by_task = defaultdict(list)
    for one in said:
        if "status" in one.body:
            by_task[one.body["status"]["taskId"]].append(one)
    return by_task
