"""The file of ``--resume-file``: where a listener is, so that the next one goes on there.

A cursor is written when all up to it has been printed, so a process that is killed leaves one that
is a little old, never one that is too new: the last lines may come again, none is left out.
"""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from pulse_events.bindings import BindingSet, format_bindings, parse_bindings
from pulse_events.configuration.small_files import read_small_file
from pulse_events.cursors import is_cursor
from pulse_events.errors import InputError, PulseEventsError, SettingsError

WRITE_EVERY_S = 0.2
"""At most so often a cursor is written, unless something is to end."""
_LIMIT_BYTES = 4 << 20
"""More than the longest request has of bindings."""


class CursorFile:
    """``{"url": …, "bindings": […], "cursor": …}`` in a file, for one URL and one set of bindings.

    Args:
        path: Of the file; there is none before the first start.
        url: Of the stream; nothing in it that may be a password.
        bindings: Of the stream.

    Raises:
        SettingsError: It is something else, is for another stream, or could not be replaced.
    """

    def __init__(self, path: Path, url: str, bindings: BindingSet) -> None:
        self._path = path.resolve()  # a link stays one
        self._stream = {"url": url, **json.loads(format_bindings(bindings))}
        self._bindings = bindings
        self.cursor = self._read()
        """What is to be gone on from, ``None`` at a first start."""
        self._written = self.cursor
        self._pause: asyncio.TimerHandle | None = None

    def keep(self, cursor: str) -> None:
        """Have ``cursor`` written, now or `WRITE_EVERY_S` after the last one.

        Raises:
            PulseEventsError: It cannot be written.
        """
        self.cursor = cursor
        if self._pause is None:
            self.save()
            loop = asyncio.get_running_loop()
            self._pause = loop.call_later(WRITE_EVERY_S, self._write_what_came)

    def save(self) -> None:
        """Write what is not yet written.

        Raises:
            PulseEventsError: It cannot be written.
        """
        if self.cursor == self._written:
            return
        beside = self._path.with_name(f"{self._path.name}.new")
        try:
            # No fsync: after a power failure the printed lines may be gone as well.
            beside.write_text(json.dumps(self._stream | {"cursor": self.cursor}) + "\n", "utf-8")
            os.replace(beside, self._path)
        except OSError as error:
            raise PulseEventsError(f"cannot write {self._path}: {error.strerror}") from None
        self._written = self.cursor

    @contextmanager
    def saved_at_the_end(self) -> Iterator[None]:
        """Write at the block's end what is not yet written; at SIGTERM too, before it kills.

        Raises:
            PulseEventsError: It cannot be written.
        """
        # Not the loop's handler: that one would wait for a reader of stdout who takes nothing.
        before = signal.signal(signal.SIGTERM, self._end)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)
            self.save()

    def _end(self, number: int, _frame: FrameType | None) -> None:
        with suppress(PulseEventsError):  # the file is older then, and more lines come again
            self.save()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    def _write_what_came(self) -> None:
        self._pause = None
        if self.cursor is not None and self.cursor != self._written:
            with suppress(PulseEventsError):  # the next event, at the latest a ping, says so
                self.keep(self.cursor)

    def _read(self) -> str | None:
        if not self._path.exists():
            if not os.access(self._path.parent, os.W_OK | os.X_OK):
                raise SettingsError(f"cannot write into the folder {self._path.parent}")
            return None
        if not self._path.is_file():  # /dev/null would be replaced
            raise SettingsError(f"{self._path} is not a file")
        text = read_small_file(self._path, "the resume file", limit_bytes=_LIMIT_BYTES)
        try:
            found = json.loads(text)
            self._check(found)
            return str(found["cursor"])
        except (ValueError, RecursionError, KeyError, TypeError, InputError):
            raise SettingsError(
                f"{self._path} is not as --resume-file wrote it; name another file, or remove "
                "it to begin anew: then what was published meanwhile is missing"
            ) from None

    def _check(self, found: Any) -> None:
        """Raise `SettingsError` if it is another stream's; else what ``found`` makes fail."""
        entries = found["bindings"]
        stored = parse_bindings(json.dumps({"bindings": entries}), limit=len(entries))
        if not is_cursor(found["cursor"]):
            raise ValueError
        if found["url"] != self._stream["url"]:
            raise SettingsError(f"{self._path} is for the URL {found['url']}; name another file")
        if stored != self._bindings:
            raise SettingsError(f"{self._path} is for other bindings; name another file")
