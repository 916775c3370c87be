"""``pulse-events serve``.  What the server is made of is imported when it starts."""

import asyncio
from typing import TYPE_CHECKING

import click

from pulse_events.cli.command import Command

if TYPE_CHECKING:
    from pulse_events.configuration.settings import Settings


class _Serve(Command):
    """The command with one option for each field of `Settings`, as text; the model checks it."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """See `click.Command.get_params`; not before, since `--help` of the program asks none."""
        if not self.params:
            self.params = _settings_options()
        return super().get_params(ctx)


def _settings_options() -> list[click.Parameter]:
    from pulse_events.configuration.settings import Settings

    options: list[click.Parameter] = []
    for name, field in Settings.model_fields.items():
        shown = "" if field.default in (None, ()) else f"  [default: {field.default}]"
        names = ["--" + name.replace("_", "-"), name]
        text = f"{field.description}{shown}"
        many = isinstance(field.default, tuple)
        options.append(click.Option(names, multiple=many, metavar="VALUE", help=text))
    return options


@click.command(
    cls=_Serve,
    short_help="Serve streams of a broker's messages.",
    epilog="Each option is also a variable PULSE_EVENTS_… and a key of the config file.",
)
def serve(**options: str | tuple[str, ...] | None) -> None:
    """Serve streams of a broker's messages.

    Prints one line when it accepts connections; logs go to stderr.
    """
    from pulse_events.brokers.opening import open_broker
    from pulse_events.cli.checking import checked_settings
    from pulse_events.process.logs import configure_logging
    from pulse_events.process.loops import new_event_loop
    from pulse_events.process.system import DESCRIPTORS_NEEDED, raise_descriptor_limit

    settings = checked_settings(options)
    raise_descriptor_limit(DESCRIPTORS_NEEDED + 2 * settings.workers)
    configure_logging(settings.log_level, settings.log_format)
    open_broker(settings)  # complains about a bad CA file before anything starts
    work = _alone(settings) if settings.workers == 1 else _supervised(settings)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(work)


async def _alone(settings: "Settings") -> None:
    from pulse_events.process.peers import Alone
    from pulse_events.process.server import serve
    from pulse_events.process.system import open_socket

    with open_socket(settings.host, settings.port) as listening:
        await serve(settings, listening, Alone(_announce))


async def _supervised(settings: "Settings") -> None:
    from pulse_events.process.system import open_socket
    from pulse_events.process.workers import supervise

    # Bound alone first: a port that others share already would else count as free.
    with open_socket(settings.host, settings.port) as probe:
        port = probe.getsockname()[1]
    with open_socket(settings.host, port, shared=True) as reserved:
        await supervise(settings, reserved, _announce)


def _announce(url: str) -> None:
    click.echo(f"listening on {url}")
