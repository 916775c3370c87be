"""The console script with its descriptors as a shell can leave them: closed, full, unread."""

import fcntl
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support import reaper
from tests.support.server import CONSOLE_SCRIPT, clean_environment


def run_bare(
    redirections: str,
    *arguments: str | bytes,
    environment: Mapping[str, str] | None = None,
    within_s: float = 20.0,
) -> subprocess.CompletedProcess[bytes]:
    """Run the console script to its end with a shell's redirections: ``"<&- 2>/dev/full"``."""
    with tempfile.TemporaryDirectory(prefix="pulse-events-bare-") as folder:
        return subprocess.run(
            ["sh", "-c", f'exec "$0" "$@" {redirections}', CONSOLE_SCRIPT, *arguments],
            env=clean_environment(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=within_s,
            check=False,
        )


@contextmanager
def running_bare(
    redirections: str,
    *arguments: str,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the console script for the block, with a shell's redirections on top of descriptors."""
    with tempfile.TemporaryDirectory(prefix="pulse-events-bare-") as folder:
        process = subprocess.Popen(
            ["sh", "-c", f'exec "$0" "$@" {redirections}', CONSOLE_SCRIPT, *arguments],
            env=clean_environment(),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        reaper.watch(process.pid)
        with process:
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        reaper.forget(process.pid)


def descriptor_of(pid: int, number: int) -> str:
    """Return what a descriptor of a process is; empty if it is closed."""
    path = Path(f"/proc/{pid}/fd/{number}")
    return os.readlink(path) if path.is_symlink() else ""


def children(pid: int) -> list[int]:
    """Return the ids of the processes that a process has started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def pipe(capacity_bytes: int = 4096) -> tuple[int, int]:
    """Return both ends of a pipe that holds little."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, capacity_bytes)
    return reader, writer
