"""The documents and their code blocks, and what the comment before a block says of it.

A ``console`` block is marked ``<!-- run: PLACE -->`` or ``<!-- not run: WHY -->``.  Its commands
begin with ``$ ``, go on after a backslash at the end of a line, and are followed by what they
print; lines that begin with ``# `` say in which terminal.  ``…`` stands for any text, as a line of
its own for any lines; as the last line it says that the command goes on, beside those after it.

Other marks: ``<!-- browser: TEXT / TEXT -->`` before JavaScript and ``<!-- page: NAME: TEXT -->``
before HTML: opened in a browser these texts appear.  ``<!-- python: TEXT / TEXT -->`` before Python
and ``<!-- node: TEXT / TEXT -->`` before JavaScript: run as a program it prints these texts.
``<!-- npm: TEXT / TEXT -->`` is the same with our package from npm.  ``<!-- file: NAME -->``: is in
the folder in which the commands of the same document are run, or that ``tests/browser`` builds, or
a program that ``test_python.py`` runs.
``<!-- comes back: LANGUAGE -->``: a program that goes on by itself where it was, when its
connection is lost or the server starts anew; it prints each event as a line, its kind first.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
)

_FENCE = re.compile(r"```(\w*)")
_MARK = re.compile(r"<!-- ([\w ]+): (.*) -->")
_ANY = "…"


class Block(NamedTuple):
    """One code block; ``mark`` and ``words`` are of the comment before it."""

    document: str
    line: int
    language: str
    mark: str
    words: str
    text: str

    def __str__(self) -> str:
        """Name the block as pytest shows it."""
        return f"{self.document}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a ``console`` block, and the lines that it prints."""

    text: str
    printed: tuple[str, ...]

    @property
    def goes_on(self) -> bool:
        """Whether it still runs when it has printed them."""
        return self.printed[-1:] == (_ANY,)

    def expected(self, count: int | None = None) -> re.Pattern[str]:
        """Return what the output matches from its start, or the first ``count`` lines of it do."""
        lines = self.printed[:-1] if self.goes_on else self.printed
        return re.compile("".join(map(_line, lines[:count])))


def blocks() -> Iterator[Block]:
    """Yield the code blocks of all documents."""
    for document in DOCUMENTS:
        lines = enumerate(document.read_text(encoding="utf-8").split("\n"), 1)
        mark = ("", "")
        for number, line in lines:
            fence = _FENCE.fullmatch(line)
            if fence:
                inside = []
                for _, content in lines:
                    if content == "```":
                        break
                    inside.append(content)
                name = str(document.relative_to(ROOT))
                yield Block(name, number, fence[1], *mark, "\n".join(inside))
            found = _MARK.fullmatch(line)
            mark = (found[1], found[2]) if found else ("", "")


def files_of(document: str) -> dict[str, str]:
    """Return the files that a document has its reader save, by name."""
    return {
        block.words: block.text
        for block in blocks()
        if (block.document, block.mark) == (document, "file")
    }


def commands(text: str) -> list[Command]:
    """Return the commands of a ``console`` block, in order."""
    found: list[Command] = []
    lines = iter(text.split("\n"))
    for line in lines:
        if line.startswith("$ "):
            typed = line[2:]
            while typed.endswith("\\"):
                typed = f"{typed[:-1]}{next(lines).strip()}"
            found.append(Command(typed, ()))
        elif not line.startswith("# "):
            last = found[-1]  # raises: the block begins with something that is no command
            found[-1] = Command(last.text, (*last.printed, line))
    return found


def _line(line: str) -> str:
    if line == _ANY:
        return r"(?:.*\n)*?"
    return ".*".join(map(re.escape, line.split(_ANY))) + r"\n"
