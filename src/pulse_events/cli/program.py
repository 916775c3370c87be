"""The program: its commands, each loaded when it is asked for, and what its errors mean.

Each command's module imports what its work needs within the function that does it: nobody who
mistypes an option, or asks for another command, waits for a server's imports.
"""

import click

from pulse_events.cli.command import TITLE, CommandGroup
from pulse_events.cli.exit_codes import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE
from pulse_events.cli.visible import one_line
from pulse_events.configuration.redaction import redacted
from pulse_events.errors import PulseEventsError, SettingsError

_EXPECTED = (click.ClickException, PulseEventsError, OSError, MemoryError, UnicodeError)
_NO_THREAD = "can't start new thread"
"""What is not a fault of the program: wrong use, and what the system may do to any line of it."""


@click.group(
    cls=CommandGroup,
    lazy={
        "serve": "pulse_events.cli.serve",
        "listen": "pulse_events.cli.listen",
        "wait": "pulse_events.cli.wait",
        "explain": "pulse_events.cli.explain",
        "publish": "pulse_events.cli.publish",
    },
    short_help="RabbitMQ messages as Server-Sent Events.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="pulse-events", message="%(version)s")
def program() -> None:
    """RabbitMQ messages as Server-Sent Events."""


def run() -> int:
    """Run the program; return its exit code."""
    from pulse_events.process.standard_streams import prepare_streams

    try:
        prepare_streams()
        _show_title()
        return program.main(standalone_mode=False) or 0
    except BaseException as raised:
        error = _cause(raised)
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            click.echo(error.format_message(), err=True)
            return EXIT_USAGE
        if isinstance(error, click.Abort | KeyboardInterrupt):
            return EXIT_INTERRUPTED
        if isinstance(error, _EXPECTED) or str(error) == _NO_THREAD:
            return _complain(error)
        raise


def _show_title() -> None:
    from setproctitle import setproctitle

    setproctitle(TITLE)  # nothing that was mistyped; `Command` shows what is understood


def _cause(error: BaseException) -> BaseException:
    """Return the first of the exceptions that a task group has bundled."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _complain(error: BaseException) -> int:
    """Say what went wrong; return the exit code."""
    code = EXIT_USAGE if isinstance(error, SettingsError) else EXIT_FAILED
    text = str(error) or type(error).__name__
    if isinstance(error, click.ClickException):
        text, code = error.format_message(), error.exit_code
    click.echo(f"pulse-events: {one_line(redacted(text))}", err=True)
    return code
