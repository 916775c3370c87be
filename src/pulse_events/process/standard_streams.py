"""Descriptors 0 to 2, and what Python makes of them.  Knows neither commands nor logs.

A process may find any of them closed, its disk full, or nobody at the other end.  What cannot be
written to stdout is an error with a reason; what cannot be written to stderr is let go.
"""

import asyncio
import errno
import fcntl
import io
import os
import select
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pulse_events.errors import PulseEventsError

_STDIN, _STDOUT, _STDERR = 0, 1, 2


class OutputFailed(PulseEventsError):
    """stdout takes no more: its disk is full, or its reader is gone."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(f"cannot write to stdout: {reason.strerror}")
        self.reader_is_gone = reason.errno == errno.EPIPE


def open_closed_descriptors() -> None:
    """Put ``/dev/null`` where 0, 1 or 2 is closed: else the next socket gets its number.

    libuv ends the process when it is to close such a one.
    """
    for descriptor in (_STDIN, _STDOUT, _STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
            os.set_inheritable(descriptor, True)


def prepare_streams() -> None:
    """Make ``sys.stdin``, ``sys.stdout`` and ``sys.stderr`` usable whatever the descriptors are."""
    open_closed_descriptors()
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if sys.stdin is None:
        sys.stdin = open(_STDIN, closefd=False)
    sys.stdout = _text(_Stdout(), encoding)
    sys.stderr = _text(_Stderr(), encoding)


@contextmanager
def while_stdout_is_read() -> Iterator[None]:
    """Break off the task that runs the block once nobody reads stdout, if that is a pipe.

    Without it that would be noticed with the next line, which may be hours away.

    Raises:
        OutputFailed: Nobody reads.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    is_read = True

    def stop() -> None:
        nonlocal is_read
        is_read = False
        loop.remove_reader(_STDOUT)
        assert task is not None
        task.cancel()

    if _is_pipe_to_write_to(_STDOUT):
        loop.add_reader(_STDOUT, stop)  # of such an end only its error is ever told
    try:
        yield
    except asyncio.CancelledError:
        if is_read:
            raise
        raise OutputFailed(OSError(errno.EPIPE, os.strerror(errno.EPIPE))) from None
    finally:
        loop.remove_reader(_STDOUT)


def _is_pipe_to_write_to(descriptor: int) -> bool:
    mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
    return stat.S_ISFIFO(os.fstat(descriptor).st_mode) and mode == os.O_WRONLY


def _text(raw: io.RawIOBase, encoding: str) -> io.TextIOWrapper:
    buffer = io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, encoding, errors="backslashreplace", line_buffering=True)


class _Descriptor(io.RawIOBase):
    """A descriptor that Python did not open and does not close."""

    number: int

    def writable(self) -> bool:
        """Say that it is."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self.number

    def isatty(self) -> bool:
        """Tell whether somebody is looking."""
        return os.isatty(self.number)


class _Stdout(_Descriptor):
    number = _STDOUT
    _failed = False

    def write(self, content: "memoryview[int]") -> int:  # type: ignore[override]
        """Write some of ``content``; once that has failed, say so once and let go the rest.

        Raises:
            OutputFailed: It cannot be written.
        """
        if self._failed:  # Python flushes what is left when it ends
            return len(content)
        try:
            return self._write(content)
        except OSError as error:
            self._failed = True
            raise OutputFailed(error) from None

    def _write(self, content: "memoryview[int]") -> int:
        while True:
            try:
                return os.write(_STDOUT, content)
            except BlockingIOError:  # another process that shares it has made it so
                select.select([], [_STDOUT], [])


class _Stderr(_Descriptor):
    number = _STDERR

    def write(self, content: "memoryview[int]") -> int:  # type: ignore[override]
        """Write what can be written."""
        with suppress(OSError):
            os.write(_STDERR, content)
        return len(content)
