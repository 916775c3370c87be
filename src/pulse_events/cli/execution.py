"""``--exec``: a command of the user's for each message, one at a time."""

import asyncio
import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from types import FrameType
from typing import TYPE_CHECKING

from pulse_events.catalogue import known_exchange
from pulse_events.cli.voice import Voice
from pulse_events.topics.patterns import split_words

if TYPE_CHECKING:
    from pulse_events import Message

END_WITHIN_S = 2.0
"""How long a command that is to end may take, before it is killed."""
_VALUE_LIMIT_BYTES = 64 << 10
"""Linux takes 128 KiB for a variable; a key of ``CC`` may be nearly as long."""
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Execution:
    """Runs a shell command for each message; the next message waits until it has ended.

    It gets a session of its own, so that it can be ended with all that it started.

    Args:
        command: For ``sh -c``; nothing of a message is put into it.
        voice: Says which codes other than 0 it ended with.
    """

    def __init__(self, command: str, voice: Voice) -> None:
        self._command = command
        self._voice = voice
        self._running: asyncio.subprocess.Process | None = None

    async def run(self, message: "Message", text: str) -> None:
        """Run it to its end, with ``text`` and a line's end on its stdin."""
        # A file, not a pipe: a command that does not read it, or ends too soon, is none the worse.
        with TemporaryFile() as stdin:
            stdin.write(f"{text}\n".encode(errors="replace"))
            stdin.seek(0)
            self._running = process = await asyncio.create_subprocess_shell(
                self._command,
                stdin=stdin,
                env=os.environb | _variables(message),
                start_new_session=True,
            )
        try:
            await process.wait()
        finally:
            await self._end(process)
        if process.returncode:
            self._voice.say(f"--exec: {_ending(process.returncode)}: {self._command}")

    @contextmanager
    def ended_with_us(self) -> Iterator[None]:
        """Have SIGTERM end a command that runs, too, before it does what it does otherwise."""

        def end(number: int, _frame: FrameType | None) -> None:
            if self._running is not None:
                _signal_all(self._running, number)
            signal.signal(number, before)
            signal.raise_signal(number)

        before = signal.signal(signal.SIGTERM, end)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """End what still runs, because the time is over or somebody pressed Ctrl-C."""
        if process.returncode is None:
            _signal_all(process, signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(END_WITHIN_S):
                    await process.wait()
        if process.returncode is None:
            _signal_all(process, signal.SIGKILL)
            await process.wait()
        self._running = None


def _signal_all(process: asyncio.subprocess.Process, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _ending(code: int) -> str:
    return f"ended with code {code}" if code > 0 else f"ended by {signal.Signals(-code).name}"


def _variables(message: "Message") -> dict[bytes, bytes]:
    """Return the message's fields as variables: the named words of its key, too."""
    fields = {
        "exchange": message.exchange,
        "routingKey": message.routing_key,
        "redelivered": "true" if message.redelivered else "false",
        "cursor": message.cursor or "",
    }
    named = key_fields(message.exchange, message.routing_key)
    return {_variable(name): _value(text) for name, text in {**named, **fields}.items()}


def _variable(name: str) -> bytes:
    return f"MESSAGE_{_HUMP.sub('_', name).upper()}".encode()


def _value(text: str) -> bytes:
    # No variable can hold a NUL, and no UTF-8 a lone surrogate.
    return text.replace("\0", "\ufffd").encode(errors="replace")[:_VALUE_LIMIT_BYTES]


def key_fields(exchange: str, routing_key: str) -> Mapping[str, str]:
    """Return the words of a routing key of Taskcluster's by their names, none of other keys."""
    known = known_exchange(exchange)
    if known is None:
        return {}
    fields = {}
    for named, word in zip(known.words, split_words(routing_key), strict=False):
        if named.many:
            break
        fields[named.name] = word
    return fields
