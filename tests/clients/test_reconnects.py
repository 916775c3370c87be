"""Clients that come back by themselves after a stream's end are stopped by 204, and say so.

The stream that they ask for is refused, so that the server ends it with an ``error`` event.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.clients.worlds import RETRYING, WORLDS
from tests.support.raw_stream import connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(90)

ENDS = {
    "requests-sse": ("python", "InvalidStatusCodeError: "),
    "aiohttp-sse-client": ("python", "ConnectionAbortedError: "),
    "launchdarkly-eventsource": ("python", "closed"),
    "eventsource 2": ("node", "closed"),
    "eventsource 3": ("node", "closed"),
    "eventsource 4": ("node", "closed"),
    "undici EventSource": ("node", "closed"),
    "Chromium": ("browser", "closed"),
    "event-source-polyfill": ("browser", "closed"),
}
"""What each runs in, and how what it tells at the end begins."""
WITHIN_S = 20.0
"""They wait up to 3 s before they come back."""


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, list[tuple[str, str]]]]:
    """What each told: the kinds and texts."""
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    lock = threading.Lock()

    def tell(name: str, kind: str, text: str) -> None:
        with lock:
            found[name].append((kind, text))

    def has_ended(name: str) -> bool:
        with lock:
            return any(kind == "end" for kind, _ in found[name])

    with Server("--ping-interval", "60") as server, ExitStack() as worlds:
        url = f"http://127.0.0.1:{server.port}{connect_target(('', '#'))}"
        for world in sorted({world for world, _ in ENDS.values()}):
            names = [name for name in ENDS if ENDS[name][0] == world]
            roles = {name: (name + RETRYING, url) for name in names}
            worlds.enter_context(WORLDS[world](roles, tell))
        with suppress(TimeoutError):  # who has not ended fails its own test
            wait_until(lambda: all(map(has_ended, ENDS)), "all have ended", within_s=WITHIN_S)
        yield found


@pytest.mark.parametrize("name", ENDS)
def test_a_client_reads_the_reason_once_and_comes_back_no_more(
    told: dict[str, list[tuple[str, str]]], name: str
) -> None:
    (kind, text), end = told[name]
    assert kind == "error"
    assert "exchange ''" in text
    assert end[0] == "end"
    assert end[1].startswith(ENDS[name][1])
