"""A recorder's state: what it is told happens, and what it does to the log and to its inbox.

The inbox is a queue with a single active consumer; the recorder copies each of its deliveries into
the log, and acknowledges it when it has read its own entry back.  Knows no connection: whoever
drives it has one, and gives it up when a method here raises.  Pure.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto
from typing import NamedTuple

from pulse_events.errors import BrokerUnavailable
from pulse_events.log.entries import Began, Entry, Lost, Recorded, Stamp, encode
from pulse_events.log.takeover import Front, LogContent
from pulse_events.messages import Message, encode_message

PREFETCH = 1000
"""Deliveries that the broker may have unacknowledged at a recorder."""
QUIET_MS = 2000
"""How long the inbox is silent until what comes again is taken to have come.

The broker sends what it has when it makes a consumer the active one, as fast as the network takes
it.
"""
LOOK_MS = 500
"""The most that counts of the time from one `Recording.flush` to the next.

If it was longer this process stood still: what had come meanwhile is delivered behind the first
timer, so the inbox would seem to have been silent.
"""


class RecordsLost(BrokerUnavailable):
    """The broker has lost entries of the log that it took; what is not acknowledged comes again."""

    kind = "the broker lost records"


class Superseded(BrokerUnavailable):
    """Another recorder's term has begun: this one's turn is over, or not known to the log."""

    kind = "another process records"


class _Delivery(NamedTuple):
    content: LogContent
    tag: int
    redelivered: bool = False


class _Loss(NamedTuple):
    from_ms: int
    exchange: str
    reason: str


class _Sent(NamedTuple):
    """An entry that was written and has not come back."""

    number: int
    time_ms: int
    about: int | _Loss | None
    """The tag of the message, whose bytes are not held any longer; ``None`` if it is `Began`."""


class _Phase(Enum):
    IDLE = auto()
    """Nothing was delivered: another process may be recording."""
    BEGINNING = auto()
    """Began is written; the log's end is not known before it is read."""
    COMPARING = auto()
    """What comes again is being compared with the log's end."""
    RECORDING = auto()


class Recording:
    """The recorder of one connection, from its first delivery to its end.

    What is promised to those who read what counts (see `Succession`), if each recorder's entries
    reach the log in order, and the broker keeps those that were read; and if the inbox is not
    silent for `QUIET_MS` in the midst of what comes again (else messages may be doubled):

    - No message is acknowledged that is not in the log, or equal to one there (see below).
    - Messages that differ are recorded once each, in the inbox's order, however often recorders
      and the broker end.
    - Where a recorder takes over, the log ends with some messages, and the inbox goes on with the
      very same ones, delivered before: nothing tells these from the recorded ones, and they are not
      recorded again.  So of a run that repeats at once what stands before it, one may be missing
      after a takeover, and nothing else.

    What a predecessor wrote may come behind our `Began`, even after minutes: it does not count.  If
    another's `Began` counts there, or ours does not, another recorder knew a later term than this
    one: `read_back` raises.  Nothing is acknowledged any more then but what came back before.

    Args:
        writer: A nonce of this connection, 8 hexadecimal digits.
        clock_ms: Returns the time of day, in milliseconds since the epoch.
        write: Publishes an entry's bytes to the log.
        acknowledge: Acknowledges all deliveries up to a tag.
        end: Returns the newest messages of the log that count, oldest first: ``prefetch`` of them,
            or all that there are.  All that stands before our `Began` must be there by the time
            that `read_back` is told of it.  If fewer are there than the log has, some may be
            doubled; none is lost.
        term: Returns the term of whose turn it was, as far as was read.
        trusts_marks: Tells whether what comes again is marked as redelivered.  A broker that was
            killed may have forgotten it; then what is not marked is compared with the log's end,
            too, and of what was never delivered a run may be missing as above.
        prefetch: How many deliveries the broker leaves unacknowledged.
    """

    def __init__(
        self,
        writer: str,
        clock_ms: Callable[[], int],
        write: Callable[[bytes], None],
        acknowledge: Callable[[int], None],
        end: Callable[[], Sequence[LogContent]],
        term: Callable[[], int],
        *,
        trusts_marks: Callable[[], bool] = lambda: True,
        prefetch: int = PREFETCH,
    ) -> None:
        self.recorded = 0
        """Messages whose entry came back."""
        self.skipped = 0
        """Messages that a predecessor had recorded."""
        self.acknowledged = 0
        """Deliveries that were acknowledged."""
        self._writer = writer
        self._clock_ms = clock_ms
        self._write = write
        self._acknowledge = acknowledge
        self._end = end
        self._term_before = term
        self._trusts_marks = trusts_marks
        self._prefetch = prefetch
        self._phase = _Phase.IDLE
        self._delivered = 0
        self._flushed_ms = clock_ms()
        self._quiet_ms = 0
        self._term = self._number = 0
        self._tag = 0  # of the last delivery that is surely in the log
        self._held: deque[_Delivery | _Loss] = deque()
        self._sent: deque[_Sent] = deque()
        self._front = Front([])

    @property
    def in_flight(self) -> int:
        """Deliveries that are not acknowledged; the broker's prefetch bounds them.

        Their bytes are held only until they are written.
        """
        return self._delivered - self.acknowledged

    @property
    def to_acknowledge(self) -> int:
        """Deliveries that are surely in the log, and not acknowledged yet."""
        return self.recorded + self.skipped - self.acknowledged

    @property
    def losses(self) -> list[tuple[int, str, str]]:
        """What `lost` was told and has not come back: to be told to the next recording."""
        waiting = [*(sent.about for sent in self._sent), *self._held]
        return [about for about in waiting if isinstance(about, _Loss)]

    def oldest_ms(self) -> int | None:
        """Return when the oldest entry was written that has not come back; ``None`` without one."""
        return self._sent[0].time_ms if self._sent else None

    def deliver(self, message: Message, tag: int) -> None:
        """Take the next delivery of the inbox; the first one makes this the recorder.

        Args:
            message: What came.
            tag: Its delivery tag, greater than those before.
        """
        self._delivered += 1
        self._quiet_ms = 0
        delivery = _Delivery(_content_of(message), tag, message.redelivered)
        if self._phase is _Phase.RECORDING:
            self._send(delivery)
            return
        self._held.append(delivery)
        if self._phase is _Phase.COMPARING:
            self._compare((delivery,))
        elif self._phase is _Phase.IDLE:
            self._phase = _Phase.BEGINNING
            self._term = self._term_before() + 1
            self._send(None)

    def lost(self, from_ms: int, exchange: str, reason: str) -> None:
        """Record that messages are missing behind what was delivered so far.

        It waits for the first delivery: until then, another process may be the one that records.

        Args:
            from_ms: When the last thing came that is surely before them.
            exchange: Whose messages they were; empty if they may be anybody's.
            reason: What clients are told.
        """
        loss = _Loss(from_ms, exchange, reason)
        if self._phase is _Phase.RECORDING:
            self._send(loss)
        elif self._phase is not _Phase.IDLE or not self._holds_like(loss):
            self._held.append(loss)

    def _holds_like(self, loss: _Loss) -> bool:
        """Tell whether such a loss waits already: it began earlier, and stands for this one too."""
        return any(isinstance(held, _Loss) and held[1:] == loss[1:] for held in self._held)

    def read_back(self, entry: Entry, *, counts: bool) -> None:
        """Take the next entry of the log, whoever wrote it.

        Raises:
            RecordsLost: It is ours, and another one is due.
            Superseded: It is another's `Began`, behind ours, or ours, which does not count.
        """
        if entry.stamp.writer == self._writer:
            self._take_own(entry.stamp.number, counts)
        elif counts and isinstance(entry, Lost) and self._phase is _Phase.IDLE:
            # Who records has told it: at a takeover, it would be told once more.
            self._held = deque(held for held in self._held if not _is_like(held, entry))
        elif counts and isinstance(entry, Began) and self._phase is not _Phase.IDLE:
            raise Superseded(f"{entry.stamp.writer} has begun a later term than {self._writer}")

    def flush(self) -> None:
        """Acknowledge what came back; to be called every `LOOK_MS`, or more often.

        It also ends the wait for what comes again, after `QUIET_MS` without a delivery.
        """
        now_ms = self._clock_ms()
        self._quiet_ms += min(max(now_ms - self._flushed_ms, 0), LOOK_MS)
        self._flushed_ms = now_ms
        if self._phase is _Phase.COMPARING and self._quiet_ms >= QUIET_MS:
            self._go_on()
        if self.to_acknowledge:
            self.acknowledged += self.to_acknowledge
            self._acknowledge(self._tag)

    def _take_own(self, number: int, counts: bool) -> None:
        due = self._sent[0].number if self._sent else "nothing"
        # It stays due, so that nothing behind it is ever taken for recorded.
        if number != due:
            raise RecordsLost(f"entry {number} of {self._writer} came back, {due} was due")
        if not counts:
            raise Superseded(f"term {self._term} is not that of {self._writer}")
        about = self._sent.popleft().about
        if isinstance(about, int):
            self.recorded += 1
            self._tag = about
        elif about is None:
            self._begin()

    def _begin(self) -> None:
        """Begin to compare: our `Began` came back, all that others wrote was read before."""
        self._phase = _Phase.COMPARING
        self._front = Front(self._end()[-self._prefetch :])
        self._compare([held for held in self._held if isinstance(held, _Delivery)])

    def _compare(self, deliveries: Iterable[_Delivery]) -> None:
        for delivery in deliveries:
            may_come_again = delivery.redelivered or not self._trusts_marks()
            if may_come_again:
                self._front.add(delivery.content)
            if not may_come_again or self._front.is_decided:
                self._go_on()
                return

    def _go_on(self) -> None:
        """Skip what is recorded of the held, and write the rest."""
        skips = self._front.recorded()
        self._phase = _Phase.RECORDING
        self._front = Front([])
        while self._held:
            held = self._held.popleft()
            if isinstance(held, _Delivery) and self.skipped < skips:
                self.skipped += 1
                self._tag = held.tag
            else:
                self._send(held)

    def _send(self, about: _Delivery | _Loss | None) -> None:
        stamp = Stamp(self._writer, self._number, self._clock_ms(), self._term)
        self._number += 1
        kept = about.tag if isinstance(about, _Delivery) else about
        self._sent.append(_Sent(stamp.number, stamp.time_ms, kept))
        self._write(encode(_entry(stamp, about)))


def _is_like(held: _Delivery | _Loss, entry: Lost) -> bool:
    return isinstance(held, _Loss) and (held.exchange, held.reason) == (
        entry.exchange,
        entry.reason,
    )


def _content_of(message: Message) -> LogContent:
    # The log says of no message that it came twice: what does is not recorded twice.
    line = encode_message(message._replace(redelivered=False))
    return LogContent(message.exchange, message.routing_key, message.cc, line)


def _entry(stamp: Stamp, about: _Delivery | _Loss | None) -> Entry:
    if isinstance(about, _Delivery):
        return Recorded(stamp, *about.content)
    return Began(stamp) if about is None else Lost(stamp, *about)
