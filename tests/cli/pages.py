"""What the wheel has beside the program, made of click's own definitions: `make pages` writes it.

Help texts, which the program prints without loading click; man pages; completion for shells.
"""

from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import ShellComplete, get_completion_class
from click_man.core import generate_man_page

from pulse_events.cli.program import program

ROOT = Path(__file__).parents[2]
HELP_FOLDER = ROOT / "src" / "pulse_events" / "cli" / "help"
SHARE = ROOT / "share"
NAME = "pulse-events"
COMPLETIONS = {
    "bash": f"bash-completion/completions/{NAME}",
    "zsh": f"zsh/site-functions/_{NAME}",
    "fish": f"fish/vendor_completions.d/{NAME}.fish",
}
_CUTS_DESCRIPTIONS = 'string split "," '
"""What click has fish do with a line: a description would end at its first comma."""
_SCREEN = 78
"""What click makes of a screen of 80 columns."""


def contexts() -> Iterator[click.Context]:
    """Yield the contexts of the program and of each command, all loaded."""
    settings = {"terminal_width": _SCREEN, **program.context_settings}
    whole = click.Context(program, info_name=NAME, **settings)
    for name in program.list_commands(whole):
        command = program.get_command(whole, name)
        assert command is not None
        yield click.Context(command, whole, name, terminal_width=_SCREEN)
    yield whole  # last, since its man page lists what is loaded


def pages() -> dict[Path, str]:
    """Return the contents of all files by their paths."""
    found = {}
    for context in contexts():
        name = context.command_path.replace(" ", "-")
        context.command.get_params(context)  # those of `serve` are there only when asked for
        found[HELP_FOLDER / f"{name}.txt"] = context.get_help() + "\n"
        man_page = generate_man_page(context, version=NAME, date=" ")  # neither changes by itself
        found[SHARE / "man" / "man1" / f"{name}.1"] = man_page
    for shell, place in COMPLETIONS.items():
        found[SHARE / place] = _completion(shell)
    return found


def _completion(shell: str) -> str:
    made_by = get_completion_class(shell)
    assert made_by is not None
    variable = f"_{NAME.replace('-', '_').upper()}_COMPLETE"
    # Not the class's own `source`: that of bash asks the bash that is here for its version.
    text = ShellComplete.source(made_by(program, {}, NAME, variable)).strip() + "\n"
    assert (_CUTS_DESCRIPTIONS in text) == (shell == "fish")
    return text.replace(_CUTS_DESCRIPTIONS, 'string split -m 1 "," ')


def main() -> None:
    """Write all files, and remove what is left of commands that are no more."""
    made = pages()
    for path in {*HELP_FOLDER.glob("*.txt"), *SHARE.glob("man/man1/*.1")} - made.keys():
        path.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
