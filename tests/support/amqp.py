"""A small blocking AMQP client for the tests: declare, publish, take.

Speaks to any broker by URL.  The program under test is never involved.
"""

import contextlib
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import pika
import pika.exceptions

_PERSISTENT = 2


class Taken(NamedTuple):
    """One message taken from a queue."""

    exchange: str
    routing_key: str
    body: bytes
    headers: Mapping[str, Any]


class Amqp:
    """One connection with one confirming channel: ``with Amqp(rabbit.amqp_url) as amqp: …``.

    Args:
        url: ``amqp://`` or ``amqps://``.
        ca_file: Authority that an ``amqps`` broker's certificate must be signed by.
    """

    def __init__(self, url: str, *, ca_file: Path | None = None) -> None:
        parameters = pika.URLParameters(url)
        parameters.heartbeat = 0  # nothing answers heartbeats while a test does something else
        parameters.socket_timeout = parameters.stack_timeout = 10
        parameters.blocked_connection_timeout = 10
        if ca_file:
            context = ssl.create_default_context(cafile=str(ca_file))
            parameters.ssl_options = pika.SSLOptions(context, parameters.host)
        self._connection = pika.BlockingConnection(parameters)
        self._confirming = self._connection.channel()
        self._confirming.confirm_delivery()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, which may be lost already."""
        with contextlib.suppress(pika.exceptions.AMQPError):
            self._connection.close()

    # ------------------------------------------------------------------------------ topology

    def declare_exchange(self, name: str, kind: str = "topic", *, durable: bool = True) -> str:
        """Declare an exchange and return its name."""
        self._confirming.exchange_declare(name, kind, durable=durable)
        return name

    def delete_exchange(self, name: str) -> None:
        """Delete an exchange, which need not exist."""
        self._confirming.exchange_delete(name)

    def bind_exchange(self, destination: str, source: str, pattern: str) -> None:
        """Have ``destination`` receive what ``source`` is sent and ``pattern`` matches."""
        self._confirming.exchange_bind(destination, source, pattern)

    def declare_queue(
        self, name: str = "", *, durable: bool = False, arguments: dict[str, Any] | None = None
    ) -> str:
        """Declare a queue and return its name; without a name it goes with this connection."""
        result = self._confirming.queue_declare(
            name, durable=durable, exclusive=not name, arguments=arguments
        )
        return str(result.method.queue)

    def declare_dead_letters(self, source: str, target: str) -> None:
        """Have what ``source`` is sent dead-lettered to ``target``, while this connection lasts."""
        arguments = {"x-dead-letter-exchange": target, "x-message-ttl": 0}
        result = self._confirming.queue_declare("", exclusive=True, arguments=arguments)
        self.bind_queue(result.method.queue, source, "#")

    def bind_queue(self, queue: str, exchange: str, pattern: str) -> None:
        """Bind ``queue`` to ``exchange``."""
        self._confirming.queue_bind(queue, exchange, pattern)

    def delete_queue(self, name: str) -> None:
        """Delete a queue, which need not exist."""
        self._confirming.queue_delete(name)

    def depth(self, queue: str) -> int:
        """Return how many messages wait in ``queue``."""
        channel = self._connection.channel()  # a missing queue closes the channel
        try:
            return int(channel.queue_declare(queue, passive=True).method.message_count)
        finally:
            if channel.is_open:
                channel.close()

    # -------------------------------------------------------------------------------- messages

    def publish(
        self,
        exchange: str,
        routing_key: str,
        body: bytes = b"{}",
        *,
        cc: Sequence[str] = (),
        bcc: Sequence[str] = (),
    ) -> None:
        """Publish one persistent message; return when the broker has confirmed it.

        Raises:
            pika.exceptions.AMQPError: The exchange is missing, or the broker refused.
        """
        headers = {name: list(keys) for name, keys in (("CC", cc), ("BCC", bcc)) if keys}
        self.publish_with_headers(exchange, routing_key, body, headers)

    def publish_with_headers(
        self, exchange: str, routing_key: str, body: bytes, headers: Mapping[str, Any]
    ) -> None:
        """Publish as `publish` does, with headers that may be anything AMQP can carry."""
        properties = pika.BasicProperties(delivery_mode=_PERSISTENT, headers=headers or None)
        self.publish_with_properties(exchange, routing_key, body, properties)

    def publish_with_properties(
        self,
        exchange: str,
        routing_key: str | bytes,
        body: bytes,
        properties: pika.BasicProperties,
    ) -> None:
        """Publish as `publish` does, with any properties and a key of any bytes."""
        self._confirming.basic_publish(exchange, routing_key, body, properties)

    def publish_many(self, exchange: str, messages: Iterable[tuple[str, bytes]]) -> int:
        """Publish (routing key, body) pairs fast; return their number once all are in the queues.

        The queues have a transaction's messages when its end is confirmed.
        """
        channel = self._connection.channel()
        channel.tx_select()
        properties = pika.BasicProperties(delivery_mode=1)
        count = 0
        for routing_key, body in messages:
            channel.basic_publish(exchange, routing_key, body, properties)
            count += 1
        channel.tx_commit()
        channel.close()
        return count

    def take(self, queue: str, count: int, *, within_s: float = 10.0) -> list[Taken]:
        """Take exactly ``count`` messages from ``queue``.

        Raises:
            TimeoutError: There were not so many in time.
        """
        taken: list[Taken] = []
        deadline = time.monotonic() + within_s
        while len(taken) < count:
            method, properties, body = self._confirming.basic_get(queue, auto_ack=True)
            if method is not None:
                headers = properties.headers or {}
                taken.append(Taken(method.exchange, method.routing_key, body, headers))
            elif time.monotonic() > deadline:
                raise TimeoutError(f"{len(taken)} of {count} messages within {within_s} s")
        return taken
