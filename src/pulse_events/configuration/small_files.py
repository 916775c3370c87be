"""Reading files that a setting names: whole, but only small ones, and never for ever."""

import os
import select
import time
from pathlib import Path

from pulse_events.errors import SettingsError

READ_WITHIN_S = 10.0
"""How long a pipe, a terminal or a device may take; a file takes none."""
_CHUNK_BYTES = 64 << 10


def read_small_file(
    path: Path, what: str, *, limit_bytes: int, within_s: float = READ_WITHIN_S
) -> str:
    """Return the text of a file, in UTF-8 with or without a byte order mark.

    A pipe is as good as a file: ``<(…)`` of a shell is one.

    Args:
        path: Of the file.
        what: It is, for the error: "the config file".
        limit_bytes: A longer one is refused.
        within_s: See `READ_WITHIN_S`.

    Raises:
        SettingsError: It cannot be read, is too long, takes too long, or is not UTF-8.
    """
    try:
        content = _read(path, limit_bytes, time.monotonic() + within_s)
        return content.decode("utf-8-sig")
    except TimeoutError:
        reason = f"its end did not come within {within_s:.0f} s"
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        reason = getattr(error, "strerror", None) or str(error)
    raise SettingsError(f"cannot read {what} {path}: {reason}")


def _read(path: Path, limit_bytes: int, deadline_s: float) -> bytes:
    # Without O_NONBLOCK the opening of a pipe that nobody writes to would not return.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        content = b""
        while chunk := _next_chunk(descriptor, deadline_s):
            content += chunk
            if len(content) > limit_bytes:
                raise ValueError(f"it is longer than {limit_bytes} bytes")
        return content
    finally:
        os.close(descriptor)


def _next_chunk(descriptor: int, deadline_s: float) -> bytes:
    """Return some bytes, none at the end.

    Raises:
        TimeoutError: None came in time.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while True:
        left_s = deadline_s - time.monotonic()
        if left_s < 0 or not poll.poll(1000 * left_s):
            raise TimeoutError
        try:
            return os.read(descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            continue
