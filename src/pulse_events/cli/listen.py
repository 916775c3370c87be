"""``pulse-events listen``.  What speaks HTTP is imported when there is something to ask."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pulse_events.bindings import Binding, BindingSet, read_pair
from pulse_events.cli.command import Command
from pulse_events.cli.completing import complete_binding
from pulse_events.cli.connecting import (
    check_connection,
    checked,
    connection_of,
    connection_options,
    server_url,
    spelled,
    timeout_option,
    voice_of,
)
from pulse_events.cli.exit_codes import EXIT_FAILED, EXIT_GAP
from pulse_events.cursors import LAST_LIMIT

if TYPE_CHECKING:
    from pulse_events.cli.cursor_file import CursorFile
    from pulse_events.cli.listener import Wishes

_NEED_HISTORY = ("since", "last", "resume_file", "fail_on_gap")


@click.command(cls=Command, short_help="Print messages as they come, or run a command.")
@click.option(
    "-b",
    "--binding",
    "pairs",
    multiple=True,
    metavar="EXCHANGE=PATTERN",
    shell_complete=complete_binding,
    help="What to listen to; may be given many times.",
)
@click.option("--task", "tasks", multiple=True, metavar="ID", help="All about a task; many times.")
@click.option(
    "--group", "groups", multiple=True, metavar="ID", help="All about a task group; many times."
)
@click.option(
    "-n", "--count", type=click.IntRange(min=1), metavar="COUNT", help="End after so many messages."
)
@timeout_option
@click.option(
    "--where",
    "conditions",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Only messages with this value there, like payload.status.state=failed; many times.",
)
@click.option("--payload", is_flag=True, help="Print the payload alone.")
@click.option(
    "--format",
    "template",
    metavar="TEMPLATE",
    help="Print that, with fields in braces: '{routingKey} {payload.status.state}'.",
)
@click.option(
    "--events", is_flag=True, help="Print ready, gap and error, too, as JSON with 'event'."
)
@click.option(
    "--exec",
    "command",
    metavar="CMD",
    help="Run CMD for each message, which it gets on its stdin, instead of printing it.",
)
@click.option(
    "--since",
    metavar="TIME",
    help="Begin so long ago (90s, 10m, 2h, 7d) or at an ISO time.",
)
@click.option(
    "--last",
    type=click.IntRange(1, LAST_LIMIT),
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
@connection_options
def listen(url: str | None, **options: Any) -> None:
    """Print each message of the server at URL as one line of JSON.

    On a terminal they are laid out and coloured.  Connects again when the connection is lost, and
    goes on where it was if the server keeps a history; says so on stderr.  Ends when nobody reads
    stdout.  URL may lack its scheme, or come from the variable PULSE_EVENTS_URL.
    """
    check_connection(options)
    _check_together(options)
    named = [checked("-b", read_pair, pair) for pair in options["pairs"]]
    optional = list(_task_bindings(options))
    if not named and not optional:
        raise click.UsageError("name what to listen to: -b EXCHANGE=PATTERN, --task or --group")
    bindings = BindingSet((*named, *optional))
    full_url = server_url(url)
    arguments = {"url": full_url, "bindings": bindings.bindings, **connection_of(options)}
    wishes = _wishes(options, tuple(b for b in optional if b not in named))
    file = _cursor_file(full_url, bindings, options["resume_file"])
    _run(wishes, file, arguments | _resuming(options) | _beginning(file, options, wishes))


def _run(wishes: "Wishes", file: "CursorFile | None", arguments: dict[str, Any]) -> None:
    from pulse_events.cli.listener import ListenRun
    from pulse_events.process.loops import new_event_loop
    from pulse_events.process.standard_streams import OutputFailed

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        try:
            runner.run(ListenRun(wishes, file).run(arguments))
        except OutputFailed as error:
            if error.reader_is_gone:  # `listen | head`: nobody wants to know
                raise click.exceptions.Exit(EXIT_FAILED) from None
            raise


def _check_together(options: dict[str, Any]) -> None:
    """Refuse options that contradict each other."""
    given = _needing_history(options)
    if options["no_resume"] and given:
        raise click.UsageError(f"{given[0]} and --no-resume contradict each other")
    if options["since"] and options["last"]:
        raise click.UsageError("--since and --last contradict each other")
    if options["payload"] and options["template"] is not None:
        raise click.UsageError("--payload and --format contradict each other")


def _task_bindings(options: dict[str, Any]) -> Iterator[Binding]:
    if not options["tasks"] and not options["groups"]:
        return
    from pulse_events.cli.task_bindings import GROUP_WORD, TASK_WORD, bindings_about

    for name, word in (("tasks", TASK_WORD), ("groups", GROUP_WORD)):
        for identifier in options[name]:
            yield from checked(spelled(name.removesuffix("s")), bindings_about, word, identifier)


def _wishes(options: dict[str, Any], optional: tuple[Binding, ...]) -> "Wishes":
    from pulse_events.cli.fields import Condition, Template
    from pulse_events.cli.listener import Wishes

    template = options["template"]
    return Wishes(
        voice=voice_of(options),
        conditions=[checked("--where", Condition.read, text) for text in options["conditions"]],
        template=None if template is None else checked("--format", Template, template),
        payload=options["payload"],
        events=options["events"],
        command=options["command"],
        count=options["count"],
        timeout_s=options["timeout"],
        need_history=_needing_history(options),
        fail_on_gap=options["fail_on_gap"],
        optional=optional,
    )


def _needing_history(options: dict[str, Any]) -> list[str]:
    return [spelled(name) for name in _NEED_HISTORY if options[name]]


def _resuming(options: dict[str, Any]) -> dict[str, Any]:
    return {"resume": False if options["no_resume"] else bool(_needing_history(options)) or None}


def _cursor_file(url: str, bindings: BindingSet, path: Path | None) -> "CursorFile | None":
    if path is None:
        return None
    from pulse_events.cli.cursor_file import CursorFile
    from pulse_events.client.addresses import endpoint_of

    return CursorFile(path, endpoint_of(url).public, bindings)


def _beginning(
    file: "CursorFile | None", options: dict[str, Any], wishes: "Wishes"
) -> dict[str, Any]:
    """Return what the stream is to begin with: the file's cursor goes before the options."""
    begin = {name: options[name] for name in ("since", "last") if options[name]}
    if file is None or file.cursor is None:
        return begin
    for name in begin:
        text = f"going on where {options['resume_file']} says; {spelled(name)} does not count"
        wishes.voice.say(text)
    return {"cursor": file.cursor}
