"""The documents' programs, in Python and for Node, print what their marks say."""

import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Block, Command, blocks
from tests.docs.terminal import Terminal
from tests.docs.test_commands import ADDRESS
from tests.support.npm_project import install
from tests.support.server import Server, clean_environment
from tests.support.waiting import wait_until

PROGRAMS = [block for block in blocks() if block.mark in ("python", "node", "npm")]
RUN = {
    "python": (sys.executable, "program.py"),
    "node": ("node", "program.mjs"),
    "npm": ("node", "program.mjs"),
}
MODULES = ROOT / "tests" / "clients" / "node_modules"


@pytest.fixture(scope="module")
def our_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of modules that has the package as npm packs it."""
    folder = tmp_path_factory.mktemp("npm")
    install(folder)
    return folder / "node_modules"


@pytest.mark.timeout(90)
@pytest.mark.parametrize("block", PROGRAMS, ids=str)
def test_a_program_prints_what_its_mark_says(
    block: Block, demo: Server, our_package: Path, tmp_path: Path
) -> None:
    program, file = RUN[block.mark]
    (tmp_path / file).write_text(block.text.replace(ADDRESS, f"127.0.0.1:{demo.port}"))
    (tmp_path / "node_modules").symlink_to(our_package if block.mark == "npm" else MODULES)
    environment = clean_environment({"PYTHONUNBUFFERED": "1"})
    texts = block.words.split(" / ")
    with Terminal(Command(f"exec {program} {file}", ()), tmp_path, environment) as terminal:

        def has_printed_all() -> bool:
            printed = terminal.screen
            return all(text in printed for text in texts)

        try:
            wait_until(has_printed_all, "the output", within_s=20)
        except TimeoutError:
            raise AssertionError(terminal.screen) from None


def test_every_program_is_run() -> None:
    unmarked = [
        str(block)
        for block in blocks()
        if (block.language == "python" and block.mark != "python")
        or (block.language == "js" and block.mark not in ("browser", "node", "npm", "file"))
    ]
    assert not unmarked
    assert {block.mark for block in PROGRAMS} == RUN.keys()
