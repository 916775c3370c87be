"""Publishing to RabbitMQ for a command: one message at a time, confirmed.  Not for the server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pika
from pika.exceptions import AMQPError

from pulse_events.brokers.address import parse_address
from pulse_events.brokers.pace import Pace
from pulse_events.brokers.rabbitmq_connection import explain, parameters
from pulse_events.errors import BrokerUnavailable
from pulse_events.messages import Message

CONFIRM_WITHIN_S = 30.0


@contextmanager
def connected_publisher(
    url: str, *, ca_file: str | None = None
) -> Iterator[Callable[[Message], None]]:
    """Connect; yield a function that publishes a persistent JSON message and waits for its confirm.

    Raises:
        SettingsError: ``url`` is no broker address.
        BrokerUnavailable: The broker cannot be reached, or refuses: no such exchange, no access.
    """
    address = parse_address(url)
    targets = parameters(
        address, ca_file, Pace().heartbeat_s, blocked_connection_timeout=CONFIRM_WITHIN_S
    )
    try:
        connection = pika.BlockingConnection(targets)
        try:
            channel = connection.channel()
            channel.confirm_delivery()

            def send(message: Message) -> None:
                channel.basic_publish(
                    message.exchange,
                    message.routing_key,
                    message.body,
                    pika.BasicProperties(
                        content_type="application/json",
                        delivery_mode=pika.DeliveryMode.Persistent,
                        headers={"CC": list(message.cc)} if message.cc else None,
                    ),
                )

            yield send
        finally:
            if connection.is_open:
                connection.close()
    except (AMQPError, OSError) as error:
        raise BrokerUnavailable(f"{address}: {explain(error)}") from None
