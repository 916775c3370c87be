"""Keys that a JSON text gives twice: parsers keep one of the two in silence, not all the same one.

Knows JSON, not what is in it.  Pure.
"""

import json
from typing import Any, NamedTuple


class Repeated(NamedTuple):
    """A key that an object has twice, and where that object is, as in ``.bindings[3]``."""

    key: str
    place: str


def repeated_key(text: str) -> Repeated | None:
    """Return the first key that some object in ``text`` has twice, at whatever depth.

    Args:
        text: JSON that another parser has taken; this one is more lenient.

    Raises:
        RecursionError: It is nested too deep to tell.
    """
    return _within(_decode(text))


def _of_object(pairs: list[tuple[str, Any]]) -> Repeated | None:
    """Return what stands for an object that was read: what is wrong with it, if anything is."""
    seen = set()
    for key, value in pairs:
        if key in seen:
            return Repeated(key, "")
        seen.add(key)
        if inner := _within(value):
            step = f".{key}" if key.isidentifier() else f"[{key!r}]"
            return inner._replace(place=step + inner.place)
    return None


def _within(value: Any) -> Repeated | None:
    if isinstance(value, Repeated):
        return value
    if isinstance(value, list):
        for index, item in enumerate(value):
            if inner := _within(item):
                return inner._replace(place=f"[{index}]{inner.place}")
    return None


# Numbers as they are: `int` refuses 4,300 digits, and takes long for fewer.
_decode = json.JSONDecoder(object_pairs_hook=_of_object, parse_int=str, parse_float=str).decode
