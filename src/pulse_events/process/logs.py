"""Where log lines go and what they look like.  Called once, at the start of a process.

A log that cannot be written never stops its process: lines that stderr does not take are lost, and
once it takes some again one of them says how many.
"""

import logging
import os
import queue
import select
import stat
import sys
import threading

from dockerflow.logging import JsonLogFormatter

LINES_LIMIT = 10_000
"""Lines that may wait for a reader of stderr."""
FLUSH_WITHIN_S = 1.0
"""How long the end of the process waits for that reader."""


def configure_logging(level: str, form: str) -> None:
    """Log to stderr, from ``level`` on, as ``text`` or as ``json`` (mozlog, Dockerflow)."""
    handler = _Writer(sys.stderr.fileno())
    handler.setFormatter(
        JsonLogFormatter(logger_name="pulse-events")
        if form == "json"
        else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # pika reports what we report again, in more words; it matters when it is being debugged.
    logging.getLogger("pika").setLevel("DEBUG" if level == "debug" else "CRITICAL")


class _Writer(logging.Handler):
    """Writes lines to a descriptor, to all but a file in a thread of its own.

    A pipe, a socket or a terminal takes nothing while its reader does not read: a loop that wrote
    to it would stand still for as long.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._left_out = self._failed = self._told = 0  # lines; each is counted by one thread only
        self._lines: queue.Queue[str] | None = None
        if _may_keep_waiting(descriptor):
            self._lines = queue.Queue(LINES_LIMIT)
            threading.Thread(target=self._write, args=(self._lines,), daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, or put it in line."""
        try:
            line = self.format(record)
            if self._lines is not None:
                self._lines.put_nowait(line)
            else:
                self._put(line)
                self._tell_lost()
        except queue.Full:
            self._left_out += 1
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Wait until all is written, for a bounded time."""
        if (lines := self._lines) is not None:
            with lines.all_tasks_done:
                lines.all_tasks_done.wait_for(lambda: not lines.unfinished_tasks, FLUSH_WITHIN_S)

    def _write(self, lines: queue.Queue[str]) -> None:
        while True:
            self._put(lines.get())
            if lines.empty():
                self._tell_lost()
            lines.task_done()

    def _put(self, line: str) -> None:
        if not self._takes(line):
            self._failed += 1

    def _tell_lost(self) -> None:
        """Write how many lines are lost, if that many are not told yet."""
        lost = self._left_out + self._failed - self._told
        if lost and self._takes(self._about(lost)):
            self._told += lost

    def _about(self, lost: int) -> str:
        record = {
            "name": __name__,
            "levelno": logging.ERROR,
            "levelname": logging.getLevelName(logging.ERROR),
            "msg": "lines of the log that stderr did not take are lost: %d",
            "args": (lost,),
        }
        return self.format(logging.makeLogRecord(record))

    def _takes(self, line: str) -> bool:
        """Write a line; return whether stderr has taken it."""
        content = f"{line}\n".encode(errors="backslashreplace")
        while content:
            try:
                content = content[os.write(self._descriptor, content) :]
            except BlockingIOError:  # another process that shares it has made it so
                select.select([], [self._descriptor], [])
            except OSError:
                return False
        return True


def _may_keep_waiting(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)
