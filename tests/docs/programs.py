"""The documents' programs: how each is run, against a server of the test's.

Owns the files that a program needs beside it; knows nothing of what it must print.
"""

import shutil
import sys
from pathlib import Path

from tests.docs.blocks import ROOT, Block, Command
from tests.docs.terminal import Terminal
from tests.support.server import clean_environment

ADDRESS = "127.0.0.1:12345"
"""What the documents call the server."""
RUN = {
    "python": (f"exec {sys.executable} program.py", "program.py"),
    "node": ("exec node program.mjs", "program.mjs"),
    "bash": ("exec bash program.sh", "program.sh"),
    "go": ("exec go run program.go", "program.go"),
    "java": ("exec java Listen.java", "Listen.java"),
}
"""By language: the command, and the file that it runs."""
IF_THERE = {"go": "go", "java": "javac"}
"""Programs that are too large to install for one example each: half a gigabyte."""
MODULES = ROOT / "tests" / "clients" / "node_modules"


def can_run(language: str) -> bool:
    """Tell whether a program in ``language`` can be run here; all but two always can."""
    return language not in IF_THERE or shutil.which(IF_THERE[language]) is not None


def started(
    block: Block, language: str, address: str, folder: Path, modules: Path = MODULES
) -> Terminal:
    """Return a terminal in which the program runs, with ``address`` as its server."""
    command, file = RUN[language]
    (folder / file).write_text(block.text.replace(ADDRESS, address))
    (folder / "node_modules").symlink_to(modules)
    environment = clean_environment({"PYTHONUNBUFFERED": "1"})
    return Terminal(Command(command, ()), folder, environment)
