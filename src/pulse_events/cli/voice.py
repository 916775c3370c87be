"""What the commands say on stderr beside why they fail: more or less of it."""

from dataclasses import dataclass

import click

from pulse_events.cli.visible import one_line


@dataclass(frozen=True, slots=True)
class Voice:
    """Says things in one line each; neither ``-q`` nor ``-v`` is the usual."""

    quiet: bool = False
    verbose: bool = False

    def say(self, text: str) -> None:
        """Say what a user wants to know, unless he said ``-q``."""
        if not self.quiet:
            click.echo(one_line(text), err=True)

    def detail(self, text: str) -> None:
        """Say what is of use in looking for a fault, with ``-v``."""
        if self.verbose:
            click.echo(one_line(text), err=True)
