"""Commands that keep what they do not understand to themselves: it may be a password."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

import click

from pulse_events.configuration.redaction import HIDDEN, redacted_word

_OPTION = re.compile(r"--[a-z][a-z-]{0,30}|-[A-Za-z]")
_COMMAND = re.compile(r"[a-z-]{1,20}")
_HEADER_OPTION = re.compile(r"-[qvh]*H|--header")  # click takes flags before it, too
_HEADER_AFTER = re.compile(r"[^:]*")
_HEADER = re.compile(r"(-[qvh]*H(?=.)|--header=)[^:]*")
TITLE = "pulse-events"


class Command(click.Command):
    """A command whose errors repeat no argument that is not one of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command.parse_args`."""
        ctx.allow_extra_args = True
        try:
            extra = super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise no_such_option(error, ctx) from None
        if extra and not ctx.resilient_parsing:
            text = f"too many arguments: {len(extra)} more than {ctx.info_name} takes"
            raise click.UsageError(text, ctx)
        return extra

    def invoke(self, ctx: click.Context) -> Any:
        """Show the arguments in the process's title, without passwords, and run the command."""
        from setproctitle import setproctitle

        from pulse_events.process.system import raise_descriptor_limit

        raise_descriptor_limit()
        setproctitle(" ".join((TITLE, *map(os_text, shown_words(sys.argv[1:])))))
        return super().invoke(ctx)


class CommandGroup(click.Group):
    """The group of all commands; of one that does not exist the name is not repeated either.

    Args:
        lazy: Modules by the names of the commands that they hold; imported when one is asked for.
        others: As for `click.Group`.
    """

    def __init__(self, *, lazy: Mapping[str, str], **others: Any) -> None:
        super().__init__(**others)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See `click.Group.list_commands`."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See `click.Group.get_command`."""
        if cmd_name in self._lazy and cmd_name not in self.commands:
            self.add_command(getattr(import_module(self._lazy[cmd_name]), cmd_name))
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Group.parse_args`."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise no_such_option(error, ctx) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See `click.Group.resolve_command`."""
        name = args[0]
        if self.get_command(ctx, name) is None:
            shown = f" {name}" if _COMMAND.fullmatch(name) else ""
            known = ", ".join(self.list_commands(ctx))
            raise click.UsageError(f"there is no such command{shown}; there are {known}", ctx)
        return super().resolve_command(ctx, args)


def no_such_option(error: click.NoSuchOption, ctx: click.Context) -> click.UsageError:
    """Return the error for an option that a command does not have."""
    shown = f" {error.option_name}" if _OPTION.fullmatch(error.option_name) else ""
    names = " or ".join(error.possibilities or ())
    advice = f"did you mean {names}?" if names else f"see {ctx.command_path} --help"
    return click.UsageError(f"there is no such option{shown}; {advice}", ctx)


def shown_words(words: Iterable[str]) -> Iterator[str]:
    """Yield arguments as a list of processes may show them: no passwords, no header's value."""
    before = ""
    for word in words:
        found = (_HEADER_AFTER if _HEADER_OPTION.fullmatch(before) else _HEADER).match(word)
        yield f"{found[0]}: {HIDDEN}" if found else redacted_word(word)
        before = word


def os_text(text: str) -> str:
    """Return ``text`` with a mark for each byte that was not UTF-8."""
    return text.encode(errors="surrogateescape").decode(errors="replace")
