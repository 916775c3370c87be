"""The commands: their options, output and exit codes."""

import re
import sys

import click
from setproctitle import setproctitle

from pulse_events.cli.listen import listen
from pulse_events.cli.publish import publish
from pulse_events.cli.serve import serve
from pulse_events.errors import PulseEventsError, SettingsError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

_PASSWORD = re.compile(r"(amqps?://[^:]*):.*@", re.DOTALL)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pulse-events", message="%(version)s")
def program() -> None:
    """RabbitMQ messages as Server-Sent Events."""


for command in (serve, listen, publish):
    program.add_command(command)


def main() -> None:
    """Run the program; what goes wrong is one line on stderr.  Exit code 2 means wrong use."""
    # What `ps` shows of this process: no password.
    setproctitle(" ".join(_PASSWORD.sub(r"\1:***@", word) for word in sys.argv))
    try:
        code = program.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = EXIT_USAGE
    except click.ClickException as error:
        code = _complain(error.format_message(), error.exit_code)
    except SettingsError as error:
        code = _complain(str(error), EXIT_USAGE)
    except PulseEventsError as error:
        code = _complain(str(error), EXIT_FAILED)
    except (click.Abort, KeyboardInterrupt):
        code = EXIT_INTERRUPTED
    sys.exit(code)


def _complain(text: str, code: int) -> int:
    click.echo(f"pulse-events: {' '.join(text.split())}", err=True)
    return code
