"""Help, man pages and completion: those that are there are what `make pages` would write."""

import os
import pty
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.cli.pages import COMPLETIONS, HELP_FOLDER, ROOT, SHARE, pages
from tests.support.forked_cli import run_forked_cli
from tests.support.server import CONSOLE_SCRIPT, clean_environment

PAGES = pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_is_as_the_commands_are(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path], "make pages"


def test_there_is_no_other_file() -> None:
    there = {path for folder in (HELP_FOLDER, SHARE) for path in folder.rglob("*")}
    assert {path for path in there if path.is_file()} == PAGES.keys()


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["listen", "-h"], ["serve", "--help"]])
def test_help_is_the_same_text_without_and_with_click(arguments: list[str]) -> None:
    done = run_forked_cli(*arguments)
    by_click = run_forked_cli(*arguments, environment={"_PULSE_EVENTS_COMPLETE": ""})
    assert done.stdout
    assert (done.returncode, done.stdout) == (by_click.returncode, by_click.stdout)


def test_a_narrow_terminal_gets_its_own_help() -> None:
    ours, theirs = pty.openpty()
    subprocess.run(["stty", "cols", "60"], stdin=theirs, check=True, timeout=10)
    with subprocess.Popen(
        [CONSOLE_SCRIPT, "listen", "--help"],
        stdin=theirs,
        stdout=theirs,
        env=clean_environment({"TERM": "xterm", "COLUMNS": ""}),  # not that of the tests
    ) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
        assert process.wait(10) == 0
    os.close(ours)
    lines = shown.decode().splitlines()
    assert len(lines) > 20
    assert max(map(len, lines)) <= 60


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the end of a terminal
        return b""


def test_help_that_nobody_takes_is_one_line() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [CONSOLE_SCRIPT, "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=clean_environment(),
            timeout=20,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"pulse-events: cannot write to stdout: No space left on device\n"


def completed(shell: str, typed: str, environment: dict[str, str]) -> list[str]:
    """Return what a shell would offer for the last word that is typed."""
    asked = {"_PULSE_EVENTS_COMPLETE": f"{shell}_complete", "COMP_WORDS": typed, **environment}
    return run_forked_cli(environment=asked).stdout.decode().split()


def test_a_shell_completes_commands_and_options() -> None:
    assert "plain,listen" in completed("bash", "pulse-events l", {"COMP_CWORD": "1"})
    words = "pulse-events listen --fail"
    assert "plain,--fail-on-gap" in completed("bash", words, {"COMP_CWORD": "2"})


def test_a_shell_completes_taskclusters_exchanges() -> None:
    words = "pulse-events explain exchange/taskcluster-queue/v1/task-f"
    found = completed("bash", words, {"COMP_CWORD": "2"})
    assert found == ["plain,exchange/taskcluster-queue/v1/task-failed=#"]


def test_fish_cuts_a_line_only_where_its_kind_ends() -> None:
    script = (SHARE / COMPLETIONS["fish"]).read_text(encoding="utf-8")
    assert re.findall("string split .*", script) == ['string split -m 1 "," $completion);']
    asked = {"_PULSE_EVENTS_COMPLETE": "fish_complete", "COMP_CWORD": "--since"}
    words = {"COMP_WORDS": "pulse-events listen --since"}
    (line,) = run_forked_cli(environment=asked | words).stdout.decode().splitlines()
    assert line.split(",", 1)[1].count(",") > 1  # there is something to cut


def test_the_wheel_holds_them_all(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=25)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    folder = next(name.partition(".data/")[0] for name in names if ".data/" in name)
    shared = {f"{folder}.data/data/{p.relative_to(ROOT)}" for p in PAGES if SHARE in p.parents}
    packaged = {str(p.relative_to(ROOT / "src")) for p in PAGES if HELP_FOLDER in p.parents}
    assert shared | packaged <= set(names)


def test_bash_loads_the_completion_that_is_installed(tmp_path: Path) -> None:
    script = (
        f". {SHARE}/bash-completion/completions/pulse-events; COMP_WORDS=(pulse-events expl); "
        "COMP_CWORD=1; _pulse_events_completion pulse-events; echo ${COMPREPLY[@]}"
    )
    path = os.pathsep.join([str(Path(CONSOLE_SCRIPT).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", script],
        env=clean_environment({"PATH": path}),
        cwd=tmp_path,
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert done.stdout == b"explain\n", done.stderr
