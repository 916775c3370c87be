"""Records: copies what the inbox delivers into the log, if this process is the one that does."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable

from pulse_events.brokers.rabbitmq.connection import Channel, QueueLost, first_failure
from pulse_events.brokers.rabbitmq.frames import FrameConnection
from pulse_events.brokers.rabbitmq.log.inbox import MANY, Inbox
from pulse_events.brokers.rabbitmq.log.queues import LogQueues, time_ms
from pulse_events.errors import BrokerUnavailable
from pulse_events.log.entries import Entry, Lost
from pulse_events.log.intake import Intake
from pulse_events.log.recording import LOOK_MS, PREFETCH, Recording
from pulse_events.messages import Message

log = logging.getLogger(__name__)

FLUSH_S = 0.05
FLUSH_EVERY = 250
"""How long what came back waits to be acknowledged with others, and how many of them."""
COUNT_EVERY_S = 1.0
BACK_WITHIN_MS = 5000
"""How long an entry may take to come back."""
STEADY_S = 60.0
"""How long after its loss a broker may give again what it does not mark so: until somebody records.
"""
INBOX_GONE = "messages may be missing: the queue that is recorded from was deleted, or expired"
INBOX_AWAY = "messages may be missing: the queue that is recorded from was out of reach"
INBOX_FULL = "messages may be missing: the queue that is recorded from was full"


class Recorder:
    """Records on one connection after the other.

    Args:
        inbox: Where it takes messages from.
        queues: Where it writes them to.
        intake: What was read of the log.
        body_limit_bytes: Longer bodies are left out.
    """

    def __init__(
        self,
        inbox: Inbox,
        queues: LogQueues,
        intake: Intake,
        body_limit_bytes: int,
    ) -> None:
        self._inbox = inbox
        self._queues = queues
        self._intake = intake
        self._limit_bytes = body_limit_bytes
        self._losses: list[tuple[int, str, str]] = []  # that could not be recorded yet
        self._away_until = self._away_ms = 0
        self._failure: asyncio.Future[Exception] | None = None
        self._flush: asyncio.TimerHandle | None = None
        self._recording: Recording | None = None

    async def run(
        self,
        source: FrameConnection,
        target: FrameConnection,
    ) -> None:
        """Record until one of two connections is lost, which raises.

        Args:
            source: Where the inbox is.
            target: Where the log is.  Not the same: a broker that blocks publishers reads nothing
                of their connections, and what is acknowledged would wait too.
        """
        inbox, look = await Channel(source).open(), await Channel(source).open()
        out = await Channel(target).open()
        steady_s = time.monotonic() + STEADY_S
        self._failure = asyncio.get_running_loop().create_future()
        writer = secrets.token_hex(4)
        self._recording = recording = Recording(
            writer,
            time_ms,
            lambda entry: self._queues.write(out, entry),
            lambda tag: inbox.send("basic_ack", delivery_tag=tag, multiple=True),
            lambda: tuple(self._intake.latest),
            lambda: self._intake.term,
            trusts_marks=lambda: time.monotonic() > steady_s,
        )
        for loss in self._losses:
            recording.lost(*loss)
        try:
            waiting = await self._count(look, self._last_ms())
            if self._inbox.was_away:
                self._away_until, self._away_ms = waiting + 1, self._last_ms()
            source.deliver_directly(inbox.pika.channel_number, self._deliver, self._limit_bytes)
            await self._inbox.consume(inbox, PREFETCH)
            await first_failure(
                self._until_gone(inbox),
                out.until_closed(),
                self._until_failed(recording, self._failure),
                self._watch_length(look),
            )
        finally:
            self._losses = recording.losses
            self._recording = None
            self._away_until = 0
            self._flush_now()

    async def _until_failed(self, recording: Recording, failure: asyncio.Future[Exception]) -> None:
        """Look after it until it fails, and raise why."""
        while not failure.done():
            await asyncio.wait((failure,), timeout=LOOK_MS / 1000)
            self._look(recording)
        raise failure.result()

    async def _watch_length(self, channel: Channel) -> None:
        """Look at the inbox now and then: of too many messages the oldest go, and nobody is told.

        Raises:
            RequestRefused: There is none.
        """
        while True:
            looked_ms = time_ms()
            await asyncio.sleep(COUNT_EVERY_S)
            await self._count(channel, looked_ms)

    async def _count(self, channel: Channel, since_ms: int) -> int:
        """Return how much the inbox holds; record a loss if it may have been full since a time."""
        count = await self._inbox.count(channel)
        if count >= MANY and self._recording is not None:
            self._guard(self._recording.lost, since_ms, "", INBOX_FULL)
        return count

    def _last_ms(self) -> int:
        """Return when the last thing was recorded, 0 if nothing ever was."""
        tail = self._intake.tail
        return tail.entered_ms if tail.last else 0

    async def _until_gone(self, inbox: Channel) -> None:
        try:
            await inbox.until_closed()
        except QueueLost:
            self._inbox.was_away = True
            raise

    def read_back(self, entry: Entry) -> None:
        """Take an entry that was read in the log."""
        if self._recording is not None:
            self._guard(self._recording.read_back, entry, counts=self._intake.did_count)
            if isinstance(entry, Lost) and entry.reason in (INBOX_GONE, INBOX_AWAY):
                self._inbox.was_away, self._away_until = False, 0  # it is told
            if self._recording.to_acknowledge >= FLUSH_EVERY:
                self._flush_now()
            elif self._flush is None:
                self._flush = asyncio.get_running_loop().call_later(FLUSH_S, self._flush_now)

    def _deliver(self, message: Message, tag: int, _held_bytes: int) -> None:
        recording = self._recording
        if recording is None:
            return
        self._guard(recording.deliver, message, tag)
        if tag == self._away_until:
            # What it held when its node went comes first: behind that, and one that came since.
            self._inbox.was_away = False
            self._guard(recording.lost, self._away_ms, "", INBOX_AWAY)
        if message.malformed:
            reason = f"messages may be missing: one has {message.malformed}"
            self._guard(recording.lost, time_ms(), message.exchange, reason)

    def _flush_now(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if self._recording is not None:
            self._guard(self._recording.flush)

    def _look(self, recording: Recording) -> None:
        """See that what is written comes back.

        Raises:
            BrokerUnavailable: It does not.
        """
        self._flush_now()
        oldest_ms = recording.oldest_ms()
        if oldest_ms is not None and time_ms() - oldest_ms > BACK_WITHIN_MS:
            text = f"what is written to the log does not come back within {BACK_WITHIN_MS} ms"
            raise BrokerUnavailable(text, "the log takes no entries")

    def _guard(self, act: Callable[..., object], *arguments: object, **named: object) -> None:
        """Do it; what it raises ends this recording, and nothing else."""
        try:
            act(*arguments, **named)
        except Exception as error:
            if not isinstance(error, BrokerUnavailable | RuntimeError):
                log.exception("recording failed")
            if not isinstance(error, BrokerUnavailable):  # RuntimeError: uvloop's, of a dead socket
                error = BrokerUnavailable(f"recording failed: {error!r}")
            if self._failure is not None and not self._failure.done():
                self._failure.set_result(error)
