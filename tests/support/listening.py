"""``pulse-events listen`` in a process of its own, read line by line."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.server import CONSOLE_SCRIPT, clean_environment


@contextmanager
def listening(
    *arguments: str | Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``listen`` for the block; it has said ``ready`` when the block begins."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            # A test run in the background ignores SIGINT, and so would what it starts.
            ["env", "--default-signal=INT", CONSOLE_SCRIPT, "listen", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(environment),
            cwd=folder,
        )
        with process:
            try:
                assert said(process) == b"ready\n"
                yield process
            finally:
                process.kill()


def line_of(process: subprocess.Popen[bytes]) -> bytes:
    """Return the next line on stdout, empty at the end."""
    assert process.stdout is not None
    return process.stdout.readline()


def said(process: subprocess.Popen[bytes]) -> bytes:
    """Return the next line on stderr, empty at the end."""
    assert process.stderr is not None
    return process.stderr.readline()
