"""``pulse-events explain``: what a pattern matches, in words.  Asks no server."""

import click

from pulse_events.bindings import read_pair
from pulse_events.cli.command import Command
from pulse_events.cli.completing import complete_binding
from pulse_events.cli.visible import visible
from pulse_events.errors import InputError


@click.command(cls=Command, short_help="Say in words what a pattern matches.")
@click.argument(
    "pairs",
    nargs=-1,
    required=True,
    metavar="EXCHANGE=PATTERN...",
    shell_complete=complete_binding,
)
def explain(pairs: tuple[str, ...]) -> None:
    """Say in words which routing keys a pattern matches.

    Of Taskcluster's exchanges it names the fields that the words of a key are.
    """
    from pulse_events.cli.explanation import explanation

    try:
        bindings = [read_pair(pair) for pair in pairs]
    except InputError as error:
        raise click.UsageError(str(error)) from None
    texts = ("\n".join(map(visible, explanation(binding))) for binding in bindings)
    click.echo("\n\n".join(texts))
