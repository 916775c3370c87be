"""The peer of F5: takes messages from a queue with pika, counts them, does nothing else.

``python -m bench.peers.pika_consumer URL``; each line on stdin is answered with the count.
"""

import asyncio
import sys

import pika
import uvloop
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel

from bench.workload import EXCHANGE

_PREFETCH = 2000
_ACK_EVERY = 250


class Consumer:
    """One queue bound with ``#``, consumed with batched acks as the server does."""

    def __init__(self) -> None:
        self.count = 0
        self._queue = ""

    def open(self, connection: AsyncioConnection) -> None:
        """Go on when the connection is open."""
        connection.channel(on_open_callback=self._declare)

    def _declare(self, channel: Channel) -> None:
        channel.basic_qos(prefetch_count=_PREFETCH)
        channel.queue_declare("", exclusive=True, callback=lambda ok: self._bind(channel, ok))

    def _bind(self, channel: Channel, declared: pika.frame.Method) -> None:
        self._queue = declared.method.queue
        channel.queue_bind(self._queue, EXCHANGE, "#", callback=lambda _: self._consume(channel))

    def _consume(self, channel: Channel) -> None:
        channel.basic_consume(self._queue, self._take)
        print("consuming", flush=True)

    def _take(self, channel: Channel, method: pika.spec.Basic.Deliver, *_rest: object) -> None:
        self.count += 1
        if self.count % _ACK_EVERY == 0:
            channel.basic_ack(method.delivery_tag, multiple=True)


async def main(url: str) -> None:
    """Consume until the end of stdin."""
    loop = asyncio.get_running_loop()
    consumer = Consumer()
    connection = AsyncioConnection(
        pika.URLParameters(url), on_open_callback=consumer.open, custom_ioloop=loop
    )
    ended = loop.create_future()

    def answer() -> None:
        if sys.stdin.readline():
            print(consumer.count, flush=True)
        elif not ended.done():
            ended.set_result(None)

    loop.add_reader(sys.stdin, answer)
    await ended
    connection.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
