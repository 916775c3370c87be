"""Chromium's own EventSource and fetch decode a compressed stream, whenever they join it."""

import itertools
import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.browser.conftest import Site
from tests.support.browser import Tab
from tests.support.raw_stream import connect_target
from tests.support.waiting import wait_until

EXCHANGE = "exchange/test"
TEXT = "the same words, and again the same words, " * 20
JOINS = 3
LENGTH = 60
LISTEN = """
    globalThis.told = { ready: [], message: [], ping: [], error: [] };
    const source = new EventSource(args[0]);
    for (const kind in told) {
        source.addEventListener(kind, (event) => {
            if (event.data === undefined) source.close();
            else told[kind].push(JSON.parse(event.data));
        });
    }
"""
FETCH = """
    const { headers, body } = await fetch(args[0]);
    let text = "";
    for await (const part of body.pipeThrough(new TextDecoderStream())) text += part;
    return { encoding: headers.get("content-encoding"), text };
"""


def told(tab: Tab, kind: str, count: int = 1) -> list[Any]:
    """Wait until a tab's EventSource has had ``count`` events of a kind, and return those."""
    found: list[Any] = []

    def enough() -> bool:
        found[:] = tab.run("return told[args[0]];", kind)
        return len(found) >= count

    wait_until(enough, f"{count} {kind}")
    return found


@contextmanager
def feed(site: Site) -> Iterator[None]:
    """Publish numbered messages, one after the other, for the block."""
    stop = threading.Event()

    def publish() -> None:
        for number in itertools.count():
            if stop.wait(0.01):
                return
            site.publish(EXCHANGE, "k", [number, TEXT])

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        yield
    finally:
        stop.set()
        publisher.join(10)


def test_an_eventsource_that_joins_while_messages_flow_misses_none_from_then_on(site: Site) -> None:
    tabs = []
    with feed(site):
        for _ in range(JOINS):
            tab = site.open()
            tab.run(LISTEN, connect_target((EXCHANGE, "#")))
            told(tab, "ready")
            tabs.append(tab)
        for tab in tabs:
            numbers = [message["payload"][0] for message in told(tab, "message", LENGTH)]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            told(tab, "ping")
    with urllib.request.urlopen(f"{site.server.url}events/v1/stats", timeout=5) as answer:
        counts = json.load(answer)
    assert counts["bytesOut"] < counts["messagesOut"] * len(TEXT) / 2


def test_an_eventsource_gets_each_event_without_waiting_for_the_next(site: Site) -> None:
    tab = site.open()
    tab.run(LISTEN, connect_target((EXCHANGE, "#")))
    told(tab, "ready")
    for number in range(5):
        site.publish(EXCHANGE, "k", number)
        assert told(tab, "message", number + 1)[-1]["payload"] == number


def test_an_eventsource_is_told_why_the_server_ends_it(site: Site) -> None:
    tab = site.open()
    tab.run(LISTEN, connect_target((EXCHANGE, "#")))
    told(tab, "ready")
    assert site.server.stop() == 0
    assert told(tab, "error") == ["the server is stopping; connect again"]


def test_a_fetch_decodes_the_error_and_the_end(site: Site) -> None:
    found = site.open().run(FETCH, connect_target(("", "#")))
    assert found["encoding"] == "gzip"
    assert found["text"].startswith("event: error\ndata: ")
    assert found["text"].endswith("\nid: -\n\n")
