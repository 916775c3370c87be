"""``pulse-events wait``: until a task or a task group is resolved.  Asks no one but the server."""

import asyncio
from typing import Any

import click

from pulse_events.cli.command import Command
from pulse_events.cli.connecting import (
    check_connection,
    checked,
    connection_of,
    connection_options,
    server_url,
    timeout_option,
    voice_of,
)

DEFAULT_SINCE = "1d"


@click.command(cls=Command, short_help="Wait until a task or a task group is resolved.")
@click.option("--task", metavar="ID", help="Wait for this task.")
@click.option("--group", metavar="ID", help="Wait for all tasks of this group.")
@timeout_option
@click.option(
    "--since",
    metavar="TIME",
    default=DEFAULT_SINCE,
    show_default=True,
    help="Look so far back for what has happened already: 10m, 7d, or an ISO time.",
)
@connection_options
def wait(url: str | None, **options: Any) -> None:
    """Wait until a task, or a whole task group, is resolved.

    Exit codes: 0 completed, 1 failed, 3 exception, 124 not within --timeout.  A group failed if
    one of its tasks that are known did; it is an exception if one of them is, and none failed.

    Looks first at what the server at URL holds; what it cannot know is said on stderr.
    """
    check_connection(options)
    watch, bindings = _watched(options)
    arguments = {"url": server_url(url), "bindings": bindings, **connection_of(options)}
    from pulse_events.cli.waiting import WaitRun
    from pulse_events.process.loops import new_event_loop

    waiting = WaitRun(watch, voice_of(options), options["since"])
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        code = runner.run(waiting.run(arguments, options["timeout"]))
    raise click.exceptions.Exit(code)


def _watched(options: dict[str, Any]) -> tuple[Any, Any]:
    """Return what is to be watched, and the bindings that it takes.

    Raises:
        UsageError: Neither a task nor a group is named, both are, or one can be none.
    """
    from pulse_events.cli.outcome import GROUP_EVENTS, TASK_EVENTS, Watch
    from pulse_events.cli.task_bindings import GROUP_WORD, TASK_WORD, bindings_about

    task, group = options["task"], options["group"]
    if (task is None) == (group is None):
        raise click.UsageError("name what to wait for: either --task ID or --group ID")
    if task is not None:
        bindings = checked("--task", bindings_about, TASK_WORD, task, TASK_EVENTS)
        return Watch(TASK_WORD, task), bindings
    bindings = checked("--group", bindings_about, GROUP_WORD, group, GROUP_EVENTS)
    return Watch(GROUP_WORD, group), bindings
