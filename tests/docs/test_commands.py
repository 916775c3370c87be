"""What README and docs tell to type prints what they promise."""

import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Block, Command, blocks, commands, files_of
from tests.docs.programs import ADDRESS
from tests.docs.terminal import Terminal, working_folder
from tests.support.rabbit import Rabbit, free_port
from tests.support.server import Server

CONSOLE = [block for block in blocks() if block.language == "console"]


def runs(place: str) -> pytest.MarkDecorator:
    """Run the test for each block that is marked with ``place``."""
    chosen = [b for b in CONSOLE if (b.mark, b.words) == ("run", place)]
    return pytest.mark.parametrize("block", chosen, ids=str)


def type_in(
    block: Block,
    replaced: Mapping[str, str],
    *,
    port: int = 0,
    rabbit: Rabbit | None = None,
) -> None:
    """Run the commands of ``block``; those that go on run until all have printed what they must."""
    with working_folder() as (folder, environment), ExitStack() as terminals:
        for name, content in files_of(block.document).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(_with(replaced, content))
        if rabbit:
            shutil.copy(rabbit.ca_file, folder / "ca.pem")
        environment["PULSE_EVENTS_PORT"] = str(port)
        going_on = []
        for command in commands(_with(replaced, block.text)):
            if rabbit and command.text.startswith("rabbitmqctl "):
                rabbit.ctl(*shlex.split(command.text)[1:])
                continue
            terminal = terminals.enter_context(Terminal(command, folder, environment))
            if command.goes_on:
                terminal.until_printed(1)
                going_on.append(terminal)
            else:
                terminal.finish()
        for terminal in going_on:
            terminal.until_printed()


def _with(replaced: Mapping[str, str], text: str) -> str:
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text


@pytest.mark.timeout(90)
@runs("demo")
def test_it_prints_what_it_promises_with_the_demo(block: Block, demo: Server) -> None:
    type_in(block, {ADDRESS: f"127.0.0.1:{demo.port}"})


@pytest.mark.timeout(90)
@runs("alone")
def test_it_prints_what_it_promises_with_nothing_else(block: Block) -> None:
    type_in(block, {})


@pytest.fixture
def users(rabbit: Rabbit) -> Iterator[None]:
    """Remove the users that a block adds."""
    yield
    for row in rabbit.rows("list_users"):
        if row["user"] == "web":
            rabbit.ctl("delete_user", row["user"])


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("users")
@runs("rabbit")
def test_it_prints_what_it_promises_with_rabbitmq(block: Block, rabbit: Rabbit) -> None:
    port = free_port()
    replaced = {
        ADDRESS: f"127.0.0.1:{port}",
        "localhost:5672": f"localhost:{rabbit.port}",
        "localhost:5671": f"localhost:{rabbit.tls_port}",
    }
    type_in(block, replaced, port=port, rabbit=rabbit)


def test_every_console_block_is_run_or_says_why_not() -> None:
    unmarked = [
        str(block)
        for block in CONSOLE
        if not (block.mark == "not run" or block.words in ("demo", "alone", "rabbit"))
    ]
    assert not unmarked


def test_the_documents_hold_commands_of_every_kind() -> None:
    assert {b.words for b in CONSOLE if b.mark == "run"} == {"demo", "alone", "rabbit"}


def test_make_run_is_what_the_documents_say() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "pulse-events serve --broker memory: --demo" in makefile
    assert ADDRESS in makefile


def test_a_command_must_print_its_lines_and_no_others(tmp_path: Path) -> None:
    for text, fits in (("echo a; echo b", True), ("echo a; echo b; echo c", False)):
        with Terminal(Command(text, ("a", "b")), tmp_path, {"PATH": "/usr/bin:/bin"}) as terminal:
            if fits:
                terminal.finish()
            else:
                with pytest.raises(AssertionError, match="must print"):
                    terminal.finish()
