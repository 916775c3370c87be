"""The documents' programs, in Python and for Node, print what their marks say."""

from pathlib import Path

import pytest

from tests.docs.blocks import Block, blocks
from tests.docs.programs import MODULES, RUN, started
from tests.support.npm_project import FROM_CLONE, install
from tests.support.server import Server
from tests.support.waiting import wait_until

NPM = "npm"
"""The mark of programs for Node that use our own package."""
PROGRAMS = [block for block in blocks() if block.mark in {*RUN, NPM}]


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
    language, modules = block.mark, MODULES
    if language == NPM:
        language, modules = "node", our_package
    texts = block.words.split(" / ")
    with started(block, language, f"127.0.0.1:{demo.port}", tmp_path, modules) as terminal:

        def has_printed_all() -> bool:
            printed = terminal.screen
            return all(text in printed for text in texts)

        try:
            wait_until(has_printed_all, "the output", within_s=20)
        except TimeoutError:
            raise AssertionError(terminal.screen) from None


def test_our_package_is_installed_as_the_document_says() -> None:
    assert f"$ {FROM_CLONE}" in {b.text for b in blocks() if b.document == "docs/javascript.md"}


def test_every_program_is_run() -> None:
    unmarked = [
        str(block)
        for block in blocks()
        if block.language in {*RUN, "js"}
        and block.mark not in {*RUN, NPM, "browser", "comes back", "file"}
    ]
    assert not unmarked
