"""``pulse-events publish``.  Options and AMQP are imported when a message is to be sent."""

import os
import re
import sys
from collections.abc import Iterator

import click

from pulse_events.bindings import Binding
from pulse_events.cli.command import Command, no_such_option
from pulse_events.errors import InputError, PulseEventsError
from pulse_events.messages import Message, is_json

LINE_LIMIT_BYTES = 128 << 20
"""Longest line of stdin: what RabbitMQ takes at most."""


class _Publish(Command):
    """The command as an argument like ``-5`` has it: a payload, not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command.parse_args`."""
        takes_value = {name for option in self.params for name in option.opts}
        known = takes_value.union(ctx.help_option_names)
        for before, argument in zip(["", *args], args, strict=False):
            name = argument.partition("=")[0]
            if argument == "--":
                break
            if re.match(r"-[^\d]", name) and name not in known and before not in takes_value:
                raise no_such_option(click.NoSuchOption(name, possibilities=known), ctx)
        ctx.ignore_unknown_options = True
        return super().parse_args(ctx, args)


@click.command(cls=_Publish, short_help="Publish messages to a RabbitMQ broker.")
@click.option(
    "--broker", metavar="URL", help="amqp://user:pass@host:port/vhost; default as for serve."
)
@click.option("--broker-file", metavar="FILE", help="As for serve.")
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
    from pulse_events.brokers.addresses import is_inside
    from pulse_events.brokers.rabbitmq.publisher import connected_publisher
    from pulse_events.cli.checking import checked_settings

    settings = checked_settings(options)
    if is_inside(settings.broker):
        raise click.UsageError(
            "name a broker with --broker amqp://…; a memory: server takes "
            "messages by POST /events/v1/publish"
        )
    _check(exchange, routing_key, *cc)
    bodies = _lines() if payload == "-" else iter([_body(os.fsencode(payload), "the payload")])
    ca_file = str(settings.broker_ca_file) if settings.broker_ca_file else None
    with connected_publisher(settings.broker, ca_file=ca_file) as send:
        for body in bodies:
            send(Message(exchange, routing_key, body, cc))


def _check(exchange: str, *keys: str) -> None:
    """Hold names to the limits that a binding's have."""
    for key in keys:
        try:
            Binding(exchange, key)
        except InputError as error:
            text = str(error).replace("routingKeyPattern", "the routing key")
            raise InputError(text) from None


def _lines() -> Iterator[bytes]:
    """Yield a body for each line of stdin that is not empty."""
    number = 0
    while line := _next_line():
        number += 1
        if line.strip():
            yield _body(line, f"line {number}")


def _next_line() -> bytes:
    try:
        line = sys.stdin.buffer.readline(LINE_LIMIT_BYTES + 1)
    except OSError as error:
        raise PulseEventsError(f"cannot read stdin: {error.strerror}") from None
    if len(line) > LINE_LIMIT_BYTES:
        raise PulseEventsError(f"a line of stdin is longer than {LINE_LIMIT_BYTES} bytes")
    return line


def _body(text: bytes, place: str) -> bytes:
    """Return a body to publish; refuse what the server would not pass on as JSON."""
    if not is_json(text):
        raise click.BadParameter(f"{place} is not JSON in UTF-8")
    return text.strip()
