"""Publishing to RabbitMQ for a command: one message at a time, confirmed.  Not for the server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pika
from pika.exceptions import AMQPError

from pulse_events.brokers.rabbitmq.address import Address, parse_address
from pulse_events.brokers.rabbitmq.pace import BrokerPace
from pulse_events.brokers.rabbitmq.reasons import explain
from pulse_events.brokers.rabbitmq.targets import resolve_now, targets
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
    connection = _connect(address, ca_file)
    try:
        with _explained(address):
            channel = connection.channel()
            channel.confirm_delivery()

        def send(message: Message) -> None:
            with _explained(address):
                channel.basic_publish(
                    message.exchange, message.routing_key, message.body, _properties(message)
                )

        yield send
    finally:
        with _explained(address):
            if connection.is_open:
                connection.close()


def _connect(address: Address, ca_file: str | None) -> pika.BlockingConnection:
    """Connect to the first address of the first host that takes us."""
    hosts = targets(
        address, ca_file, BrokerPace().heartbeat_s, blocked_connection_timeout=CONFIRM_WITHIN_S
    )
    failure: Exception = OSError("no address")
    for host in hosts:
        try:
            return pika.BlockingConnection(resolve_now(host))
        except (AMQPError, OSError, UnicodeError) as error:  # UnicodeError: a name that none has
            failure = error
    raise BrokerUnavailable(f"{address}: {explain(failure)}")


@contextmanager
def _explained(address: Address) -> Iterator[None]:
    try:
        yield
    except (AMQPError, OSError) as error:
        raise BrokerUnavailable(f"{address}: {explain(error)}") from None


def _properties(message: Message) -> pika.BasicProperties:
    return pika.BasicProperties(
        content_type="application/json",
        delivery_mode=pika.DeliveryMode.Persistent,
        headers={"CC": list(message.cc)} if message.cc else None,
    )
