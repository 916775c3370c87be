"""What RabbitMQ's words say about a batch that it refuses, and what is asked apart of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from pulse_events.bindings import Binding
from pulse_events.brokers.rabbitmq.address import parse_address
from pulse_events.brokers.rabbitmq.binder import BatchRefused
from pulse_events.brokers.rabbitmq.bindings import BindingsApart, QueueBindings, may_overflow
from pulse_events.brokers.rabbitmq.connection import (
    Channel,
    ConnectionFailed,
    QueueLost,
    connected,
)
from pulse_events.brokers.rabbitmq.targets import targets
from tests.support.rabbit import Rabbit

QUEUE = "queue/test/bindings"
VHOST = "it's / 'odd'"


@pytest.fixture(scope="module")
def url(rabbit: Rabbit) -> Iterator[str]:
    """A virtual host with a name that may be confused with RabbitMQ's own words."""
    rabbit.ctl("add_vhost", VHOST)
    rabbit.ctl("set_permissions", "-p", VHOST, "guest", ".*", ".*", "^(?!secret)")
    yield rabbit.url(vhost=VHOST)
    rabbit.ctl("delete_vhost", VHOST)


@pytest.fixture
async def bindings(url: str) -> AsyncIterator[QueueBindings]:
    [target] = targets(parse_address(url), None, 15)
    async with connected(target) as connection:
        channel = await Channel(connection).open()
        await channel.request("queue_declare", queue=QUEUE, durable=True)
        yield QueueBindings(channel, QUEUE)


async def refusal(bindings: QueueBindings, *exchanges: str) -> BatchRefused:
    with pytest.raises(BatchRefused) as raised:
        await bindings.bind([Binding(exchange, "k") for exchange in exchanges])
    return raised.value


NAMES = {
    "plain": "missing",
    "not ASCII": "fehlt/ß/不/😀",
    "with quotes": "it's 'missing'",
    "like the text of another": "missing' in vhost 'it's / 'odd'",
    "like a format": "a%s~s{}\\1",
    "as long as can be told": "x" * (255 - len(f"NOT_FOUND - no exchange '' in vhost '{VHOST}'")),
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_the_one_missing_exchange_of_a_batch_is_known_by_its_name(
    bindings: QueueBindings, name: str
) -> None:
    found = await refusal(bindings, "amq.topic", name, "missing too", "amq.topic", "m")
    assert found.missing == name
    assert f"no exchange '{name}'" in str(found)


LONG = {"ASCII": "x" * 255, "cut within a character": "é" * 127, "of three bytes": "不" * 85}


@pytest.mark.parametrize("name", LONG.values(), ids=LONG)
async def test_a_name_that_the_broker_cuts_is_of_no_certain_exchange(
    bindings: QueueBindings, rabbit: Rabbit, name: str
) -> None:
    if rabbit.major >= 4 and not name.isascii():  # it means to cut, and fails at that
        with pytest.raises(ConnectionFailed, match="INTERNAL_ERROR"):
            await refusal(bindings, name, name[:-1])
        return
    found = await refusal(bindings, name, name[:-1])
    assert found.missing is None
    assert str(found).startswith("it does not exist (")


async def test_a_batch_for_one_missing_exchange_is_refused_whatever_its_name(
    bindings: QueueBindings,
) -> None:
    assert (await refusal(bindings, "x" * 255, "x" * 255)).missing == "x" * 255


@pytest.mark.parametrize("name", ["", "secret"])
async def test_another_refusal_is_of_no_certain_exchange(
    bindings: QueueBindings, name: str
) -> None:
    assert (await refusal(bindings, name)).missing is None


async def test_what_stands_before_the_refused_one_is_bound_and_what_stands_behind_is_not(
    bindings: QueueBindings, rabbit: Rabbit
) -> None:
    await refusal(bindings, "amq.topic", "amq.direct", "missing", "amq.fanout")
    bound = await asyncio.to_thread(exchanges_bound, rabbit)
    assert {"amq.topic", "amq.direct"} <= bound
    assert "amq.fanout" not in bound


def exchanges_bound(rabbit: Rabbit) -> set[str]:
    rows = rabbit.rows("list_bindings", "--vhost", VHOST, "source_name", "destination_name")
    return {row["source_name"] for row in rows if row["destination_name"] == QUEUE}


# Apart


@pytest.mark.parametrize(
    ("exchange", "pattern", "may"),
    [
        ("e", "k", False),
        ("x" * 255, "k" * 255, False),
        ("fehlt/ß", "schlüssel.#", False),
        ("ß" * 74, "", False),
        ("ß" * 75, "", True),
        ("e", "ß" * 75, True),
        ("x" * 150, "ß", True),
    ],
)
def test_only_long_names_that_are_not_ascii_may_make_an_error_text_too_long(
    exchange: str, pattern: str, may: bool
) -> None:
    assert may_overflow(Binding(exchange, pattern), "/", "guest") is may


async def test_what_is_bound_apart_is_bound_and_what_is_refused_hurts_no_later_one(
    bindings: QueueBindings, rabbit: Rabbit, url: str
) -> None:
    [target] = targets(parse_address(url), None, 15)
    apart = BindingsApart(target, QUEUE)
    why = "it does not exist" if rabbit.major < 4 else "it closed the connection .INTERNAL_ERROR"
    with pytest.raises(BatchRefused, match=why):
        await apart.bind([Binding("é" * 127, "k")])
    for key in ("é" * 127, "è" * 127):
        await apart.bind([Binding("amq.headers", key)])
    assert "amq.headers" in await asyncio.to_thread(exchanges_bound, rabbit)
    await apart.close()
    await apart.close()


async def test_that_there_is_no_connection_apart_is_a_refusal(url: str) -> None:
    [target] = targets(parse_address(url), None, 15)
    target.port = 1
    with pytest.raises(BatchRefused, match="it cannot be bound: "):
        await BindingsApart(target, QUEUE).bind([Binding("amq.topic", "k")])


async def test_that_the_queue_is_gone_is_found_apart_too(bindings: QueueBindings, url: str) -> None:
    [target] = targets(parse_address(url), None, 15)
    apart = BindingsApart(target, f"{QUEUE}/gone")
    with pytest.raises(QueueLost):
        await apart.bind([Binding("amq.topic", "k")])
    await apart.close()
