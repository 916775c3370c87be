"""Terminals in which the documents' commands run: real programs, addresses replaced by the test's.

Knows nothing of documents; what a command must print is an argument.
"""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from tests.docs.blocks import Command
from tests.support import reaper
from tests.support.server import CONSOLE_SCRIPT, clean_environment
from tests.support.waiting import wait_until

_WITHIN_S = 20.0


class Terminal:
    """One command that runs; stdout and stderr together, as a person sees them."""

    def __init__(self, command: Command, folder: Path, environment: Mapping[str, str]) -> None:
        self._command = command
        self._screen = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            ["bash", "-c", command.text],
            stdin=subprocess.DEVNULL,
            stdout=self._screen,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        reaper.watch(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End it, and what it has started."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_WITHIN_S)
        reaper.forget(self._process.pid)
        self._screen.close()

    @property
    def screen(self) -> str:
        """What it has printed so far; HTTP's line ends as others."""
        printed = os.pread(self._screen.fileno(), 1 << 24, 0).decode(errors="replace")
        return printed.replace("\r\n", "\n")

    def kill(self) -> None:
        """End it by SIGKILL, and what it has started."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_WITHIN_S)

    def end(self, program: str) -> None:
        """Send SIGTERM to ``program`` alone, which it has started; wait for the whole to end."""
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                is_ours = os.getsid(int(process.name)) == self._process.pid
                if is_ours and program in (process / "cmdline").read_text(errors="replace"):
                    os.kill(int(process.name), signal.SIGTERM)
        self._process.wait(_WITHIN_S)

    def finish(self) -> None:
        """Wait for the end of a command that ends, and compare all that it printed."""
        assert self._process.wait(_WITHIN_S) == 0, self.screen
        assert self._command.expected().fullmatch(self.screen), self._difference()

    def until_printed(self, count: int | None = None) -> None:
        """Wait until the first ``count`` lines, or all, of what it must print are there."""
        expected = self._command.expected(count)
        try:
            wait_until(lambda: expected.match(self.screen), "the output", within_s=_WITHIN_S)
        except TimeoutError:
            raise AssertionError(self._difference()) from None

    def _difference(self) -> str:
        printed = "\n".join(self._command.printed)
        return f"{self._command.text}\nmust print\n{printed}\nbut printed\n{self.screen[:5000]}"


@contextlib.contextmanager
def working_folder() -> Iterator[tuple[Path, dict[str, str]]]:
    """Make an empty folder to work in, and an environment whose first program is the one here."""
    with tempfile.TemporaryDirectory(prefix="pulse-events-docs-") as name:
        folder = Path(name)
        # A person's curl shows its progress on the screen only if its output goes elsewhere.
        (folder / ".curlrc").write_text("silent\nshow-error\n")
        path = os.pathsep.join([str(Path(CONSOLE_SCRIPT).parent), os.environ["PATH"]])
        yield folder, clean_environment({"PATH": path, "CURL_HOME": name, "HOME": name})
