"""``pulse-events listen``.  What speaks HTTP is imported when there is something to ask."""

import asyncio
import math
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pulse_events.backoff import STALE_AFTER_S
from pulse_events.bindings import BindingSet
from pulse_events.cli.command import Command
from pulse_events.client.items import Gap, Item, Message, Ready
from pulse_events.process.standard_streams import OutputFailed, while_stdout_is_read

if TYPE_CHECKING:
    from pulse_events.cli.cursor_file import CursorFile

EXIT_GAP = 3
_NEED_HISTORY = ("since", "last", "resume_file", "fail_on_gap")


@click.command(cls=Command, short_help="Print messages as they come, one as a line of JSON.")
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
    "--since",
    metavar="TIME",
    help="Begin so long ago (90s, 10m, 2h, 7d) or at an ISO time.",
)
@click.option(
    "--last",
    type=click.IntRange(min=1),
    metavar="N",
    help="Begin with the N newest messages that the server holds.",
)
@click.option(
    "--resume-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Note there what has been printed; go on from there when started again.",
)
@click.option(
    "--fail-on-gap",
    is_flag=True,
    help=f"End with exit code {EXIT_GAP} where messages may be missing.",
)
@click.option(
    "--no-resume",
    is_flag=True,
    help="Begin anew when connecting again, even if the server has what came meanwhile.",
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
def listen(pairs: tuple[str, ...], url: str, **options: Any) -> None:
    """Print each message of the server at URL as one line of JSON.

    Connects again when the connection is lost, and goes on where it was if the server keeps a
    history; says so on stderr.  Ends when nobody reads stdout.
    """
    from pulse_events.process.loops import new_event_loop

    if math.isnan(options["stale_after"]):
        raise click.BadParameter("nan is no time", param_hint="--stale-after")
    _check_together(options)
    bindings = BindingSet.of([_split(pair) for pair in pairs])
    file = _cursor_file(url, bindings, options["resume_file"])
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        try:
            runner.run(_print_messages(url, bindings, file, options))
        except OutputFailed as error:
            if error.reader_is_gone:  # `listen | head`: nobody wants to know
                raise click.exceptions.Exit(1) from None
            raise


def _check_together(options: dict[str, Any]) -> None:
    """Refuse options that contradict each other."""
    given = [_spelled(name) for name in _NEED_HISTORY if options[name]]
    if options["no_resume"] and given:
        raise click.UsageError(f"{given[0]} and --no-resume contradict each other")
    if options["since"] and options["last"]:
        raise click.UsageError("--since and --last contradict each other")


def _spelled(name: str) -> str:
    return "--" + name.replace("_", "-")


def _cursor_file(url: str, bindings: BindingSet, path: Path | None) -> "CursorFile | None":
    if path is None:
        return None
    from pulse_events.cli.cursor_file import CursorFile
    from pulse_events.client.addresses import endpoint_of

    return CursorFile(path, endpoint_of(url).public, bindings)


async def _print_messages(
    url: str, bindings: BindingSet, file: "CursorFile | None", options: dict[str, Any]
) -> None:
    from pulse_events import listen

    needs_history = any(options[name] for name in _NEED_HISTORY)
    printer = _Printer(file, needs_history=needs_history, fail_on_gap=options["fail_on_gap"])
    with while_stdout_is_read(), file.saved_at_the_end() if file else nullcontext():
        async for item in listen(
            url,
            bindings,
            events=True,
            resume=False if options["no_resume"] else needs_history or None,
            on_retry=printer.say_retry,
            stale_after_s=options["stale_after"],
            **_beginning(file, options),
        ):
            printer.print(item)


def _beginning(file: "CursorFile | None", options: dict[str, Any]) -> dict[str, Any]:
    """Return what `listen` is to begin with: the file's cursor goes before the options."""
    begin = {name: options[name] for name in ("since", "last") if options[name]}
    if file is None or file.cursor is None:
        return begin
    for name in begin:
        text = f"going on where {options['resume_file']} says; {_spelled(name)} does not count"
        click.echo(text, err=True)
    return {"cursor": file.cursor}


class _Printer:
    """Prints what comes, and notes how far it has come.

    Args:
        file: Where it notes that, if anywhere.
        needs_history: Whether there is no stream but one that goes on where it was.
        fail_on_gap: Whether a gap is the end.
    """

    def __init__(
        self, file: "CursorFile | None", *, needs_history: bool, fail_on_gap: bool
    ) -> None:
        self._file = file
        self._needs_history = needs_history
        self._fail_on_gap = fail_on_gap
        self._resumes = needs_history

    def print(self, item: Item) -> None:
        """Print what is to be seen of ``item``."""
        if isinstance(item, Message):
            click.echo(item.json.encode())  # UTF-8 in every locale
        elif isinstance(item, Ready):
            click.echo("ready", err=True)
        elif isinstance(item, Gap):
            click.echo(str(item), err=True)
        self._note(item)

    def say_retry(self, reason: str, wait_s: float) -> None:
        """Say why the stream ended, and what that means."""
        meaning = "" if self._resumes else "messages may be missing; "
        click.echo(f"{reason}; {meaning}again in {wait_s:.1f} s", err=True)

    def _note(self, item: Item) -> None:
        self._resumes = item.cursor is not None or self._needs_history
        if self._file and item.cursor is not None:
            self._file.keep(item.cursor)
        if isinstance(item, Gap) and self._file:
            self._file.save()
        if isinstance(item, Gap) and self._fail_on_gap:
            raise click.exceptions.Exit(EXIT_GAP)


def _split(pair: str) -> tuple[str, str]:
    exchange, separator, pattern = pair.partition("=")
    if not separator:
        raise click.BadParameter(f"{pair!r} is not EXCHANGE=PATTERN", param_hint="-b")
    return exchange, pattern
