"""The program under test as its users run it: the console script, in a process of its own.

Owns the process, its empty working folder and a clean environment; knows only what the contract
says about the command line and the line on stdout.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.support import reaper
from tests.support.waiting import wait_until

CONSOLE_SCRIPT = str(Path(sys.executable).with_name("pulse-events"))
_LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:(\d+)/)\n")
_START_LIMIT_S = 15.0
_OURS = ("PULSE_", "TASKCLUSTER_", "PORT", "DEBUG", "NODE_ENV", "TRUST_PROXY")


class ServerError(Exception):
    """The server did not start or end as asked; the text holds its stderr."""


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without what the server listens to, plus ``extra``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return kept | dict(extra or {})


def run_cli(
    *arguments: str | bytes,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    within_s: float = 20.0,
) -> subprocess.CompletedProcess[bytes]:
    """Run the console script to its end; nothing is raised for an exit code."""
    with tempfile.TemporaryDirectory(prefix="pulse-events-cli-") as folder:
        return subprocess.run(
            [CONSOLE_SCRIPT, *arguments],
            env=clean_environment(environment),
            cwd=folder,
            input=stdin,
            capture_output=True,
            timeout=within_s,
            check=False,
        )


class Server:
    """``pulse-events serve`` on a free port: ``with Server("--broker", url) as server: …``.

    Args:
        options: Go after ``serve --port 0``.
        environment: Variables on top of a clean environment.
        files: Text files (by name) for the working folder, such as ``user-config.yml``.
        descriptors: How many it may have; as many as this process if ``None``.
        program: What to run instead of the console script.
    """

    def __init__(
        self,
        *options: str,
        environment: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
        descriptors: int | None = None,
        program: Sequence[str] = (CONSOLE_SCRIPT,),
    ) -> None:
        self._limit = [] if descriptors is None else ["prlimit", f"--nofile={descriptors}"]
        self._program = program
        self._options: Sequence[str] = options
        self._environment = clean_environment(environment)
        self._files = dict(files or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path()
        self.url = ""
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The main process's id."""
        return self._started().pid

    @property
    def exit_code(self) -> int | None:
        """The exit code, ``None`` while it runs; negative for a signal."""
        return self._started().poll()

    @property
    def stdout(self) -> str:
        """What was written to stdout so far."""
        return (self.folder / "stdout").read_text()

    @property
    def stderr(self) -> str:
        """What was written to stderr so far."""
        return (self.folder / "stderr").read_text(errors="replace")

    def start(self) -> None:
        """Start it and wait for its line on stdout."""
        self.folder = Path(tempfile.mkdtemp(prefix="pulse-events-server-"))
        reaper.watch(self.folder)
        for name, text in self._files.items():
            (self.folder / name).write_text(text)
        with (self.folder / "stdout").open("wb") as out, (self.folder / "stderr").open("wb") as err:
            self._process = subprocess.Popen(
                [*self._limit, *self._program, "serve", "--port", "0", *self._options],
                env=self._environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        reaper.watch(self._process.pid)
        try:
            wait_until(self._is_listening, "the listening line", within_s=_START_LIMIT_S)
        except BaseException as error:
            text = self.stderr
            self.close()
            raise ServerError(f"{error}\n{text}") from error

    def publish(self, exchange: str, routing_key: str, payload: object, **others: object) -> None:
        """Publish through the embedded broker."""
        message = {"exchange": exchange, "routingKey": routing_key, "payload": payload} | others
        body = json.dumps(message).encode()
        urllib.request.urlopen(f"{self.url}events/v1/publish", data=body, timeout=10).close()

    def stop(self, how: signal.Signals = signal.SIGTERM, *, within_s: float = 12.0) -> int:
        """Send SIGTERM (or ``how``) and return the exit code.

        Raises:
            ServerError: It did not end in time; it is killed then.
        """
        process = self._started()
        if process.poll() is None:
            process.send_signal(how)
        try:
            return process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerError(f"not ended {within_s} s after {how!r}\n{self.stderr}") from None

    def kill(self) -> None:
        """End it, and the processes it started, by SIGKILL."""
        process = self._started()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def close(self) -> None:
        """Leave nothing behind; ``stderr`` is gone after this."""
        if self._process is not None:
            self.kill()
            reaper.forget(self._process.pid)
        shutil.rmtree(self.folder, ignore_errors=True)
        reaper.forget(self.folder)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ServerError("not started")
        return self._process

    def _is_listening(self) -> bool:
        if self.exit_code is not None:
            raise ServerError(f"ended with code {self.exit_code} before it listened")
        match = _LISTENING.match(self.stdout)
        if match:
            self.url, self.port = match[1], int(match[2])
        return match is not None
