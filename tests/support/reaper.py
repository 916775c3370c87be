"""Ends the processes that the tests started, even if the test run itself is killed.

Owns one small child process that holds the read end of a pipe.  When this process ends, however it
ends, the pipe closes, and the child kills the process groups still on its list and removes the
folders on it.  Knows nothing of brokers or servers.
"""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

_child: subprocess.Popen[bytes] | None = None


def watch(target: int | Path) -> None:
    """Have ``target`` ended with the test run: a process group's id, or a folder."""
    _tell("+", target)


def forget(target: int | Path) -> None:
    """Take ``target`` off the list; it is gone, and its id may soon be somebody else's."""
    _tell("-", target)


def _tell(sign: str, target: int | Path) -> None:
    global _child
    if _child is None or _child.poll() is not None:
        # A session of its own: Ctrl-C at the terminal must not end the reaper first.
        _child = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, start_new_session=True
        )
        atexit.register(_child.communicate)  # ends it: the pipe is closed
    assert _child.stdin is not None
    _child.stdin.write(f"{sign}{target}\n".encode())
    _child.stdin.flush()


def _still_watched(lines: Iterable[str]) -> list[str]:
    watched: dict[str, None] = {}
    for line in lines:
        target = line[1:].rstrip("\n")
        if line.startswith("+"):
            watched[target] = None
        else:
            watched.pop(target, None)
    return list(watched)


def _reap(targets: list[str]) -> None:
    for target in targets:
        if target.isdigit():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(target), signal.SIGKILL)
    for target in targets:
        if not target.isdigit():
            shutil.rmtree(target, ignore_errors=True)


if __name__ == "__main__":
    _reap(_still_watched(sys.stdin))
