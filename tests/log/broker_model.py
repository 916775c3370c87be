"""RabbitMQ as a recorder sees it: an inbox with a single active consumer, and a stream."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, takewhile
from typing import NamedTuple

from pulse_events.log.entries import Began, Entry, Recorded, decode
from pulse_events.messages import Message

PREFETCH = 3
"""Few, so that it is often used up."""


@dataclass(eq=False)
class Item:
    """A message in the inbox."""

    message: Message
    was_sent: bool = False
    """A consumer may have got it: it comes again as redelivered."""


class Unacknowledged(NamedTuple):
    """A delivery, as it was sent."""

    tag: int
    item: Item
    redelivered: bool


@dataclass
class Broker:
    """Both queues, and what is on its way between them and the consumer."""

    ready: deque[Item] = field(default_factory=deque)
    unacknowledged: deque[Unacknowledged] = field(default_factory=deque)
    deliveries: deque[tuple[Message, int]] = field(default_factory=deque)
    """On their way to the consumer."""
    entries: deque[bytes] = field(default_factory=deque)
    """On their way to the stream."""
    tags: deque[int] = field(default_factory=deque)
    """Acknowledgements on their way."""
    late: deque[bytes] = field(default_factory=deque)
    """What closed connections carried, and a broker that comes back may still take."""
    log: list[Entry] = field(default_factory=list)
    finished: list[Message] = field(default_factory=list)
    """Messages whose acknowledgement arrived: they never come again."""
    next_tag: int = 1

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing is under way, nor waits for the consumer."""
        return not (self.unacknowledged or self.deliveries or self.entries or self.tags)

    def can_send(self) -> bool:
        """Tell whether a message waits, and the consumer may have one more."""
        return bool(self.ready) and len(self.unacknowledged) < PREFETCH

    def send(self, most: int) -> None:
        """Send so many messages, or as many as the prefetch allows."""
        while most > 0 and self.can_send():
            most -= 1
            item = self.ready.popleft()
            delivery = Unacknowledged(self.next_tag, item, item.was_sent)
            self.unacknowledged.append(delivery)
            message = item.message._replace(redelivered=item.was_sent)
            self.deliveries.append((message, self.next_tag))
            item.was_sent = True
            self.next_tag += 1

    def take_entries(self, most: int) -> None:
        """Have so many entries arrive."""
        for _ in range(min(most, len(self.entries))):
            self.log.append(decode(self.entries.popleft()))

    def take_tags(self, most: int) -> None:
        """Have so many acknowledgements arrive."""
        for _ in range(min(most, len(self.tags))):
            tag = self.tags.popleft()
            while self.unacknowledged and self.unacknowledged[0].tag <= tag:
                self.finished.append(self.unacknowledged.popleft().item.message)

    def take_late(self, most: int) -> None:
        """Have so many entries arrive whose connection was closed before."""
        for _ in range(min(most, len(self.late))):
            self.log.append(decode(self.late.popleft()))

    def close(self, entries: int, tags: int) -> None:
        """End the consumer's connection; so much of what it sent arrives, entries also later."""
        self.take_entries(entries)
        self.take_tags(tags)
        self.late.extend(self.entries)
        for on_its_way in (self.deliveries, self.entries, self.tags):
            on_its_way.clear()
        self.ready.extendleft(delivery.item for delivery in reversed(self.unacknowledged))
        self.unacknowledged.clear()
        self.next_tag = 1

    def lose_entries(self, most: int, read: int) -> None:
        """Lose the newest entries; those that were read are on the disk."""
        del self.log[max(read, len(self.log) - most) :]

    def coming_again(self) -> list[Message]:
        """Return what comes again at the front, to a consumer that has acknowledged nothing."""
        sent = ((delivery.item, delivery.redelivered) for delivery in self.unacknowledged)
        all_of_it = chain(sent, ((item, item.was_sent) for item in self.ready))
        return [item.message for item, _ in takewhile(lambda pair: pair[1], all_of_it)]


def counting(log: list[Entry]) -> Iterator[Entry]:
    """Return ``log`` without what is behind a later term, or behind its writer's missing number."""
    current, due = (0, ""), 0
    for entry in log:
        writer, number, _, term = entry.stamp
        if isinstance(entry, Began) and term > current[0]:
            current, due = (term, writer), 0
        if (term, writer) == current and number == due:
            due += 1
            yield entry


def bodies(log: list[Entry]) -> list[bytes]:
    """Return which messages count in ``log``, by their keys."""
    return [entry.routing_key.encode() for entry in counting(log) if isinstance(entry, Recorded)]
