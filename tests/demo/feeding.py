"""The demo feed for the tests, taken apart by the catalogue's own JSON."""

import json
import random
import re
from collections.abc import Iterator
from importlib import resources
from itertools import islice
from typing import Any, NamedTuple

from pulse_events.demo.feed import Feed, Turnover
from pulse_events.messages import Message

START_S = 1_795_483_682.0
WORD = r"(?!_(?:\.|$))[^.]+"

CATALOGUE: list[dict[str, Any]] = json.loads(
    resources.files("pulse_events").joinpath("taskcluster-exchanges.json").read_text()
)


class Said(NamedTuple):
    """A message, taken apart by what the catalogue says of its exchange."""

    event: str
    words: dict[str, str]
    body: dict[str, Any]
    message: Message


def key_regex(fields: list[str]) -> re.Pattern[str]:
    """Return what matches a routing key with these fields, each as a named group."""
    parts = []
    for entry in fields:
        name, _, constant = entry.rstrip("?#").partition("=")
        word = ".+" if entry.endswith("#") else constant or WORD
        absent = "_" if "reserved" in entry else rf"_|{word}"
        parts.append(f"(?P<{name}>{absent if entry.endswith('?') else word})")
    return re.compile(r"\.".join(parts))


KEYS = {entry["exchange"]: (entry["event"], key_regex(entry["routingKey"])) for entry in CATALOGUE}


def ticking(step_s: float = 0.25) -> Iterator[float]:
    """Return a clock's readings; each asks for the next."""
    now_s = START_S
    while True:
        yield now_s
        now_s += step_s


def made_up(
    count: int, seed: int = 1, groups: int = 3, turnover: Turnover | None = None
) -> list[Message]:
    """Return the first messages of a feed whose clock goes on at each look."""
    clock = ticking()
    feed = Feed(random.Random(seed), lambda: next(clock), groups, turnover)
    return list(islice(feed, count))


def taken_apart(message: Message) -> Said:
    """Return what a message says; its key must fit the catalogue."""
    event, pattern = KEYS[message.exchange]
    match = pattern.fullmatch(message.routing_key)
    assert match, f"{message.exchange} has no key {message.routing_key}"
    return Said(event, match.groupdict(), json.loads(message.body), message)
