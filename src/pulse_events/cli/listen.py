"""``pulse-events listen``.  What speaks HTTP is imported when there is something to ask."""

import asyncio
import math

import click

from pulse_events.backoff import STALE_AFTER_S
from pulse_events.bindings import BindingSet
from pulse_events.cli.command import Command
from pulse_events.process.standard_streams import OutputFailed, while_stdout_is_read


@click.command(cls=Command)
@click.option(
    "-b",
    "--binding",
    "pairs",
    multiple=True,
    required=True,
    metavar="EXCHANGE=PATTERN",
    help="What to listen to; may be given many times.",
)
@click.option(
    "--stale-after",
    type=click.FloatRange(min=0.1),
    default=STALE_AFTER_S,
    show_default=True,
    metavar="SECONDS",
    help="Silence after which to connect anew; longer than the server's ping interval.",
)
@click.argument("url")
def listen(pairs: tuple[str, ...], stale_after: float, url: str) -> None:
    """Print each message of the server at URL as one line of JSON.

    Connects again when the connection is lost; says so on stderr.  Ends when nobody reads stdout.
    """
    from pulse_events.process.loops import new_event_loop

    if math.isnan(stale_after):
        raise click.BadParameter("nan is no time", param_hint="--stale-after")
    bindings = BindingSet.of([_split(pair) for pair in pairs])
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        try:
            runner.run(_print_messages(url, bindings, stale_after))
        except OutputFailed as error:
            if error.reader_is_gone:  # `listen | head`: nobody wants to know
                raise click.exceptions.Exit(1) from None
            raise


async def _print_messages(url: str, bindings: BindingSet, stale_after_s: float) -> None:
    from pulse_events.client import events

    with while_stdout_is_read():
        async for event in events(url, bindings, on_retry=_say_retry, stale_after_s=stale_after_s):
            if event.kind == "message":
                click.echo(event.data.encode())  # UTF-8 in every locale
            elif event.kind == "ready":
                click.echo("ready", err=True)


def _say_retry(reason: str, wait_s: float) -> None:
    click.echo(f"{reason}; messages may be missing; again in {wait_s:.1f} s", err=True)


def _split(pair: str) -> tuple[str, str]:
    exchange, separator, pattern = pair.partition("=")
    if not separator:
        raise click.BadParameter(f"{pair!r} is not EXCHANGE=PATTERN", param_hint="-b")
    return exchange, pattern
