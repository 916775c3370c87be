"""What the inspector page makes of the server's own routing keys and exchanges."""

import json
import random
import subprocess
from itertools import islice
from pathlib import Path
from typing import Any

from pulse_events.catalogue import load_catalogue
from pulse_events.demo.feed import Feed
from pulse_events.web.page import Catalogue

HERE = Path(__file__).parent


async def catalogue_document() -> dict[str, Any]:
    answer = await Catalogue(demo=True)(None)  # type: ignore[arg-type]  # it asks nothing of it
    assert isinstance(answer.body, bytes)
    document: dict[str, Any] = json.loads(answer.body)
    return document


async def fields_of(keys: list[tuple[str, str]]) -> list[list[dict[str, str]] | None]:
    """Return how the page splits each pair of exchange and routing key."""
    asked = json.dumps({"catalogue": await catalogue_document(), "keys": keys})
    done = subprocess.run(  # noqa: ASYNC221  # nothing else runs in this loop
        ["node", HERE / "fields.mjs"],
        input=asked,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    fields: list[list[dict[str, str]] | None] = json.loads(done.stdout)
    return fields


async def test_every_key_of_the_demo_is_split_into_the_words_it_was_made_of() -> None:
    feed = Feed(random.Random(6), lambda: 1_800_000_000.0, groups=20)
    keys = [(message.exchange, message.routing_key) for message in islice(feed, 5000)]
    names = {e.name: [word.name for word in e.words] for e in load_catalogue()}
    assert len({exchange for exchange, _ in keys}) > 15
    for (exchange, key), fields in zip(keys, await fields_of(keys), strict=True):
        assert fields is not None, (exchange, key)
        assert [field["name"] for field in fields] == names[exchange]
        assert ".".join(field["value"] for field in fields) == key


async def test_a_key_of_every_exchange_is_split_even_with_many_words_at_the_end() -> None:
    keys = []
    for exchange in load_catalogue():
        values = {word.name: f"v-{word.name}" for word in exchange.words}
        many = {word.name: "one.two.three" for word in exchange.words if word.many}
        keys += [(exchange.name, exchange.routing_key(values | more)) for more in ({}, many)]
    for (exchange_name, key), fields in zip(keys, await fields_of(keys), strict=True):
        assert fields is not None, (exchange_name, key)
        for name, value in [(field["name"], field["value"]) for field in fields]:
            assert value in {f"v-{name}", "primary", "one.two.three"}
