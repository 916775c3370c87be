"""What users give in one of several plain forms: bindings, and when a stream is to begin.  Pure."""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from pulse_events.bindings import Binding
from pulse_events.errors import InputError

BindingForm: TypeAlias = Binding | tuple[str, str] | Mapping[str, Any]
"""A `Binding`, ``(exchange, pattern)``, or a mapping with ``exchange`` and ``routingKeyPattern``
(or ``pattern``), whose other fields do not count."""
Bindings: TypeAlias = BindingForm | Iterable[BindingForm | list[str]]
"""One, or several.  Among several a pair may be a list, as JSON has it; alone that would be several
texts, such as names of exchanges, which are no bindings."""
Since: TypeAlias = str | timedelta | datetime

_PATTERN_NAMES = ("routingKeyPattern", "pattern")
_LONGEST_S = 999_999_999
_FORMS = "a Binding, (exchange, pattern), or a mapping with 'exchange' and 'routingKeyPattern'"


def bindings_of(given: Bindings) -> tuple[Binding, ...]:
    """Return bindings in the order in which they are given, as the server counts them.

    Raises:
        InputError: There are none, or one is none; the text names it as ``bindings[3]``.
    """
    found = tuple(_binding(index, entry) for index, entry in enumerate(_entries(given)))
    if not found:
        raise InputError("'bindings' is empty; name at least one binding")
    return found


def _entries(given: Any) -> Iterator[Any]:
    if isinstance(given, Binding | Mapping) or (isinstance(given, tuple) and _is_pair(given)):
        return iter((given,))
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"bindings is {given!r:.80}, which is not {_FORMS}, nor several of these")
    return iter(given)


def _is_pair(given: Any) -> bool:
    if not isinstance(given, tuple | list) or len(given) != 2:
        return False
    return all(isinstance(part, str) for part in given)


def _binding(index: int, entry: Any) -> Binding:
    if isinstance(entry, Binding):
        return entry
    place = f"bindings[{index}]"
    exchange, pattern = _parts(place, entry)
    try:
        return Binding(exchange, pattern)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _parts(place: str, entry: Any) -> tuple[str, str]:
    if _is_pair(entry):
        return entry[0], entry[1]
    if not isinstance(entry, Mapping):
        raise InputError(f"{place} is {entry!r:.80}, which is not {_FORMS}")
    patterns = [entry[name] for name in _PATTERN_NAMES if name in entry]
    if not patterns:
        raise InputError(f"{place} lacks the field 'routingKeyPattern'")
    parts = {"exchange": entry.get("exchange"), "routingKeyPattern": patterns[0]}
    for name, value in parts.items():
        if not isinstance(value, str):
            raise InputError(f"{place}.{name} must be a string, this is {value!r:.80}")
    if patterns[0] != patterns[-1]:
        raise InputError(f"{place} has two patterns, 'routingKeyPattern' and 'pattern'")
    return parts["exchange"], parts["routingKeyPattern"]


def since_text(since: Since | None) -> str | None:
    """Return a beginning as the wire has it: texts are the server's to read.

    Raises:
        InputError: A duration is negative, a time has no zone, or it is of another type.
    """
    if since is None or isinstance(since, str):
        return since
    if isinstance(since, timedelta):
        return _duration(since)
    if not isinstance(since, datetime):
        raise InputError(f"since is {since!r:.80}, which is not a str, timedelta or datetime")
    if since.utcoffset() is None:
        raise InputError(f"since is {since.isoformat()}, which has no time zone")
    try:
        moment = since.astimezone(UTC).isoformat(timespec="milliseconds")
    except OverflowError:  # in UTC it is in the year 0
        raise InputError(f"since is {since.isoformat()}, which is out of range") from None
    return moment.replace("+00:00", "Z")


def _duration(since: timedelta) -> str:
    if since < timedelta(0):
        raise InputError(f"since is {since}, which is still to come")
    seconds = math.ceil(since.total_seconds())  # rather one message too many
    return f"{min(seconds, _LONGEST_S)}s"
