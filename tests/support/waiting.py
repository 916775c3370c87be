"""Bounded waiting: every wait in the tests ends, and says what it waited for."""

import asyncio
import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str, *, within_s: float = 10.0) -> None:
    """Poll until ``condition()`` is true.

    Raises:
        TimeoutError: It was not within ``within_s``; the text names ``what``.
    """
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s} s: {what}")
        time.sleep(0.02)


async def until(condition: Callable[[], object], what: str, *, within_s: float = 10.0) -> None:
    """Poll until ``condition()`` is true, while the loop goes on; raises as `wait_until` does."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s} s: {what}")
        await asyncio.sleep(0.02)
