"""What ``listen`` does while it runs: from what came to what is printed, or run."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import click

from pulse_events import Gap, Message, Ready, listen
from pulse_events.bindings import Binding
from pulse_events.cli.exit_codes import EXIT_GAP, EXIT_TIME_LIMIT
from pulse_events.cli.fields import Condition, Template
from pulse_events.cli.output import (
    Commands,
    Laid,
    Lines,
    Output,
    Render,
    Selection,
    by_template,
    event_line,
    fields_of,
    payload,
    whole,
)
from pulse_events.cli.task_bindings import without_refused
from pulse_events.cli.voice import Voice
from pulse_events.client.items import Item
from pulse_events.errors import BindingRefused, InputError, PulseEventsError, StreamEnded
from pulse_events.process.standard_streams import OutputFailed, while_stdout_is_read
from pulse_events.times import iso_time

if TYPE_CHECKING:
    from datetime import datetime

    from pulse_events.cli.cursor_file import CursorFile
    from pulse_events.cli.execution import Execution


# httpx has a command of its own, and loads it with rich if it can: 60 ms for nothing.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None is: do not import it

_NO_HISTORY = "keeps no history"
"""In what servers, and our own client, say of that."""
STUCK_AFTER_S = 4.0
"""More than ending a command and closing the connection take."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a user wants of the messages; named as the options are."""

    voice: Voice
    conditions: list[Condition]
    template: Template | None
    payload: bool
    events: bool
    command: str | None
    count: int | None
    timeout_s: float | None
    need_history: list[str]
    """The options that do, as they are typed."""
    fail_on_gap: bool
    optional: tuple[Binding, ...]
    """Bindings that the server may refuse: nobody named their exchanges."""

    @property
    def paths(self) -> list[str]:
        """The fields that are to be shown."""
        return self.template.paths if self.template else []

    @property
    def render(self) -> Render:
        """What makes a message's text."""
        if self.template:
            return by_template(self.template)
        return payload if self.payload else whole


class ListenRun:
    """One run of ``listen``.

    Args:
        wishes: What is wanted.
        file: Where it notes how far it has come, if anywhere.
    """

    def __init__(self, wishes: Wishes, file: "CursorFile | None") -> None:
        self._wishes = wishes
        self._voice = wishes.voice
        self._file = file
        self._selection = Selection(wishes.conditions, wishes.paths, wishes.voice)
        self._needs_fields = bool(wishes.conditions or wishes.template)
        self._execution = _execution(wishes)
        self._output = _output(wishes, self._execution)
        self._render = wishes.render
        self._left = wishes.count
        self._resumes = bool(wishes.need_history)
        self._was_ready = False

    async def run(self, arguments: dict[str, Any]) -> None:
        """Listen until there is a reason to end.

        Args:
            arguments: Of `pulse_events.listen`.

        Raises:
            Exit: With the code of the reason, unless it is 0.
        """
        async with AsyncExitStack() as stack:
            stack.enter_context(while_stdout_is_read())
            if self._file:
                stack.enter_context(self._file.saved_at_the_end())
            if self._execution:
                stack.enter_context(self._execution.ended_with_us())
            await stack.enter_async_context(within(self._wishes.timeout_s))
            await self._listen(arguments)

    async def _listen(self, arguments: dict[str, Any]) -> None:
        try:
            await self._follow(arguments)
        except OutputFailed:
            raise
        except PulseEventsError as error:
            meant = _in_options(error, self._wishes.need_history)
            self._print_event("error", message=str(meant))
            raise meant from None

    async def _follow(self, arguments: dict[str, Any]) -> None:
        """Take what comes until it is enough, if need be without exchanges that nobody named."""
        bindings = arguments["bindings"]
        while True:
            try:
                await self._take_all({**arguments, "bindings": bindings})
                return
            except (BindingRefused, StreamEnded) as refusal:
                if self._was_ready or not self._wishes.optional:
                    raise
                bindings = without_refused(bindings, self._wishes.optional, refusal)
                self._voice.say(f"{refusal}; going on without it")

    async def _take_all(self, arguments: dict[str, Any]) -> None:
        async with listen(**arguments, events=True, on_retry=self._say_retry) as items:
            async for item in items:
                await self._take(item)
                if self._left == 0:
                    return

    async def _take(self, item: Item) -> None:
        if isinstance(item, Message):
            await self._message(item)
        elif isinstance(item, Ready):
            self._was_ready = True
            self._voice.say("ready")
            self._print_event("ready", cursor=item.cursor)
        elif isinstance(item, Gap):
            self._voice.say(str(item))
            self._print_event("gap", **_gap_members(item))
        else:
            self._voice.detail(f"ping, at {item.cursor or 'no place'}")
        self._note(item)

    async def _message(self, message: Message) -> None:
        fields = fields_of(message) if self._needs_fields else None
        if not self._selection.picks(fields):
            return
        await self._output.message(message, self._render(message, fields))
        if self._left is not None:
            self._left -= 1

    def _note(self, item: Item) -> None:
        self._resumes = item.cursor is not None or bool(self._wishes.need_history)
        if self._file and item.cursor is not None:
            self._file.keep(item.cursor)
        if isinstance(item, Gap):
            if self._file:
                self._file.save()
            if self._wishes.fail_on_gap:
                raise click.exceptions.Exit(EXIT_GAP)

    def _say_retry(self, reason: str, wait_s: float) -> None:
        """Say why the stream ended, and what that means."""
        meaning = "" if self._resumes else "messages may be missing; "
        self._voice.say(f"{reason}; {meaning}again in {wait_s:.1f} s")
        self._print_event("error", message=reason, retryInS=round(wait_s, 1))

    def _print_event(self, name: str, **members: Any) -> None:
        if self._wishes.events:
            self._output.event(event_line(name, **members))


def lack_of_history(error: PulseEventsError) -> str:
    """Return what an error says of a server without a history, empty if it is about other things.

    The server's advice is left away: it is about parameters of its URL.
    """
    said = str(error)
    return said.partition(";")[0] if isinstance(error, InputError) and _NO_HISTORY in said else ""


def _in_options(error: PulseEventsError, need_history: list[str]) -> PulseEventsError:
    """Return the error for who knows the options, not what is made of them for the server."""
    lack = lack_of_history(error)
    if not lack:
        return error
    # With no such option it asked for the history since the server had said that it keeps one.
    advice = f"leave out {' and '.join(need_history)}" if need_history else "give --no-resume"
    return InputError(f"{lack}; {advice}")


@asynccontextmanager
async def within(limit_s: float | None) -> AsyncIterator[None]:
    """Break off the block when the time is over; a limit of ``None`` is none.

    Raises:
        Exit: With the code of a time limit.
    """
    limit = asyncio.timeout(limit_s)
    try:
        with _ended_though_stuck(limit_s):
            async with limit:
                yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise click.exceptions.Exit(EXIT_TIME_LIMIT) from None


@contextmanager
def _ended_though_stuck(limit_s: float | None) -> Iterator[None]:
    """End the process a little later if it hangs in a write to stdout, which nobody reads."""

    def end(_number: int, _frame: object) -> NoReturn:
        os._exit(EXIT_TIME_LIMIT)  # what is left to write would be waited for otherwise

    if limit_s is None:
        yield
        return
    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, limit_s + STUCK_AFTER_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _gap_members(gap: Gap) -> dict[str, Any]:
    return {
        "reason": gap.reason,
        "from": gap.start and _iso(gap.start),
        "to": _iso(gap.end),
        "cursor": gap.cursor,
    }


def _iso(moment: "datetime") -> str:
    return iso_time(round(moment.timestamp() * 1000))


def _execution(wishes: Wishes) -> "Execution | None":
    if wishes.command is None:
        return None
    from pulse_events.cli.execution import Execution

    return Execution(wishes.command, wishes.voice)


def _output(wishes: Wishes, execution: "Execution | None") -> Output:
    if execution:
        return Commands(execution)
    if not sys.stdout.isatty():
        return Lines()
    from pulse_events.cli.screen import Screen

    return Laid(Screen(), is_json=wishes.template is None)
