"""What a recorder finds at its start: what its predecessor has recorded, and not acknowledged.

It is an end of the log and a beginning of what comes again in the inbox.  Knows neither writing nor
acknowledging.  Pure.
"""

from collections.abc import Sequence
from typing import NamedTuple


class LogContent(NamedTuple):
    """What makes two messages the same to readers of the log."""

    exchange: str
    routing_key: str
    cc: tuple[str, ...]
    line: bytes


class Front:
    """What comes again at the inbox's front, compared with the end of the log.

    What a predecessor wrote and did not acknowledge is both an end of the log and a beginning of
    what comes again.  The longest such is looked for.  It is found as deliveries come, for what
    comes again may come in several batches: ``_place`` is the first in ``_end`` from where on it
    agrees with all that came, as far as both reach.  No earlier place can agree any more, so when
    what came reaches the end from there, it is the longest.  That is so after as many deliveries
    as ``_end`` has contents at the latest.

    Args:
        end: The newest messages of the log, oldest first.
    """

    def __init__(self, end: Sequence[LogContent]) -> None:
        # Numbers for contents: lines may be long, and are compared once with each place.
        self._numbers: dict[LogContent, int] = {}
        self._end = [self._numbers.setdefault(content, len(self._numbers)) for content in end]
        self._again: list[int] = []
        self._place = 0

    @property
    def is_decided(self) -> bool:
        """Tell whether `recorded` is known, whatever else comes again."""
        return self._place + len(self._again) >= len(self._end)

    def add(self, content: LogContent) -> None:
        """Take what came again next."""
        self._again.append(self._numbers.get(content, -1))
        self._search(self._place)

    def recorded(self) -> int:
        """Return how many of those that came again are recorded already, if no more come."""
        self._search(max(self._place, len(self._end) - len(self._again)))
        return len(self._end) - self._place

    def _search(self, start: int) -> None:
        length = len(self._end)
        agreeing = (place for place in range(start, length) if self._agrees(place))
        self._place = next(agreeing, length)

    def _agrees(self, place: int) -> bool:
        end, again = self._end, self._again
        return end[place : place + len(again)] == again[: len(end) - place]
