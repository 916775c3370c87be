"""The commands: their options, output and exit codes.

Whoever asks for help gets a text that is there already: click alone, which would make it, takes
longer to load (36 ms) than a third of what help took with it (81 ms; now 17 ms).
"""

import os
import sys

_HELP_FOLDER = os.path.join(os.path.dirname(__file__), "help")
"""What `make pages` writes: click's own texts, for a screen of `_HELP_COLUMNS`."""
_HELP_FLAGS = ("-h", "--help")
_HELP_COLUMNS = 80
_COMPLETION = "_PULSE_EVENTS_COMPLETE"
"""With this variable a shell asks for completions, whatever the arguments are."""


def main() -> None:
    """Run the program; what goes wrong is one line on stderr.  Exit code 2 means wrong use."""
    try:
        if _help_was_printed(sys.argv[1:]):
            return
        from pulse_events.cli.program import run

        sys.exit(run())
    except KeyboardInterrupt:  # while that was loaded, or while it ended
        sys.exit(130)


def _help_was_printed(words: list[str]) -> bool:
    """Print the help that is asked for; leave what is odd to the program itself."""
    if not words or words[-1] not in _HELP_FLAGS or _COMPLETION in os.environ:
        return False
    if sys.stdout is None or sys.stdout.encoding.lower() != "utf-8":  # closed; of old
        return False
    path = os.path.join(_HELP_FOLDER, "-".join(["pulse-events", *words[:-1]]) + ".txt")
    try:
        if os.isatty(1) and os.get_terminal_size(1).columns < _HELP_COLUMNS:
            return False
        with open(path, "rb") as file:
            text = file.read()
        return os.write(1, text) == len(text)
    except (OSError, ValueError):  # there is no such command; nobody takes it; a path with a NUL
        return False
