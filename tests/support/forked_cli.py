"""The program without its start: a fork of a process that has imported it, in a world of its own.

All that the program does is real (descriptors, title, signals, exit code); only the interpreter
and the imports are there already, which take most of the time of a command that fails at once.
What depends on the start itself, as the locale does, needs `tests.support.server.run_cli`.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.support.nobody import LATE
from tests.support.server import clean_environment

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["pulse_events.cli.program", "tests.support.forked_cli", *LATE])


def run_forked_cli(
    *arguments: str | bytes,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    within_s: float = 20.0,
) -> subprocess.CompletedProcess[bytes]:
    """Run the program to its end, in an empty folder; nothing is raised for an exit code.

    Raises:
        TimeoutExpired: It did not end in time; it is killed then.
    """
    words = ["pulse-events", *map(os.fsdecode, arguments)]
    with tempfile.TemporaryDirectory(prefix="pulse-events-cli-") as place:
        folder = Path(place)
        (folder / "cwd").mkdir()
        (folder / "stdin").write_bytes(stdin)
        process = _forks.Process(target=_run, args=(words, clean_environment(environment), folder))
        process.start()
        process.join(within_s)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(words, within_s)
        out, err = ((folder / name).read_bytes() for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess(words, process.exitcode, out, err)


def _run(words: list[str], environment: dict[str, str], folder: Path) -> None:
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        flags = os.O_RDONLY if name == "stdin" else os.O_WRONLY | os.O_CREAT
        opened = os.open(folder / name, flags)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(folder / "cwd")
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = words
    sys.stdin = open(0, closefd=False)  # multiprocessing has put another in its place
    from pulse_events.cli import main

    main()
