"""What the fault matrix measured, and the table that is printed at the end of the run."""

import math
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from pulse_events.hub.replay import OF_ANOTHER
from tests.faults.feed import Feed
from tests.faults.follower import Follower, Got

_LATENCY_S = 1.0
"""What may lie between the time of a message's publication and the one that a gap has of it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One row of the table; what was lost and duplicated is summed over the row's clients.

    What stands in a gap that a client was told is not lost.
    """

    fault: str
    sent: int | None = None
    lost: int | None = None
    duplicated: int | None = None
    recovered_s: float | None = None
    remark: str = ""


_rows: list[Figures] = []


def keep(row: Figures) -> None:
    """Have ``row`` in the table."""
    _rows.append(row)


def judge(
    fault: str,
    feed: Feed,
    followers: Sequence[Follower],
    fault_s: float,
    *,
    since: int = 0,
    remark: str = "",
) -> Figures:
    """Compare what the broker answered with what came; keep and return the figures.

    Args:
        fault: The row's name.
        feed: Stopped.
        followers: Those that were ready when message ``since`` was published.
        fault_s: When the fault was over, for the seconds to recover.
        since: Number of the first message that counts.
        remark: For the last column.
    """
    due = {number for number in feed.answered if number >= since}
    lost = sum(len(lost_in_silence(follower, feed, since)) for follower in followers)
    duplicated = sum(map(repetitions, followers))
    recovered_s = max(follower.recovered_s(fault_s) for follower in followers)
    row = Figures(fault, len(due), lost, duplicated, recovered_s, remark)
    keep(row)
    return row


def lost_in_silence(follower: Follower, feed: Feed, since: int) -> set[int]:
    """Return what did not come of what was answered, and stands in no gap that was told.

    A gap stands behind its stretch (but for one of bindings, when others had some of it held, which
    is none of these).  Something of the stretch may have come all the same, so what
    came just before the gap does not bound it: the time that it names does, or, if it names none,
    where the connection began.
    """
    lost = {number for number in feed.answered if number >= since}
    lost.difference_update(got.number for got in follower.got)
    for gap in follower.gaps:
        before = _newest(follower, gap.place)
        behind = (got.number for got in follower.got[gap.place :] if got.number > before)
        after = next(behind, math.inf)
        first = _newest(follower, gap.start)
        if gap.from_time is not None:
            from_s = monotonic_s(gap.from_time) - _LATENCY_S
            first = min(before, bisect_left(feed.published_s, from_s))
        lost = {number for number in lost if not first <= number <= after}
    return lost


def _newest(follower: Follower, place: int) -> int:
    """Return the highest number of what came before a place, -1 if nothing did."""
    return max((got.number for got in follower.got[:place]), default=-1)


def monotonic_s(iso_time: str) -> float:
    """Return a time of the wire by this process's monotonic clock."""
    return datetime.fromisoformat(iso_time).timestamp() - time.time() + time.monotonic()


def repetitions(follower: Follower) -> int:
    """Count what came twice, which must say so; all else must have come in order.

    Where it came to another process's history it begins anew: each has a queue of its own, and one
    may still await what the other has passed on.
    """
    seen: dict[int, Got] = {}
    count, newest = 0, -1
    anew = {gap.place for gap in follower.gaps if gap.reason == OF_ANOTHER}
    for place, got in enumerate(follower.got):
        if place in anew:
            seen.clear()
            newest = -1
        if got.number in seen:
            count += 1
            assert got.redelivered, f"came twice, and does not say so: {seen[got.number]}, {got}"
        else:
            assert got.number > newest, f"{got} came after {seen[newest]}"
            seen[got.number] = got
            newest = got.number
    return count


def portable() -> list[tuple[object, ...]]:
    """Return what was kept, of types that one process can tell another."""
    return [astuple(row) for row in _rows]


def add(rows: Sequence[tuple[Any, ...]]) -> None:
    """Keep what another process returned as `portable`."""
    _rows.extend(Figures(*row) for row in rows)


def table() -> list[str]:
    """Return the lines of the table, none if nothing was measured."""
    if not _rows:
        return []
    lines = [
        "| fault | sent | lost | duplicated | seconds to recover | remark |",
        "|---|---|---|---|---|---|",
    ]
    for row in _rows:
        seconds = None if row.recovered_s is None else f"{max(0.0, row.recovered_s):.1f}"
        cells = (row.fault, row.sent, row.lost, row.duplicated, seconds, row.remark)
        lines.append("| " + " | ".join("" if c is None else str(c) for c in cells) + " |")
    return lines
