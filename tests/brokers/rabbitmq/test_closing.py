"""What a connection had not acknowledged when it is closed stays in its place."""

import json
from contextlib import AsyncExitStack

from pulse_events.brokers.rabbitmq.address import parse_address
from pulse_events.brokers.rabbitmq.connection import Channel, connected
from pulse_events.brokers.rabbitmq.frames import FrameConnection, unexpected
from pulse_events.brokers.rabbitmq.targets import targets
from tests.faults.feed import Feed
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.waiting import until

QUEUE = "queue/test/closing"
PREFETCH = 10
TURNS = 20


async def consume(connection: FrameConnection) -> list[int]:
    """Return where the numbers of what comes will be; none is acknowledged."""
    got: list[int] = []
    channel = await Channel(connection).open()
    await channel.request("basic_qos", prefetch_count=PREFETCH)
    connection.deliver_directly(
        channel.pika.channel_number,
        lambda message, _tag, _held: got.append(json.loads(message.body)["n"]),
    )
    await channel.request("basic_consume", queue=QUEUE, on_message_callback=unexpected)
    return got


async def test_the_next_consumer_gets_it_before_what_follows(
    rabbit: Rabbit, amqp: Amqp, exchange: str
) -> None:
    [target] = targets(parse_address(rabbit.amqp_url), None, 15)
    arguments = {"x-single-active-consumer": True}
    amqp.declare_queue(QUEUE, durable=True, arguments=arguments)
    amqp.bind_queue(QUEUE, exchange, "#")
    shares: list[list[int]] = []
    with Feed([rabbit.amqp_url], exchange, rate=2000):
        async with AsyncExitStack() as last:
            shares.append(await consume(await last.enter_async_context(connected(target))))
            for _ in range(TURNS):
                await until(lambda: len(shares[-1]) == PREFETCH, "the share of whose turn it is")
                before = last.pop_all()
                shares.append(await consume(await last.enter_async_context(connected(target))))
                await before.aclose()
    amqp.delete_queue(QUEUE)
    assert shares[:-1] == [list(range(PREFETCH))] * TURNS
