"""Both worlds of the client: each test of what it does is run in both."""

import asyncio
from itertools import islice
from typing import Any, Protocol

import pytest

import pulse_events

WANTED = ("exchange/client", "a.#")
SOON: Any = {"first_delay_s": 0.01}


class Take(Protocol):
    """Returns the first items of a listening; its delays are short unless they are given."""

    def __call__(self, count: int, url: str, bindings: Any = WANTED, **options: Any) -> list[Any]:
        """Listen, and close the listening behind the last one."""
        ...


def take_async(count: int, url: str, bindings: Any = WANTED, **options: Any) -> list[Any]:
    """Do it with asyncio."""

    async def take() -> list[Any]:
        items: list[Any] = []
        listening = pulse_events.listen(url, bindings, **SOON | options)
        async with asyncio.timeout(20), listening:
            async for item in listening:
                items.append(item)
                if len(items) == count:
                    break
        return items

    return asyncio.run(take())


def take_sync(count: int, url: str, bindings: Any = WANTED, **options: Any) -> list[Any]:
    """Do it without a loop."""
    with pulse_events.sync.listen(url, bindings, **SOON | options) as listening:
        return list(islice(listening, count))


@pytest.fixture(params=[take_async, take_sync], ids=["async", "sync"])
def take(request: pytest.FixtureRequest) -> Take:
    """One world."""
    chosen: Take = request.param
    return chosen
