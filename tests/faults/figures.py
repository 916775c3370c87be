"""What the fault matrix measured, and the table that is printed at the end of the run."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.feed import Feed
from tests.faults.follower import Follower


@dataclass(frozen=True, slots=True)
class Figures:
    """One row of the table; counts are over all clients of the row."""

    fault: str
    sent: int
    lost: int
    duplicated: int
    recovered_s: float | None
    remark: str = ""


_rows: list[Figures] = []


def keep(row: Figures) -> None:
    """Have ``row`` in the table."""
    _rows.append(row)


def judge(
    fault: str, feed: Feed, followers: Sequence[Follower], fault_s: float, *, since: int = 0
) -> Figures:
    """Compare what was confirmed with what came; keep and return the figures.

    Args:
        fault: The row's name.
        feed: Stopped.
        followers: Those that were ready when message ``since`` was published.
        fault_s: When the fault was over, for the seconds to recover.
        since: Number of the first message that counts.
    """
    due = {number for number in feed.confirmed if number >= since}
    lost = duplicated = 0
    for follower in followers:
        numbers = [got.number for got in follower.got]
        lost += len(due.difference(numbers))
        seen: set[int] = set()
        newest = -1
        for got in follower.got:
            if got.number in seen:
                duplicated += 1
                assert got.redelivered, f"message {got.number} came twice and does not say so"
            else:
                assert got.number > newest, f"{got.number} came after {newest}"
                seen.add(got.number)
                newest = got.number
    recovered_s = max(follower.recovered_s(fault_s) for follower in followers)
    row = Figures(fault, len(due), lost, duplicated, recovered_s)
    keep(row)
    return row


def table() -> list[str]:
    """Return the lines of the table, none if nothing was measured."""
    if not _rows:
        return []
    lines = [
        "| fault | sent | lost | duplicated | seconds to recover | remark |",
        "|---|---|---|---|---|---|",
    ]
    for row in _rows:
        seconds = "" if row.recovered_s is None else f"{row.recovered_s:.1f}"
        cells = (row.fault, row.sent, row.lost, row.duplicated, seconds, row.remark)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines
