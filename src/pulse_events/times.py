"""Times as texts: ISO 8601 as the wire has it, and what a request's ``since`` says.  No clock."""

import re
from datetime import UTC, datetime, timedelta

from pulse_events.errors import InputError

_EPOCH = datetime.fromtimestamp(0, UTC)
_MS = timedelta(milliseconds=1)
_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")
_SHOWN_CHARS = 40


def iso_time(time_ms: int) -> str:
    """Return milliseconds since the epoch as the wire has a time: UTC, with milliseconds."""
    moment = _EPOCH + time_ms * _MS
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_since(text: str, now_ms: int) -> int:
    """Return the moment that a request asks for, in milliseconds since the epoch; 0 at least.

    Args:
        text: A duration before now, ``90s``, ``10m``, ``2h`` or ``7d``; or a moment in ISO 8601,
            which is in UTC if it names no zone.
        now_ms: The time of day.

    Raises:
        InputError: It is neither, or is still to come.
    """
    if found := _DURATION.fullmatch(text):
        number, unit = found.groups()
        return max(0, now_ms - int(number) * _UNITS_MS[unit])
    since_ms = _read_iso(text)
    if since_ms is None:
        raise InputError(
            f"'since' is {text[:_SHOWN_CHARS]!r}, which is neither a duration like 90s, 10m, 2h or "
            "7d nor a time like 2026-11-25T10:00:00Z"
        )
    if since_ms > now_ms:
        raise InputError(f"'since' is {text[:_SHOWN_CHARS]!r}, which is still to come")
    return max(0, since_ms)


def _read_iso(text: str) -> int | None:
    # In a query string a zone's plus is a space, unless it was escaped.
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _MS
    except (ValueError, OverflowError):
        return None
