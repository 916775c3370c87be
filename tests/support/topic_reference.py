"""AMQP topic matching in the fewest words: slow, recursive, the reference for the fast one.

Shares no code with the program.  Exponential in the number of ``#``: for short inputs.
"""

from collections.abc import Iterable


def words_of(text: str) -> list[str]:
    """Return what stands between the dots; nothing stands in the empty text."""
    return text.split(".") if text != "" else []


def reference_match(pattern: str, key: str) -> bool:
    """Tell whether ``pattern`` matches the routing key ``key``."""
    return _match(words_of(pattern), words_of(key))


def reference_match_any(pattern: str, keys: Iterable[str]) -> bool:
    """Tell whether ``pattern`` matches any of a message's keys, ``CC`` keys included."""
    return any(reference_match(pattern, key) for key in keys)


def _match(pattern: list[str], key: list[str]) -> bool:
    if not pattern:
        return not key
    if pattern[0] == "#":
        return _match(pattern[1:], key) or (bool(key) and _match(pattern, key[1:]))
    return bool(key) and pattern[0] in ("*", key[0]) and _match(pattern[1:], key[1:])
