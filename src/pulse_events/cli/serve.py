"""``pulse-events serve``."""

import asyncio
from collections.abc import Callable
from typing import Any

import click

from pulse_events.brokers.opening import open_broker
from pulse_events.cli.checking import checked_settings
from pulse_events.cli.command import Command
from pulse_events.configuration.settings import PREFIX, Settings
from pulse_events.process.logs import configure_logging
from pulse_events.process.loops import new_event_loop
from pulse_events.process.peers import Alone
from pulse_events.process.server import serve as serve_alone
from pulse_events.process.system import DESCRIPTORS_NEEDED, open_socket, raise_descriptor_limit
from pulse_events.process.workers import supervise


def _settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``command`` one option for each field of `Settings`, as text; the model checks it."""
    for name, field in reversed(Settings.model_fields.items()):
        shown = "" if field.default in (None, ()) else f"  [default: {field.default}]"
        option = "--" + name.replace("_", "-")
        text = f"{field.description}{shown}"
        many = isinstance(field.default, tuple)
        command = click.option(option, name, multiple=many, metavar="VALUE", help=text)(command)
    return command


@click.command(
    cls=Command, epilog=f"Each option is also a variable {PREFIX}… and a key of the config file."
)
@_settings_options
def serve(**options: str | tuple[str, ...] | None) -> None:
    """Serve streams of a broker's messages.

    Prints one line when it accepts connections; logs go to stderr.
    """
    settings = checked_settings(options)
    raise_descriptor_limit(DESCRIPTORS_NEEDED + 2 * settings.workers)
    configure_logging(settings.log_level, settings.log_format)
    open_broker(settings)  # complains about a bad CA file before anything starts
    work = _alone(settings) if settings.workers == 1 else _supervised(settings)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(work)


async def _alone(settings: Settings) -> None:
    with open_socket(settings.host, settings.port) as listening:
        await serve_alone(settings, listening, Alone(_announce))


async def _supervised(settings: Settings) -> None:
    # Bound alone first: a port that others share already would else count as free.
    with open_socket(settings.host, settings.port) as probe:
        port = probe.getsockname()[1]
    with open_socket(settings.host, port, shared=True) as reserved:
        await supervise(settings, reserved, _announce)


def _announce(url: str) -> None:
    click.echo(f"listening on {url}")
