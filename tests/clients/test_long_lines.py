"""An event of a message of 1 MiB: which clients take it, and what those on aiohttp say."""

import json
import threading
from collections.abc import Iterator

import pytest

from tests.clients.worlds import WORLDS
from tests.support.raw_stream import connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(90)

EXCHANGE = "exchange/long"
TEXT = "x" * ((1 << 20) - 2)
TAKES_IT = {
    "requests iter_lines": True,
    "sseclient-py": True,
    "requests-sse": True,
    "launchdarkly-eventsource": True,
    "httpx-sse": True,
    "urllib.request": True,
    "aiohttp": False,
    "aiohttp, long lines": True,
    "aiosseclient": False,
    "aiohttp-sse-client": False,
}
TOO_LONG = "LineTooLong: "


@pytest.fixture(scope="module")
def told() -> Iterator[list[tuple[str, str, str]]]:
    """What all told: client, kind, text."""
    found: list[tuple[str, str, str]] = []
    lock = threading.Lock()

    def tell(name: str, kind: str, text: str) -> None:
        with lock:
            found.append((name, kind, text))

    def clients(*kinds: str) -> set[str]:
        with lock:
            return {name for name, kind, _ in found if kind in kinds}

    with Server("--ping-interval", "60") as server:
        url = f"http://127.0.0.1:{server.port}{connect_target((EXCHANGE, '#'))}"
        with WORLDS["python"]({name: (name, url) for name in TAKES_IT}, tell):
            wait_until(lambda: clients("ready") == TAKES_IT.keys(), "all are ready", within_s=20)
            server.publish(EXCHANGE, "k", TEXT)
            everybody = TAKES_IT.keys()
            wait_until(lambda: clients("message", "end") == everybody, "all say it", within_s=20)
        yield found


@pytest.mark.parametrize("name", TAKES_IT)
def test_a_client_takes_a_line_of_one_mebibyte_or_says_that_it_does_not(
    told: list[tuple[str, str, str]], name: str
) -> None:
    said = [(kind, text) for who, kind, text in told if who == name and kind != "encoding"]
    kind, text = said[1]  # the first is ready
    if TAKES_IT[name]:
        assert kind == "message"
        assert json.loads(text)["payload"] == TEXT
    else:
        assert kind == "end"
        assert text.startswith(TOO_LONG)
