"""A worker's process as its supervisor has it: started, watched, ended.  Knows not what it says."""

import asyncio
import logging
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

log = logging.getLogger(__name__)

STOP_WITHIN_S = 9.0
PROGRAM = """\
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
from pulse_events.process.worker import work
work()
"""


Spawn = Callable[[int], "subprocess.Popen[bytes]"]
"""Starts a worker's process, which talks through the descriptor that it is given."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a worker may be silent."""

    ask_every_s: float = 5.0
    questions: int = 6
    """How many it may leave unanswered, one after the other."""
    questions_at_start: int = 24
    """How many until its first word: a busy machine takes long to load a program."""


class WorkerProcess:
    """One process.

    Not by asyncio: its loops give a new process no signal that is blocked, so that the SIGINT of a
    terminal, which all of a group get, would interrupt it in the midst of its start.
    """

    @classmethod
    def start(cls, spawn: Spawn) -> tuple[Self, socket.socket]:
        """Start a worker; return it, and our end of the channel that it talks through.

        Raises:
            OSError: There are too few descriptors, processes or the like.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                return cls(spawn(theirs.fileno())), ours
            except (OSError, RuntimeError) as error:  # RuntimeError: there is no thread to be had
                ours.close()  # which ends the process, if there is one
                raise OSError(str(error)) from None

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._process = process
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        code = self._process.wait()
        with suppress(RuntimeError):  # the loop is closed, so nobody waits
            self._loop.call_soon_threadsafe(self._ended.set_result, code)

    async def terminate(self) -> None:
        """End it in order."""
        self._process.terminate()
        await self.until_ended()

    async def until_ended(self) -> int:
        """Wait for the end, and force it after a while; return the exit code."""
        await asyncio.wait((self._ended,), timeout=STOP_WITHIN_S)
        if not self._ended.done():
            self._process.kill()
        return await asyncio.shield(self._ended)

    async def watch(
        self, ask: Callable[[], object], lines_heard: Callable[[], int], patience: Patience
    ) -> None:
        """Ask the worker now and then, and kill it once it has said nothing to several questions.

        Questions are counted, not seconds: a supervisor that stood still has not listened.
        """
        silent, limit, heard = 0, patience.questions_at_start, lines_heard()
        while silent < limit:
            ask()
            await asyncio.sleep(patience.ask_every_s)
            silent += 1
            if lines_heard() != heard:
                silent, limit, heard = 0, patience.questions, lines_heard()
        silence_s = silent * patience.ask_every_s
        log.error("worker %d has said nothing for %.1f s; killing it", self._process.pid, silence_s)
        self._process.kill()


def spawn_worker(descriptor: int, program: str = PROGRAM) -> "subprocess.Popen[bytes]":
    """Start a worker's process; see `Spawn`."""
    # -P: no module of the working folder goes before those of the program.
    command = [sys.executable, "-P", "-c", program, str(descriptor)]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        return subprocess.Popen(command, pass_fds=[descriptor])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
