"""What ``wait`` does while it runs: follows a task or group, and says what it cannot know."""

from collections.abc import Mapping
from typing import Any

from pulse_events import Gap, Message, Ready, listen
from pulse_events.cli.exit_codes import EXIT_DONE, EXIT_EXCEPTION, EXIT_FAILED
from pulse_events.cli.listener import lack_of_history, within
from pulse_events.cli.outcome import Outcome, Watch
from pulse_events.cli.task_bindings import without_refused
from pulse_events.cli.voice import Voice
from pulse_events.client.items import Item
from pulse_events.errors import BindingRefused, InputError, StreamEnded

_CODES = {
    Outcome.COMPLETED: EXIT_DONE,
    Outcome.FAILED: EXIT_FAILED,
    Outcome.EXCEPTION: EXIT_EXCEPTION,
}


class WaitRun:
    """One run of ``wait``.

    Args:
        watch: What is known of what it waits for.
        voice: Says what is not.
        since: How far to look back, where the server keeps a history.
    """

    def __init__(self, watch: Watch, voice: Voice, since: str) -> None:
        self._watch = watch
        self._voice = voice
        self._since = since
        self._was_ready = False
        self._is_live = False
        """Whether what happened before is known as far as it can be."""
        self._unknown = ""
        """What is not known, unless something newer is."""
        self._cursor: str | None = None
        self._is_within_gap = False
        """Whether messages may be of the time of which some are missing: newer ones may be."""

    async def run(self, arguments: Mapping[str, Any], limit_s: float | None) -> int:
        """Wait; return the exit code.

        Args:
            arguments: Of `pulse_events.listen`.
            limit_s: For all of it.
        """
        async with within(limit_s):
            await self._look_back_and_wait(arguments)
        outcome = self._watch.outcome
        assert outcome is not None
        self._voice.say(self._watch.summary())
        return _CODES[outcome]

    async def _look_back_and_wait(self, arguments: Mapping[str, Any]) -> None:
        try:
            await self._follow({**arguments, "since": self._since})
        except InputError as refusal:
            lack = lack_of_history(refusal)
            if not lack:
                raise
            if self._was_ready:
                raise InputError(lack) from None
            self._unknown = f"what happened until now is not known here: {lack}"
            self._go_live()
            await self._follow(arguments)

    async def _follow(self, arguments: Mapping[str, Any]) -> None:
        """Return when it is resolved; go on without exchanges that the server refuses."""
        bindings = arguments["bindings"]
        while True:
            try:
                await self._take_all({**arguments, "bindings": bindings})
                return
            except (BindingRefused, StreamEnded) as refusal:
                if self._was_ready:
                    raise
                bindings = without_refused(bindings, bindings, refusal)
                self._voice.say(f"{refusal}; what is published there is not seen")

    async def _take_all(self, arguments: Mapping[str, Any]) -> None:
        async with listen(**arguments, events=True, on_retry=self._say_retry) as items:
            async for item in items:
                self._take(item)
                if self._is_live and self._watch.is_resolved:
                    return

    def _take(self, item: Item) -> None:
        if isinstance(item, Message):
            self._message(item)
        elif isinstance(item, Ready):
            self._was_ready = True
            self._voice.detail("ready")
        elif isinstance(item, Gap):
            self._gap(item)
        elif self._was_ready:
            self._is_within_gap = False
            if not self._is_live:
                self._go_live()  # a ping, which the server sends when it has sent all that it held
        self._cursor = item.cursor

    def _message(self, message: Message) -> None:
        if self._watch.take(message):
            if not self._is_within_gap:
                self._unknown = ""
            self._voice.detail(f"{self._watch.last_event}, {message.routing_key}")

    def _gap(self, gap: Gap) -> None:
        self._watch.miss(gap.end)
        self._unknown = str(gap)
        # With the id of what came before it, it is of bindings, others of which had some held.
        self._is_within_gap = gap.cursor is not None and gap.cursor == self._cursor
        if self._is_live:
            self._say_state()

    def _go_live(self) -> None:
        self._is_live = True
        if not self._watch.is_resolved:
            self._say_state()

    def _say_state(self) -> None:
        if self._watch.last_event:
            self._voice.say(f"last known of it here: {self._watch.last_event}; waiting")
        if self._unknown:
            self._voice.say(f"{self._unknown}; if it was resolved then, this waits in vain")

    def _say_retry(self, reason: str, wait_s: float) -> None:
        self._voice.say(f"{reason}; again in {wait_s:.1f} s")
