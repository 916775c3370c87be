"""``pulse-events publish``."""

import sys
from collections.abc import Iterable, Iterator

import click
import orjson

from pulse_events.bindings import Binding
from pulse_events.brokers.rabbitmq_publisher import connected_publisher
from pulse_events.cli.checking import checked_settings
from pulse_events.cli.command import Command
from pulse_events.messages import Message
from pulse_events.settings import MEMORY


@click.command(cls=Command)
@click.option(
    "--broker", metavar="URL", help="amqp://user:pass@host:port/vhost; default as for serve."
)
@click.option("--broker-ca-file", metavar="FILE", help="As for serve.")
@click.option("--cc", multiple=True, metavar="KEY", help="A further routing key; many times.")
@click.argument("exchange")
@click.argument("routing_key")
@click.argument("payload", default="{}", metavar="[JSON|-]")
def publish(
    exchange: str, routing_key: str, payload: str, cc: tuple[str, ...], **options: str | None
) -> None:
    """Publish JSON to an EXCHANGE of a RabbitMQ broker; with - one message per line of stdin.

    Ends when the broker has confirmed every message.
    """
    settings = checked_settings(options)
    if settings.broker == MEMORY:
        raise click.UsageError(
            "name a broker with --broker amqp://…; a memory: server takes "
            "messages by POST /events/v1/publish"
        )
    for key in (routing_key, *cc):
        Binding(exchange, key)  # the same limits as for a pattern
    ca_file = str(settings.broker_ca_file) if settings.broker_ca_file else None
    with connected_publisher(settings.broker, ca_file=ca_file) as send:
        for body in _bodies(payload):
            send(Message(exchange, routing_key, body, cc))


def _bodies(payload: str) -> Iterator[bytes]:
    """Yield the bodies to publish; refuse what is not JSON before it is sent."""
    many = payload == "-"
    lines: Iterable[bytes] = sys.stdin.buffer if many else [payload.encode()]
    for number, line in enumerate(lines):
        if many and not line.strip():
            continue
        try:
            orjson.loads(line)
        except orjson.JSONDecodeError as error:
            place = f"line {number + 1}" if many else "the payload"
            raise click.BadParameter(f"{place} is not JSON: {error}") from None
        yield line.strip()
