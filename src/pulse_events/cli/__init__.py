"""The commands: their options, output and exit codes.

Each command's module imports what its work needs within the function that does it: nobody who asks
for help, or for another command, waits for a server's imports (0.09 s instead of 0.46 s).
"""

import sys

import click
from setproctitle import setproctitle

from pulse_events.cli.command import TITLE, CommandGroup
from pulse_events.cli.listen import listen
from pulse_events.cli.publish import publish
from pulse_events.cli.serve import serve
from pulse_events.configuration.redaction import redacted
from pulse_events.errors import PulseEventsError, SettingsError
from pulse_events.process.standard_streams import prepare_streams

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

_EXPECTED = (click.ClickException, PulseEventsError, OSError, MemoryError, UnicodeError)
_NO_THREAD = "can't start new thread"
"""What is not a fault of the program: wrong use, and what the system may do to any line of it."""


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pulse-events", message="%(version)s")
def program() -> None:
    """RabbitMQ messages as Server-Sent Events."""


for command in (serve, listen, publish):
    program.add_command(command)


def main() -> None:
    """Run the program; what goes wrong is one line on stderr.  Exit code 2 means wrong use."""
    sys.exit(_run())


def _run() -> int:
    try:
        prepare_streams()
        setproctitle(TITLE)  # nothing that was mistyped; `Command` shows what is understood
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
    click.echo(f"pulse-events: {redacted(' '.join(text.split()))}", err=True)
    return code
