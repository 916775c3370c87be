"""A program that nobody here wrote, run as a client: its lines on stdout, read with a bound."""

import json
import os
import selectors
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Self

from tests.support import reaper


class Program:
    """One process: ``with Program("curl", "-sN", url) as curl: curl.line()``."""

    def __init__(self, name: str, *arguments: str, folder: Path | None = None) -> None:
        path = shutil.which(name)
        assert path is not None, f"{name} is not installed; `make test` installs it on Debian"
        self._process = subprocess.Popen(
            [path, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            cwd=folder,
            start_new_session=True,
        )
        reaper.watch(self._process.pid)
        assert self._process.stdout is not None
        self._output = self._process.stdout.fileno()
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=10)
        reaper.forget(self._process.pid)

    def line(self, within_s: float = 15.0) -> str:
        """Return the next line, without its end.

        Raises:
            TimeoutError: None came in time.
            EOFError: The program has ended.
        """
        deadline = time.monotonic() + within_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError(f"no line within {within_s} s; unread: {self._unread!r}")
                chunk = os.read(self._output, 1 << 16)
                if not chunk:
                    raise EOFError(f"ended; unread: {self._unread!r}")
                self._unread += chunk
        found, _, self._unread = self._unread.partition(b"\n")
        return found.decode()

    def json(self, **wanted: object) -> dict[str, Any]:
        """Return the next line of JSON; with ``wanted``, the next that holds these values."""
        while True:
            found: dict[str, Any] = json.loads(self.line())
            if wanted.items() <= found.items():
                return found

    def send(self, signal: int) -> None:
        """Send the process a signal."""
        self._process.send_signal(signal)

    def exit_code(self, within_s: float = 15.0) -> int:
        """Wait for the end and return the exit code."""
        return self._process.wait(within_s)
