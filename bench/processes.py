"""Child processes that are told things by line and answer by line, and what they use of a CPU.

Every child is in a process group of its own, has its stderr in a file, and is ended with the run,
whatever ends the run.  Knows nothing of what the children do.
"""

import contextlib
import os
import re
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.support import reaper

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "bench" / "build"

CPUS = os.cpu_count() or 1
CPUS_FOR_TWO = 4
"""From here on two CPUs are the servers': a second worker has one for itself."""
SERVER_CPUS = (0, 1) if CPUS >= CPUS_FOR_TWO else (0,)
OTHER_CPUS = tuple(range(len(SERVER_CPUS), CPUS)) or SERVER_CPUS
"""A server has a CPU for itself; broker, publisher and clients share the others, so that its
figures do not depend on which of them the scheduler puts beside it."""

ANSWER_WITHIN_S = 60.0
_END_WITHIN_S = 15.0


class ChildError(Exception):
    """A child ended, or did not answer in time; the text holds its stderr."""


def keep_to_other_cpus() -> None:
    """Leave the server's CPU alone: this process, and the children it starts from now on."""
    os.sched_setaffinity(0, OTHER_CPUS)


class Child:
    """A process with lines in and out: ``with Child([...]) as child: …``.

    Args:
        command: Program and arguments.
        cpus: Where it may run; as this process if empty.
        environment: Its variables; this process's if ``None``.
        folder: Working folder.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cpus: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        folder: Path = ROOT,
    ) -> None:
        self.command = " ".join(command)
        self._stderr = tempfile.TemporaryFile()
        pinned = ["taskset", "--cpu-list", ",".join(map(str, cpus))] if cpus else []
        self._process = subprocess.Popen(
            [*pinned, *command],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,
        )
        reaper.watch(self.pid)
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process id (``taskset`` replaces itself by the program)."""
        return self._process.pid

    @property
    def stderr(self) -> str:
        """What it wrote to stderr so far."""
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace")

    def tell(self, line: str) -> None:
        """Send one line."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ChildError(f"{self.command} has ended\n{self.stderr}") from None

    def read_line(self, within_s: float = ANSWER_WITHIN_S) -> str:
        """Wait for one line.

        Raises:
            ChildError: None came in time, or the process ended.
        """
        assert self._process.stdout is not None
        deadline_s = time.monotonic() + within_s
        while b"\n" not in self._unread:
            left_s = max(0.0, deadline_s - time.monotonic())
            if not select.select([self._process.stdout], [], [], left_s)[0]:
                raise ChildError(f"{self.command}: no line in {within_s} s\n{self.stderr}")
            piece = os.read(self._process.stdout.fileno(), 65536)
            if not piece:
                raise ChildError(f"{self.command} has ended\n{self.stderr}")
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    def find_port(self, within_s: float = 20.0) -> int:
        """Wait for the line that says where it listens, and return the port."""
        while True:
            found = re.match(r"listening on http://127\.0\.0\.1:(\d+)/", self.read_line(within_s))
            if found:
                return int(found[1])

    def close(self) -> None:
        """End it: by the end of its stdin and SIGTERM, by SIGKILL if need be."""
        with contextlib.suppress(BrokenPipeError):
            if self._process.stdin:
                self._process.stdin.close()
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_WITHIN_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(_END_WITHIN_S)
        reaper.forget(self.pid)
        self._stderr.close()
        if self._process.stdout:
            self._process.stdout.close()


def descendants(pid: int) -> list[int]:
    """Return the process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += descendants(int(child))
    return found


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Have a process do nothing in the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def uninterrupted(*pids: int) -> Iterator[bool]:
    """Let processes and their children have their CPUs as soon as they want them, in the block.

    What waits for a CPU that something else of the machine has is not the server's latency.  A
    machine's own agent that takes 4 ms of it now and then decides alone what p99 is of few hundred
    messages.  Not for what is busy all the time: the kernel stops that now and then.

    Yields:
        Whether this user may say so; if not, nothing is changed.
    """
    every = {pid for first in pids for pid in descendants(first)}
    is_permitted = True
    try:
        _schedule(every, os.SCHED_FIFO, 1)
    except PermissionError:
        is_permitted = False
    try:
        yield is_permitted
    finally:
        if is_permitted:
            _schedule(every, os.SCHED_OTHER, 0)


def _schedule(pids: Iterable[int], policy: int, priority: int) -> None:
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setscheduler(int(task.name), policy, os.sched_param(priority))


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process in seconds, all threads, user and system.

    From ``schedstat``, which counts nanoseconds; ``stat`` counts ticks of 10 ms.
    """
    total_ns = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total_ns += int((task / "schedstat").read_text().split()[0])
    return total_ns * 1e-9


def idle_cpu_s(cpus: Sequence[int]) -> float:
    """Return for how long the CPUs had nothing to do, since the machine's start."""
    wanted = {f"cpu{number}" for number in cpus}
    ticks = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *numbers = line.split()
        if name in wanted:
            ticks += int(numbers[3])
    return ticks / os.sysconf("SC_CLK_TCK")


def rss_kb(pid: int) -> int:
    """Return the resident memory of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"^VmRSS:\s+(\d+)", text, re.MULTILINE)[0])
